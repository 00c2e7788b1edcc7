/** A clock that stands still until a test moves it, and whose date is set apart from it. */
import { after, type Clock, type Monotonic, type WallTime } from '../../src/memory/clock.js';

const BOOTED = 1_700_000_000_000;

export class FakeClock implements Clock {
  #now = 1000 as Monotonic;
  #booted = BOOTED;
  timesSet = 0;

  now(): Monotonic {
    return this.#now;
  }

  date(moment: Monotonic): WallTime {
    return (this.#booted + moment) as WallTime;
  }

  /** The date of now. */
  get today(): WallTime {
    return this.date(this.#now);
  }

  pass(milliseconds: number): void {
    this.#now = after(this.#now, milliseconds);
  }

  /** Somebody sets the machine's date, forward or back. */
  setDate(milliseconds: number): void {
    this.#booted += milliseconds;
    this.timesSet++;
  }
}
