/** Starts are counted where there is a folder for it, and nothing fails where there is none. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { StateFolder } from '../../../src/server/state/folder.js';
import { countStart } from '../../../src/server/state/starts.js';
import { temporaryFolder } from '../../support/folder.js';

t.test('one more each time', async (t) => {
  const path = temporaryFolder(t);
  const folder = StateFolder.open(path);
  for (const starts of [1, 2, 3]) t.equal(await countStart(folder), starts);
  writeFileSync(join(path, 'starts'), 'nonsense');
  t.equal(await countStart(folder), 1);
  folder.close();
});

t.test('no folder, no count', async (t) => {
  t.equal(await countStart(StateFolder.open('/proc/nowhere')), null);
  t.equal(await countStart(StateFolder.open('/dev/null')), null, 'no folder at all');
});
