/** Every benchmark, in the order in which they run and stand in docs/performance.md. */
import type { Bench } from '../support/bench.js';
import { accounting } from './accounting.js';
import { allocate } from './allocate.js';
import { audit } from './audit.js';
import { besideAllocations, besideDmaBufs, crowd, restFlood } from './beside.js';
import { dmaBuf } from './dma-buf.js';
import { door } from './door.js';
import { field } from './field.js';
import { gpu } from './gpu.js';
import { kept } from './kept.js';
import { memory } from './memory.js';
import { metrics } from './metrics.js';
import { pool } from './pool.js';
import { profile } from './profile.js';
import { restart } from './restart.js';
import { roundtrip } from './roundtrip.js';

export const BENCHES: readonly Bench[] = [
  roundtrip,
  allocate,
  restFlood,
  besideAllocations,
  crowd,
  audit,
  metrics,
  pool,
  kept,
  restart,
  memory,
  accounting,
  profile,
  door,
  gpu,
  dmaBuf,
  besideDmaBufs,
  field,
];
