/** examples/c/dmabroker-reconnect with a dma_buf: a daemon that was started again imports the same memory. */
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { Reconnecting } from './support/reconnecting.js';

const program = join(packageRoot, 'examples/c/build/dmabroker-reconnect');

t.test('it goes on drawing in the same memory', async (t) => {
  const first = await TestDaemon.start();
  t.teardown(() => first.stop('SIGKILL'));
  const { folder } = first;
  const example = new Reconnecting(t, program, first.clientSocket, []);
  const id = await example.id(/allocated/);
  t.equal(await example.frame(), `frame 0 in ${id}: 1 lines`);
  await first.end('SIGKILL');
  t.equal(await example.next(), 'the connection broke');
  const second = await TestDaemon.start([], { folder, awaited: true });
  t.teardown(() => second.stop('SIGKILL'));
  const other = await example.id(/imported as/);
  t.not(other, id);
  t.equal(await example.frame(), `frame 1 in ${other}: 2 lines`, 'what it drew is there');
  t.match(await second.buffers(), [{ id: other, source: 'import', state: 'live' }]);
  t.equal(await example.end(), 0);
  await eventually(async () => (await second.buffers()).length === 0, 'it has released it');
  t.same(second.errors, []);
});
