/** The conformance scenarios with the driver over libwayland, in C, dma_bufs, and a device that is lost. */
import t from 'tap';
import { C, playInGuest } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', (t) => playInGuest(t, C));
