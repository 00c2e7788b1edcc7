/** Users take turns in the allocator's thread; with memfds, on any machine. */
import t from 'tap';
import { fairness } from './fairness.js';

await fairness(t, { source: 'memfd', handleType: 'memfd', pieces: 4, fills: 16 });
