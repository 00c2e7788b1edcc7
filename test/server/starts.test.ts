/** Starts are counted where there is a folder for it, and nothing fails where there is none. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { countStart } from '../../src/server/starts.js';
import { temporaryFolder } from '../support/folder.js';

t.test('one more each time', async (t) => {
  const folder = temporaryFolder(t);
  t.same([countStart(folder), countStart(folder), countStart(folder)], [1, 2, 3]);
  t.same(readdirSync(folder), ['starts']);
  writeFileSync(join(folder, 'starts'), 'nonsense');
  t.equal(countStart(folder), 1);
});

t.test('no folder, no count', async (t) => {
  t.equal(countStart(undefined), null);
  t.equal(countStart(''), null);
  t.equal(countStart('/nowhere/at/all'), null);
});
