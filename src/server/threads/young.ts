/**
 * How much room each thread has for what was made just now (V8's young generation). Left alone it grows to 32 MiB a
 * thread as soon as something lasts, thousands of buffers say, and stays so: as much memory as 10,000 buffers are.
 * Most of what the daemon makes is gone with the turn, so that a small one costs no time that could be measured.
 */
import { setFlagsFromString } from 'node:v8';
import type { Worker, WorkerOptions } from 'node:worker_threads';

/** V8 has two halves of what is used at a time and one more of what it counts: a third is in use. */
const young = (usedMb: number): WorkerOptions['resourceLimits'] => ({
  maxYoungGenerationSizeMb: 3 * usedMb,
});

/** Each collection is 0.3 ms: with so much less than one of a hundred requests waits for one. */
const PLANE_MB = 4;

export const ALLOCATOR_LIMITS = young(1);
export const PLANE_LIMITS = young(PLANE_MB);
export const PREVIEW_LIMITS = young(1);

/**
 * No thread's grows from now on: the main thread's, which has no limits of its own, among them. Not before all is loaded that
 * a start loads, which has much to copy otherwise; a collection gives back what that took.
 */
export function keepYoung(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Starts the data plane, which has all of its room from the start: it would not grow to that later (`keepYoung`). */
export function withRoom(start: () => Worker): Worker {
  setFlagsFromString(`--min-semi-space-size=${PLANE_MB}`);
  const worker = start();
  worker.once('online', () => setFlagsFromString('--min-semi-space-size=0'));
  return worker;
}

/** V8 sets that right, as it sees it, when a thread begins: some time before anybody is told that it has. */
export function keepYoungBeside(worker: Worker): void {
  const again = setInterval(keepYoung, 1).unref();
  const begun = () => {
    clearInterval(again);
    keepYoung();
  };
  worker.once('online', begun);
  worker.once('exit', begun);
}
