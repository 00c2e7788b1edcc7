/** `dmabrokerctl history`: text for people, JSON for programs. */
import t from 'tap';
import { startServer } from '../server/http/support/server.js';
import { withoutLeaks } from '../support/fds.js';
import { ctl } from './support/ctl.js';

await withoutLeaks(t, 'history', async (t) => {
  const server = await startServer(t);
  const run = (...args: string[]) => ctl(['--socket', server.socketPath, ...args]);
  await run('alloc', '--size', '1', '--name', 'mine', '--handle-type', 'memfd');
  const [id = ''] = server.control.buffers.keys();
  const { stdout } = await run('history', id);
  t.match(stdout, /^7 events before these are forgotten$/m);
  t.match(stdout, /^\d{4}-\S+Z +buffer\.created +- +- +-$/m);
  t.match(stdout, /^\d{4}-\S+Z +buffer\.renamed +- +- +mine$/m);
  t.match(JSON.parse((await run('history', id, '--json')).stdout), { forgotten: 7 });
  t.equal((await run('history', 'aaaaaaaaaaaa')).status, 1);
});
