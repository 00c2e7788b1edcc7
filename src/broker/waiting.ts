/**
 * How much of one kind waits for the allocator: what waits is memory of the daemon's, and no connection,
 * nor a user with many of them, may have much of it.
 */

import { BrokerError } from './errors.js';
import { MAX_PENDING_PER_CLIENT, MAX_PENDING_PER_USER } from './limits.js';
import type { Constraint } from './refusal-words.js';
import type { Asker } from './turns.js';

export class Waiting {
  readonly #counts = new Map<string, number>();

  constructor(
    /** What is counted, for the refusal. */
    private readonly what: Constraint,
  ) {}

  /** One more, until the returned function is called. Throws `limit_exceeded`. */
  begin({ connection, uid }: Asker): () => void {
    const limits = new Map([
      [connection ?? `REST ${uid}`, MAX_PENDING_PER_CLIENT],
      [`user ${uid}`, MAX_PENDING_PER_USER],
    ]);
    for (const [key, max] of limits) {
      const requested = this.#count(key) + 1;
      if (requested <= max) continue;
      throw new BrokerError('limit_exceeded', `at most ${max} ${this.what} at once`, {
        constraint: this.what,
        requested,
        possible: { max },
      });
    }
    for (const key of limits.keys()) this.#counts.set(key, this.#count(key) + 1);
    return () => {
      for (const key of limits.keys()) {
        const left = this.#count(key) - 1;
        if (left > 0) this.#counts.set(key, left);
        else this.#counts.delete(key);
      }
    };
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#counts.size === 0;
  }

  #count(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}
