/** The conformance scenarios with the TypeScript library, dma_bufs, and a device that is lost. */
import t from 'tap';
import { playInGuest, TYPESCRIPT } from './support/play.js';

t.setTimeout(240_000);

t.test('all scenarios', (t) => playInGuest(t, TYPESCRIPT));
