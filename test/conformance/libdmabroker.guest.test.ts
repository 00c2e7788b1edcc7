/** The conformance scenarios with the C library, dma_bufs, and a device that is lost; and the library's own checks. */
import t from 'tap';
import { checks, moved, placesOf } from '../libdmabroker/support.js';
import { TestDaemon } from '../support/daemon.js';
import { LIBDMABROKER, playInGuest } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', (t) => playInGuest(t, LIBDMABROKER));

t.test('its own checks', async (t) => {
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop());
  const before = await daemon.idleFds();
  const { status, stdout, stderr } = await checks('build', 'all', placesOf(daemon)).ended;
  t.equal(status, 0, stderr);
  t.match(stdout, /^import\n/m);
  await daemon.settled(before);
  t.strictSame(daemon.errors, [], 'the daemon found nothing wrong with itself');
});

t.test('with a daemon that is killed, and one that imports the memory', async (t) => {
  await moved(t, 'build', 'imported', (folder) =>
    TestDaemon.start([], folder === undefined ? {} : { folder, awaited: true }),
  );
});
