/** `dmabrokerctl history`: text for people, JSON for programs. */
import t from 'tap';
import { MAX_HISTORY } from '../../src/memory/limits.js';
import { startServer } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl } from './support/again.js';

await withoutLeaks(t, 'history', async (t) => {
  const server = await startServer(t);
  const run = (...args: string[]) => ctl(['--socket', server.socketPath, ...args]);
  await run('alloc', '--size', '1', '--name', 'mine', '--handle-type', 'memfd');
  const [{ id } = { id: '' }] = server.daemon.buffers;
  t.match((await run('history', id)).stdout, /^\d{4}-\S+Z +buffer\.created +- +- +-$/m);
  const { broker } = server.daemon;
  // With its creation and its first token it has had seven more than are kept.
  for (let i = 0; i < MAX_HISTORY + 5; i++) broker.rename(broker.get(id), 'mine', null);
  const { stdout } = await run('history', id);
  t.match(stdout, /^7 events before these are forgotten$/m);
  t.match(stdout, /^\d{4}-\S+Z +buffer\.renamed +- +- +mine$/m);
  t.match(JSON.parse((await run('history', id, '--json')).stdout), { forgotten: 7 });
  t.equal((await run('history', 'aaaaaaaaaaaa')).status, 1);
});
