/** A real daemon's clients and log level in an administrator's hands, over REST and by the command line. */
import t from 'tap';
import { connect } from '../../src/client/index.js';
import type { ClientDetail } from '../../src/rest/contract.js';
import { ctl } from '../cli/support/ctl.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { mismatch } from './http/support/conforms.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

await withoutLeaks(t, 'administration', async (t) => {
  await t.test('a client is shown and disconnected', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const run = (...args: string[]) => ctl(['--socket', daemon.restSocket, ...args]);
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    const closed = new Promise<Error>((resolve) => client.onClosed(resolve));
    const buffer = await client.allocate(linear);
    const [{ id = '' } = {}] = await daemon.clients();
    const shown = await daemon.rest('GET', `/v1/clients/${id}`);
    t.equal(mismatch('/components/schemas/ClientDetail', shown.body), undefined);
    t.match(shown.body as ClientDetail, {
      client: { id, pid: process.pid, buffers: 1 },
      buffers: [buffer.id],
      charge: { bytes: 4096, buffers: 1, fds: 1, pending: 0 },
    });
    t.match((await run('client', id)).stdout, new RegExp(`^buffers: +${buffer.id}$`, 'm'));
    t.equal((await run('disconnect', id)).stdout, `disconnected ${id}\n`);
    t.match((await closed).message, 'the connection was ended over REST');
    await buffer.close().catch(() => {});
    await eventually(async () => (await daemon.buffers()).length === 0, 'its buffer is released');
    t.same(await daemon.clients(), []);
    t.equal((await daemon.rest('DELETE', `/v1/clients/${id}`)).status, 404);
    t.equal((await daemon.rest('GET', `/v1/clients/${id}`)).status, 404);
    const why = 'the connection was ended over REST';
    t.ok(
      daemon.log.some((line) => line.client === id && line.why === why),
      'it is logged',
    );
  });

  await t.test('every logger follows the level', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const happen = async () => {
      const before = daemon.log.length;
      const client = await connect({ socket: daemon.clientSocket });
      client.close();
      await daemon.rest('GET', '/v1/buffers/aaaaaaaaaaaa');
      await daemon.idleFds();
      // Lines come in order, over a pipe: a warning comes after all that was before it.
      await daemon.rest('PUT', '/v1/log-level', { level: 'warn' });
      const told = () => daemon.log.slice(before).map(({ msg }) => msg);
      await eventually(() => told().includes('set_log_level'), 'the change is logged');
      return told();
    };
    t.same((await daemon.rest('GET', '/v1/log-level')).body, { level: 'debug' });
    const all = await happen();
    t.ok(all.includes('client connected'), 'of the clients');
    t.ok(
      all.some((msg) => msg.startsWith('there is no buffer')),
      'of REST',
    );
    t.same(await happen(), ['the log level is changed', 'set_log_level'], 'and its audit');
    const { stdout } = await ctl(['--socket', daemon.restSocket, 'log-level', 'debug']);
    t.equal(stdout, 'debug\n');
    t.ok((await happen()).includes('client connected'), 'and back again');
    t.equal((await daemon.rest('PUT', '/v1/log-level', { level: 'loud' })).status, 400);
  });
});
