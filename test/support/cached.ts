/**
 * Programs that single tests need and nobody else: each set is brought once into the folder where the guest
 * is kept (test/vm/paths.ts), whichever test of whichever checkout asks for it first.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ended, spawnBound, withLock } from '../vm/children.js';
import { cacheFolder } from '../vm/paths.js';
import { say } from '../vm/say.js';

/** `name` with what tells one version of it from others; `fill` puts it into the folder that it is given. */
export async function cached(
  name: string,
  version: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(), `${name}-${process.arch}-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  const waiting = () => say(`another process is installing ${name}; waiting for it`);
  await withLock(join(cacheFolder(), `${name}.lock`), waiting, async () => {
    if (existsSync(folder)) return;
    const temporary = `${folder}.tmp`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(temporary);
    say(`installing ${name} in ${folder}: once`);
    await fill(temporary);
    renameSync(temporary, folder);
  });
  return folder;
}

/** Runs a program that says what it has to say on standard error; resolves with whether it went well. */
export async function runQuietly(...argv: readonly string[]): Promise<boolean> {
  const { code } = await ended(spawnBound(argv, ['ignore', 2, 2], 'TERM'));
  return code === 0;
}
