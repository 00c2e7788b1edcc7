/**
 * A token bucket: so many allocations a second, with a burst of one second's worth. It is full when
 * it is made, and time comes from outside.
 */
import { LONG_AGO, type Monotonic } from '../../memory/clock.js';

export class Bucket {
  #tokens: number | null = null;
  #at = LONG_AGO;

  /** Seconds until so many tokens are there; 0 if they are. `rate`: tokens per second, more than 0. */
  wait(rate: number, now: Monotonic, count = 1): number {
    this.#refill(rate, now);
    const missing = count - (this.#tokens ?? 0);
    return missing <= 0 ? 0 : missing / rate;
  }

  /** How many are there. */
  had(rate: number, now: Monotonic): number {
    this.#refill(rate, now);
    return Math.max(0, Math.floor(this.#tokens ?? 0));
  }

  /** Takes so many tokens; `wait` has said that they are there. */
  take(rate: number, now: Monotonic, count = 1): void {
    this.#refill(rate, now);
    this.#tokens = (this.#tokens ?? 0) - count;
  }

  /** Whether forgetting it makes no difference. */
  full(rate: number | null, now: Monotonic): boolean {
    if (rate === null || this.#tokens === null) return true;
    this.#refill(rate, now);
    return this.#tokens >= burst(rate);
  }

  #refill(rate: number, now: Monotonic): void {
    const seconds = (now - this.#at) / 1000;
    const tokens = this.#tokens ?? burst(rate);
    this.#tokens = Math.min(burst(rate), tokens + seconds * rate);
    this.#at = now;
  }
}

/** More are never there. */
export function burst(rate: number): number {
  return Math.max(1, rate);
}
