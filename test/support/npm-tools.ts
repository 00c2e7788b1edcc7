/**
 * Programs from npm that are too heavy for everybody's node_modules: each set of test/tools is installed by
 * its lock file, under a name that is a hash of that file. Nothing of it is built or run meanwhile.
 */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../vm/paths.js';
import { cached, runQuietly } from './cached.js';

const FILES = ['package.json', 'package-lock.json'];

/** The set's node_modules. */
export async function npmTools(name: 'api-checkers' | 'runtimes'): Promise<string> {
  const source = join(repositoryRoot(), 'test/tools', name);
  const lock = readFileSync(join(source, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const folder = await cached(name, key, async (folder) => {
    for (const file of FILES) cpSync(join(source, file), join(folder, file));
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    const done = await runQuietly('npm', 'ci', '--prefix', folder, ...quiet);
    if (!done) throw new Error(`npm ci of ${source} failed`);
  });
  return join(folder, 'node_modules');
}
