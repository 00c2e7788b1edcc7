/**
 * Programs from npm that single tests need and that are too heavy for everybody's node_modules: each
 * set of test/tools is installed once, by its lock file, into the folder where the guest is kept
 * (test/vm/paths.ts), under a name that is a hash of that file. Nothing of it is built or run meanwhile.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ended, spawnBound, withLock } from '../vm/children.js';
import { cacheFolder, repositoryRoot } from '../vm/paths.js';
import { say } from '../vm/say.js';

const FILES = ['package.json', 'package-lock.json'];

/** The set's node_modules. */
export async function npmTools(name: 'api-checkers' | 'runtimes'): Promise<string> {
  const source = join(repositoryRoot(), 'test/tools', name);
  const lock = readFileSync(join(source, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${name}-${process.arch}-${key}`);
  if (!existsSync(folder)) {
    mkdirSync(cacheFolder(), { recursive: true });
    const waiting = () => say(`another process is installing ${name}; waiting for it`);
    await withLock(join(cacheFolder(), `${name}.lock`), waiting, async () => {
      if (!existsSync(folder)) await install(source, folder);
    });
  }
  return join(folder, 'node_modules');
}

/** Called with the lock held. */
async function install(source: string, folder: string): Promise<void> {
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  mkdirSync(temporary);
  for (const file of FILES) cpSync(join(source, file), join(temporary, file));
  say(`installing ${source} in ${folder}: once`);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawnBound(
    ['npm', 'ci', '--prefix', temporary, ...quiet],
    ['ignore', 2, 2],
    'TERM',
  );
  const { code } = await ended(child);
  if (code !== 0) throw new Error(`npm ci of ${source} ended with ${code}`);
  renameSync(temporary, folder);
}
