/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a request that is sent again, because
 * its answer was lost, gets the first one's answer and makes nothing twice.
 *
 * Owns the answers by caller and key, tokens among them, in memory, for an hour. A refusal is not kept:
 * it made nothing, and may not be one the next time. No answer is ever forgotten early: who has too
 * many is refused.
 */
import { createHash } from 'node:crypto';
import { FairPool } from '../../broker/fair-pool.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import { IDEMPOTENCY_KEYS_PER_USER, IDEMPOTENCY_SECONDS, MAX_IDEMPOTENCY_KEYS } from './limits.js';

interface Entry {
  /** Of the request: the same key may not come with another one. */
  readonly digest: string;
  readonly expires: Monotonic;
  /** Undefined while the first request is under way. */
  answer: { readonly value: unknown } | { readonly failure: unknown } | undefined;
}

export class Idempotency {
  /** By who asked and key; oldest first. */
  readonly #callers = new Map<string, Map<string, Entry>>();
  readonly #pool = new FairPool<string>(MAX_IDEMPOTENCY_KEYS);

  constructor(private readonly clock: Clock) {}

  /** Runs `create` for a key's first request, and answers later ones as that was answered. */
  async run<T>(
    caller: string,
    key: string | undefined,
    request: unknown,
    create: () => Promise<T>,
  ): Promise<T> {
    if (key === undefined) return create();
    this.#forget();
    const entries = this.#callers.get(caller) ?? new Map<string, Entry>();
    const digest = createHash('sha256').update(JSON.stringify(request)).digest('base64');
    const known = entries.get(key);
    if (known !== undefined) return answerAgain<T>(known, digest);
    if (entries.size >= IDEMPOTENCY_KEYS_PER_USER || !this.#pool.take(caller, 1)) {
      throw new BrokerError('limit_exceeded', 'too many idempotency keys in the last hour', {
        constraint: 'idempotency-key',
        possible: { max: IDEMPOTENCY_KEYS_PER_USER, seconds: IDEMPOTENCY_SECONDS },
      });
    }
    const expires = after(this.clock.now(), IDEMPOTENCY_SECONDS * 1000);
    const entry: Entry = { digest, expires, answer: undefined };
    this.#callers.set(caller, entries.set(key, entry));
    try {
      const value = await create();
      entry.answer = { value };
      return value;
    } catch (failure) {
      // After a defect nobody knows what was made: it is not tried again.
      if (failure instanceof BrokerError) this.#delete(caller, entries, key);
      else entry.answer = { failure };
      throw failure;
    }
  }

  /** What is over, whoever's it is: some never come again. */
  #forget(): void {
    const now = this.clock.now();
    for (const [caller, entries] of this.#callers) {
      for (const [key, { expires, answer }] of entries) {
        if (expires > now) break;
        if (answer !== undefined) this.#delete(caller, entries, key);
      }
    }
  }

  #delete(caller: string, entries: Map<string, Entry>, key: string): void {
    entries.delete(key);
    this.#pool.give(caller, 1);
    if (entries.size === 0) this.#callers.delete(caller);
  }
}

function answerAgain<T>({ digest: first, answer }: Entry, digest: string): T {
  if (first !== digest) {
    throw new BrokerError('idempotency_key_reused', 'this key came with another request before', {
      constraint: 'idempotency-key',
    });
  }
  if (answer === undefined) {
    throw new BrokerError('idempotency_in_progress', 'the first request is still under way', {
      constraint: 'idempotency-key',
    });
  }
  if ('failure' in answer) throw answer.failure;
  return answer.value as T;
}
