/** The conformance scenarios with the Python library, its asyncio client first, dma_bufs, and a device that is lost. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { DeviceLoss } from '../native/vulkan/loss.js';
import { PYTHON, PYTHON_AIO, play } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', async (t) => {
  const loss = new DeviceLoss();
  const daemon = await OwnDaemon.start(loss.environment());
  t.teardown(() => daemon.stop());
  const lose = () => loss.at('vkAllocateMemory');
  await play(t, { drivers: [PYTHON_AIO, PYTHON], daemon, lose });
});
