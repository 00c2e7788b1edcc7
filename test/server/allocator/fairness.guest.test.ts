/** The same with dma_bufs: of a heap, worked on by the device. */
import t from 'tap';
import { fairness } from './fairness.js';

await fairness(t, { source: 'dma-heap:system', handleType: 'dma_buf', pieces: 4, fills: 5 });
