/**
 * A clock that is read once a turn of the data plane: what happens in a turn happens at one time. A turn asks
 * for it up to a hundred times.
 */
import type { Clock, Monotonic, WallTime } from '../../memory/clock.js';

export class TurnClock implements Clock {
  /** The start is no turn: what it takes up may take long. */
  #now: Monotonic | null = null;

  constructor(private readonly clock: Clock) {}

  /** What was waited for is here, now. */
  turn(now: Monotonic): void {
    this.#now = now;
  }

  now(): Monotonic {
    return this.#now ?? this.clock.now();
  }

  date(moment: Monotonic): WallTime {
    return this.clock.date(moment);
  }

  get timesSet(): number {
    return this.clock.timesSet;
  }
}
