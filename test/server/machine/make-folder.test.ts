/** Folders are made with those that they lie in, or it is said why not. */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeFolder } from '../../../src/server/machine/make-folder.js';
import { temporaryFolder } from '../../support/folder.js';

t.test('deep ones, and one that is there', async (t) => {
  const path = join(temporaryFolder(t), 'a', 'b', 'c');
  makeFolder(path, 0o700);
  makeFolder(path, 0o700);
  t.equal(statSync(path).mode & 0o777, 0o700);
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
});

t.test('a folder that cannot be made is an error, and no endless attempt', async (t) => {
  t.throws(() => makeFolder('/proc/nowhere', 0o700), { code: 'ENOENT' });
  t.throws(() => makeFolder('/proc/nowhere/at/all', 0o700), { code: 'ENOENT' });
  const file = join(temporaryFolder(t), 'f');
  writeFileSync(file, '');
  t.throws(() => makeFolder(file, 0o700), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(file, 'x'), 0o700), { code: 'ENOTDIR' });
});
