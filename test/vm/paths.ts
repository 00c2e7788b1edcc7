// Why: compiled code runs from dist/, the guest's scripts lie in test/vm/guest, and the image lies
// outside the checkout: this file knows where each of them is.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's root: the nearest folder above this file that has a package.json. */
export function repositoryRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error(`No package.json above ${start}`);
  }
}

/** A file of test/vm/guest. */
export function guestScript(name: string): string {
  return join(repositoryRoot(), 'test/vm/guest', name);
}

/** Where images are kept; every checkout of a user shares them. */
export function cacheFolder(): string {
  const { DMABROKER_CACHE, XDG_CACHE_HOME } = process.env;
  if (DMABROKER_CACHE) return DMABROKER_CACHE;
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'dmabroker');
}
