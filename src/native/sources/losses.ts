/**
 * What a device's losses mean to whoever uses it: the request that found one out is tried once more with the device made
 * anew, and what was allocated is remembered as lost until it is freed.
 */
import { dateText, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import { onePiece, type Steps, toEnd } from '../../memory/steps.js';
import { SystemClock } from '../clock.js';

const clock = new SystemClock();

export interface LossesParts {
  /** Whether this device was lost by it: not where there was none to be lost, which is a refusal like others. */
  isLoss(error: BrokerError): boolean;
  /** Makes it anew, if that can be. */
  renew(reason: string): void;
}

export class Losses {
  /** Keys whose memory was lost, and which are still to be freed. */
  readonly #keys = new Set<number>();
  #count = 0;
  #lastAt: Monotonic | null = null;

  constructor(private readonly parts: LossesParts) {}

  get count(): number {
    return this.#count;
  }

  get lastAt(): Monotonic | null {
    return this.#lastAt;
  }

  /** As devices are described. */
  describe(): { readonly losses: number; readonly lastLostAt: string | null } {
    const at = this.#lastAt;
    return { losses: this.#count, lastLostAt: at === null ? null : dateText(clock, at) };
  }

  /** The device was lost, with the memory of these keys. */
  happened(keys: readonly number[]): void {
    this.#count++;
    this.#lastAt = clock.now();
    for (const key of keys) this.#keys.add(key);
  }

  /** Whether the key's memory went with a lost device, and is not forgotten. */
  has(key: number): boolean {
    return this.#keys.has(key);
  }

  /** Whether the key's memory went with a lost device; from now on it is forgotten. */
  forget(key: number): boolean {
    return this.#keys.delete(key);
  }

  /**
   * Runs `body`, which uses the device. If it loses it, the device is made anew and `body` runs once
   * more; if that loses the new one as well, the refusal (`device_lost`) is thrown.
   */
  attempt<T>(body: () => T): T {
    return toEnd(this.attempting(() => onePiece(body)));
  }

  /** The same in pieces: somebody else's may have lost the device, and had it made anew, in between. */
  *attempting<T>(body: () => Steps<T>): Steps<T> {
    const before = this.#count;
    try {
      return yield* body();
    } catch (error) {
      if (!this.#isLoss(error)) throw error;
      if (this.#count === before) this.parts.renew(error.message);
    }
    const again = this.#count;
    try {
      return yield* body();
    } catch (error) {
      if (this.#isLoss(error) && this.#count === again) this.parts.renew(error.message);
      throw error;
    }
  }

  #isLoss(error: unknown): error is BrokerError {
    return error instanceof BrokerError && error.code === 'device_lost' && this.parts.isLoss(error);
  }
}
