/** The conformance scenarios with the C library, dma_bufs, and a device that is lost; and the library's own checks. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { checks, moved, placesOf } from '../libdmabroker/support.js';
import { DeviceLoss } from '../native/vulkan/loss.js';
import { TestDaemon } from '../support/daemon.js';
import { LIBDMABROKER, play } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', async (t) => {
  const loss = new DeviceLoss();
  const daemon = await OwnDaemon.start(loss.environment());
  t.teardown(() => daemon.stop());
  const lose = () => loss.at('vkAllocateMemory');
  await play(t, { drivers: [LIBDMABROKER], daemon, lose });
});

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
