/**
 * The machine's clocks: CLOCK_MONOTONIC for moments, CLOCK_REALTIME for dates. The one place where the
 * daemon reads either.
 *
 * Setting the date moves one against the other; adjtimex(2) slows both alike. So what lies between them
 * is measured once, and again when it is found to have moved: dates of one moment are equal to the
 * millisecond until somebody sets the date.
 */
import type { Clock, Monotonic, WallTime } from '../memory/clock.js';

/** By how much the date is off before it counts as set: more than two readings in a row take. */
const TOLERANCE_MS = 50;
/** Two readings that are further apart were interrupted. */
const UNINTERRUPTED_MS = 1;
const ATTEMPTS = 100;

/** process.hrtime is CLOCK_MONOTONIC in every thread; performance.now begins anew in each. */
const moment = () => Number(process.hrtime.bigint()) / 1e6;

/** CLOCK_MONOTONIC as the service manager has it (sd_notify(3), MONOTONIC_USEC=). */
export const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n;

/** The moments alone, for who needs no date: to find what lies between the clocks takes up to a millisecond. */
export const monotonic: Pick<Clock, 'now'> = { now: () => moment() as Monotonic };

export class SystemClock implements Clock {
  #offset = exactOffset();
  #timesSet = 0;

  now(): Monotonic {
    return moment() as Monotonic;
  }

  date(at: Monotonic): WallTime {
    this.#look();
    return (at + this.#offset) as WallTime;
  }

  get timesSet(): number {
    this.#look();
    return this.#timesSet;
  }

  #look(): void {
    // The second look is for a thread that was interrupted between its readings.
    if (this.#isAsBefore() || this.#isAsBefore()) return;
    this.#offset = exactOffset();
    this.#timesSet++;
  }

  #isAsBefore(): boolean {
    return Math.abs(Date.now() - moment() - this.#offset) < TOLERANCE_MS;
  }
}

/** What lies between the clocks. Date.now() has milliseconds: it is exact when it has just changed. */
function exactOffset(): number {
  let offset = 0;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = Date.now();
    let date = before;
    let earlier = moment();
    let later = earlier;
    while (date === before) {
      earlier = later;
      date = Date.now();
      later = moment();
    }
    offset = date - later;
    if (later - earlier < UNINTERRUPTED_MS) break;
  }
  return offset;
}
