/**
 * The machine's date is set forward and back while a daemon runs: connections are read and answered,
 * nothing ends before its time, and what is shown as a date is right by the new one.
 */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const HOUR_MS = 3_600_000;
const setDate = (milliseconds: number) =>
  execFileSync('date', ['-u', '-s', `@${(Date.now() + milliseconds) / 1000}`]);

await withoutLeaks(t, 'the date is set', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const fds = await daemon.idleFds();
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({
    kind: 'buffer',
    size: 4096,
    handleTypes: ['memfd'],
    lifetime: { lease: 1800 },
  });
  const id = (await daemon.buffers())[0]?.id;
  const shared = await daemon.rest('POST', `/v1/buffers/${id}/tokens`, { uses: 9, seconds: 1800 });
  t.equal(shared.status, 201);
  await daemon.rest('POST', `/v1/buffers/${id}/recall`, { seconds: 1800 });

  for (const milliseconds of [HOUR_MS, -2 * HOUR_MS, HOUR_MS]) {
    setDate(milliseconds);
    await client.sync();
    const redeemed = await client.redeem(shared.body.token);
    await redeemed.close();
    t.match(await daemon.buffers(), [{ id, tokens: 1, state: 'live' }], 'nothing is over');
    const [view] = await daemon.buffers();
    if (view?.lifetime.type !== 'lease') throw new Error('there is no lease');
    for (const date of [view.lifetime.ends_at ?? '', view.recall?.deadline ?? '']) {
      const left = Date.parse(date) - Date.now();
      t.ok(left > 0 && left <= 1_800_000, `${left} ms are left by the date of now`);
    }
    const users = (await daemon.rest('GET', '/v1/users')).body;
    t.match(users, [{ recalled: [{ overdue: false }] }]);
    const second = await client.allocate({ kind: 'buffer', size: 4096, handleTypes: ['memfd'] });
    await second.release();
  }
  t.same(daemon.errors, []);
  await buffer.release();
  client.close();
  await daemon.settled(fds);
});
