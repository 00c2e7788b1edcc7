/**
 * What the kernel is asked for by a file or a slow call, and that changes slowly: asked now and then, not for
 * each of thousands of allocations a second.
 */
import { type Clock, LONG_AGO, type Monotonic } from '../memory/clock.js';
import { monotonic } from './clock.js';

/** `read`, or what it returned no longer ago than `ms`. */
export function sampled<T>(read: () => T, ms: number, clock: Pick<Clock, 'now'> = monotonic) {
  let at: Monotonic = LONG_AGO;
  let value: T;
  return (): T => {
    const now = clock.now();
    if (now - at >= ms) {
      value = read();
      at = now;
    }
    return value;
  };
}
