/** The conformance scenarios with the Rust library, dma_bufs, and a device that is lost. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { DeviceLoss } from '../native/vulkan/loss.js';
import { play, RUST } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', async (t) => {
  const loss = new DeviceLoss();
  const daemon = await OwnDaemon.start(loss.environment());
  t.teardown(() => daemon.stop());
  const lose = () => loss.at('vkAllocateMemory');
  await play(t, { drivers: [RUST], daemon, lose });
});
