/** The conformance scenarios with the Python library, its asyncio client first, dma_bufs, and a device that is lost. */
import t from 'tap';
import { PYTHON, PYTHON_AIO, playInGuest } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', (t) => playInGuest(t, PYTHON_AIO, PYTHON));
