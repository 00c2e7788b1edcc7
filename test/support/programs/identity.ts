/**
 * A thread that calls C over and over with numbers of its own: what another thread does at the same
 * time must not show. Posts how many came back wrong.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { callLong, callU64, shim } from '../../../src/native/ffi.js';

const CALLS = 20_000;

const first = workerData as number;
// dmab_address gives back the pointer that it is given.
const identity = shim.symbol('dmab_address');
let wrong = 0;
for (let i = 0; i < CALLS; i++) {
  if (callLong(identity, first + i) !== first + i) wrong++;
  if (callU64(identity, BigInt(first - i)) !== BigInt(first - i)) wrong++;
}
parentPort?.postMessage(wrong);
