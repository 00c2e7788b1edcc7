/** The conformance scenarios with the driver over libwayland, in C, and memfds. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { withoutVulkan } from '../support/daemon.js';
import { C, play } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', async (t) => {
  const daemon = await OwnDaemon.start(withoutVulkan);
  t.teardown(() => daemon.stop());
  await play(t, { drivers: [C], daemon, without: ['dma_buf', 'lose', 'udmabuf'] });
});
