/**
 * File descriptors that were sent to clients and that nobody knows to have been received. The kernel counts all
 * that are in flight against the daemon's user and RLIMIT_NOFILE (ETOOMANYREFS, unix(7)), and asking it of each
 * connection costs a system call: so each may have some without being asked, as long as all together are few.
 */
import { FDS_IN_FLIGHT } from '../../memory/limits.js';

export class Flights {
  used = 0;

  /** Of all connections; what is beyond it is asked about each time. */
  constructor(readonly total: number) {}
}

/** Those of one connection. */
export class Flight {
  #own = 0;

  constructor(private readonly all: Flights) {}

  /** Whether so many may be sent without its being known that those before were received. */
  mayTakeOff(count: number): boolean {
    if (this.#own === 0) return true;
    return this.#own + count <= FDS_IN_FLIGHT && this.all.used + count <= this.all.total;
  }

  takesOff(count: number): void {
    this.#own += count;
    this.all.used += count;
  }

  /** So many were not sent after all. */
  hasNotLeft(count: number): void {
    this.takesOff(-count);
  }

  /** All have been received but the last `count`. */
  landed(count: number): void {
    this.takesOff(count - this.#own);
  }

  /** The connection has ended. */
  end(): void {
    this.landed(0);
  }
}
