/**
 * The programs of docs/first-fd.md: each file that the page shows under a language's heading, and the
 * commands that build and run it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../src/package-root.js';

export const XML = join(packageRoot, 'protocol/dmabroker-v1.xml');
/** What each program says when it has its fd. */
export const SAID = 'an fd of 65536 bytes\n';

export interface Shown {
  readonly files: ReadonlyMap<string, string>;
  /** A shell script. */
  readonly commands: string;
}

export function shown(language: string): Shown {
  const page = readFileSync(join(packageRoot, 'docs/first-fd.md'), 'utf8');
  const section = page.split(/^## /m).find((each) => each.startsWith(`${language}\n`)) ?? '';
  const files = new Map<string, string>();
  let commands = '';
  for (const [, kind, name, text = ''] of section.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)) {
    if (name !== undefined) files.set(name, text);
    else if (kind === 'sh') commands += text;
  }
  if (files.size === 0 || commands === '') throw new Error(`the page shows nothing of ${language}`);
  return { files, commands };
}

/** Lays the files out in a folder. */
export function layOut({ files }: Shown, folder: string): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}
