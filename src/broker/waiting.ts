/**
 * How much of one kind waits for the allocator: what waits is memory of the daemon's, and no connection,
 * nor a user with many of them, may have much of it.
 */

import { BrokerError } from '../memory/errors.js';
import { MAX_PENDING_PER_CLIENT, MAX_PENDING_PER_USER } from '../memory/limits.js';
import type { Constraint } from '../memory/refusal-words.js';
import type { Asker } from './turns.js';

export class Waiting {
  readonly #counts = new Map<string, number>();

  /** One more, until the returned function is called. Throws `limit_exceeded`, which says what is counted. */
  begin(asker: Asker, what: Constraint): () => void {
    return this.tryBegin(asker, (requested, max) => {
      throw new BrokerError('limit_exceeded', `at most ${max} ${what} at once`, {
        constraint: what,
        requested,
        possible: { max },
      });
    });
  }

  /** The same; where there are as many as there may be, what `full` says. */
  tryBegin<F>(
    { connection, uid }: Asker,
    full: (requested: number, max: number) => F,
  ): (() => void) | F {
    const limits = new Map([
      [connection ?? `REST ${uid}`, MAX_PENDING_PER_CLIENT],
      [`user ${uid}`, MAX_PENDING_PER_USER],
    ]);
    for (const [key, max] of limits) {
      const requested = this.#count(key) + 1;
      if (requested > max) return full(requested, max);
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
