/**
 * A thread that calls C over and over with numbers of its own, by either door: what another thread does at
 * the same time must not show. Posts how many came back wrong; with `endless` it posts that it has begun,
 * and goes on until it is ended.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { callLong, callU64, prepared, shim, symbol } from '../../../src/native/ffi.js';

const CALLS = 20_000;

const { first, endless = false } = workerData as { first: number; endless?: boolean };
// dmab_address gives back the pointer that it is given, and so does memcpy, which is hot, of no bytes.
const identities = [shim.symbol('dmab_address'), symbol('memcpy')];
const again = prepared(symbol('memcpy'), -first);
let wrong = 0;
for (let i = 0; endless || i < CALLS; i++) {
  for (const identity of identities) {
    if (callLong(identity, first + i) !== first + i) wrong++;
    if (callU64(identity, BigInt(first - i)) !== BigInt.asUintN(64, BigInt(first - i))) wrong++;
  }
  if (again() !== -first) wrong++;
  if (endless && i === 0) parentPort?.postMessage('begun');
}
parentPort?.postMessage(wrong);
