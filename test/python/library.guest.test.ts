/** The Python client's own tests with dma_bufs; what takes numpy runs on the host. */
import t from 'tap';
import { TestDaemon } from '../support/daemon.js';
import { placesOf, restarted, tests, unkept } from './support.js';

t.setTimeout(240_000);

t.test('with a daemon', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const before = await daemon.idleFds();
  const all = ['client', 'aio', 'memory', 'reconnect'];
  const { status, said, count } = await tests(placesOf(daemon), all);
  t.equal(status, 0, said);
  t.ok(count >= 35, `${count} tests`);
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'the daemon found nothing wrong with itself');
});

t.test('with a daemon that is killed, and one that imports the memory', async (t) => {
  const { status, said } = await restarted(t, 'imported', unkept(process.env));
  t.equal(status, 0, said);
});
