/**
 * Which specs are asked for often enough that spares of them are worth their memory. Bounded: of
 * specs that are asked for now and then, the last ones are known.
 */
import type { Monotonic } from '../../memory/clock.js';
import { MAX_POOL_CANDIDATES, POOL_HOT_REQUESTS } from '../../memory/limits.js';

export class Popularity {
  /** When each was asked for lately; the one unasked for longest comes first. */
  readonly #asked = new Map<string, Monotonic[]>();

  /**
   * Counts a request; true where it is one of several in the last `window` milliseconds, and makes the
   * spec hot. The count then starts anew.
   */
  asked(key: string, now: Monotonic, window: number): boolean {
    const lately = (this.#asked.get(key) ?? []).filter((at) => at > now - window);
    this.#asked.delete(key);
    if (lately.length + 1 >= POOL_HOT_REQUESTS) return true;
    this.#asked.set(key, [...lately, now]);
    if (this.#asked.size > MAX_POOL_CANDIDATES) {
      const [oldest] = this.#asked.keys();
      if (oldest !== undefined) this.#asked.delete(oldest);
    }
    return false;
  }

  clear(): void {
    this.#asked.clear();
  }
}
