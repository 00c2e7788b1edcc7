/**
 * When something ends that the daemon told in seconds from now: kept by the clock that nobody sets, told as a
 * date of the machine's as it is when it is asked for.
 */
import type { OrUnknown } from './enums.js';

export class Deadline {
  readonly #at: number;

  constructor(seconds: number) {
    this.#at = performance.now() + seconds * 1000;
  }

  /** Below 0 when it is over. */
  get secondsLeft(): number {
    return (this.#at - performance.now()) / 1000;
  }

  get deadline(): Date {
    return new Date(Date.now() + this.secondsLeft * 1000);
  }
}

/** The daemon asks for a buffer back: why, and until when. */
export class Recall extends Deadline {
  constructor(
    readonly reason: OrUnknown<'share' | 'memory_pressure' | 'lease_expired' | 'administrator'>,
    seconds: number,
  ) {
    super(seconds);
  }
}
