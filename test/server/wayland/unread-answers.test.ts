/** Answers to reads are memory of the daemon's: who does not take them is charged, and gets no more. */
import t from 'tap';
import { dmabroker_manager_v1, dmabroker_work_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';

const MIB = 2 ** 20;
const QUOTA = 64 * MIB;
const SIZE = 16 * MIB;
const READS = 60;
const WORK = 100;

await withoutLeaks(t, 'answers that nobody takes', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const uid = process.getuid?.() ?? -1;
  const { status } = await daemon.rest('PUT', `/v1/quotas/user/${uid}`, { bytes: QUOTA });
  t.equal(status, 200);
  const charged = async (): Promise<number> => {
    const { body } = await daemon.rest('GET', '/v1/users');
    return body.find((user: { uid: number }) => user.uid === uid)?.charge.bytes ?? 0;
  };
  /** Contents that the daemon has open; of those on their way there is one for a connection at most. */
  const contents = () => daemon.openFdsThat((target) => target.includes('dmabroker-content'));
  const clients = [0, 1].map(() => new RawClient(daemon.clientSocket, { reading: false }));

  await t.test('60 reads each on two connections that read nothing', async (t) => {
    for (const client of clients) {
      client.read();
      await client.ready();
      client.send(client.asking(FREE, SIZE));
      await client.until(() => client.count('dmabroker_buffer_v1.done') === 1);
      client.stop();
    }
    t.equal(await charged(), 2 * SIZE);
    for (const client of clients) {
      for (let i = 0; i < READS; i++) {
        client.request(dmabroker_manager_v1, MANAGER, 'create_work', WORK + i, FREE);
        client.request(dmabroker_work_v1, WORK + i, 'read');
      }
    }
    await eventually(async () => (await charged()) === QUOTA, 'what there is room for is charged');
    for (let i = 0; i < 20; i++) {
      const inUse = (2 + contents()) * SIZE;
      t.ok(inUse <= QUOTA, `${inUse} bytes in use, ${await charged()} charged`);
    }
  });

  await t.test('who takes them is charged no longer', async (t) => {
    for (const client of clients) client.read();
    const name = (event: string) => `dmabroker_work_v1.${event}`;
    for (const client of clients) {
      await client.until(() => client.count(name('done')) + client.count(name('failed')) === READS);
      t.equal(client.count(name('content')), client.count(name('done')));
    }
    const done = clients.reduce((sum, client) => sum + client.count(name('done')), 0);
    t.equal(done, (QUOTA - 2 * SIZE) / SIZE, 'the others were refused');
    await eventually(async () => (await charged()) === 2 * SIZE, 'the buffers are');
  });

  for (const client of clients) client.close();
  await eventually(async () => (await charged()) === 0, 'nothing is left');
  t.same(daemon.errors, []);
});
