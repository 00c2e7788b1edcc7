/** The conformance scenarios with the Python library, its blocking client first, and memfds. */
import t from 'tap';
import { OwnDaemon } from '../../conformance/own-daemon.js';
import { withoutVulkan } from '../support/daemon.js';
import { PYTHON, PYTHON_AIO, play } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', async (t) => {
  const daemon = await OwnDaemon.start(withoutVulkan);
  t.teardown(() => daemon.stop());
  await play(t, { drivers: [PYTHON, PYTHON_AIO], daemon, without: ['dma_buf', 'lose', 'udmabuf'] });
});
