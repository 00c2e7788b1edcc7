/** The Python that clients/python/README.md shows is run as it stands there, one block after the other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { TestDaemon } from '../support/daemon.js';
import { placesOf, python } from './support.js';

const page = readFileSync(join(packageRoot, 'clients/python/README.md'), 'utf8');

t.test('all of it', async (t) => {
  const blocks = [...page.matchAll(/^```python\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  t.ok(blocks.length >= 6, `${blocks.length} blocks`);
  const daemon = await TestDaemon.memfd(t);
  const before = await daemon.idleFds();
  const { status, said } = await python(['-W', 'error', '-c', blocks.join('\n')], placesOf(daemon));
  t.equal(status, 0, said);
  t.match(said, /^[a-z2-7]{26}\n$/, 'the token is printed, and no warning');
  await daemon.settled(before);
});
