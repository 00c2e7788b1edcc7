/**
 * A clock that is read once a turn of the data plane: what happens in a turn happens at one time. A turn asks
 * for it up to a hundred times.
 */
import type { Clock, Monotonic, WallTime } from '../../memory/clock.js';

export class TurnClock implements Clock {
  #now: Monotonic | null = null;
  /** The start is no turn: what it takes up may take long. */
  #hasBegun = false;

  constructor(private readonly clock: Clock) {}

  /** What was waited for is here. */
  turn(): void {
    this.#hasBegun = true;
    this.#now = null;
  }

  now(): Monotonic {
    if (!this.#hasBegun) return this.clock.now();
    this.#now ??= this.clock.now();
    return this.#now;
  }

  date(moment: Monotonic): WallTime {
    return this.clock.date(moment);
  }

  get timesSet(): number {
    return this.clock.timesSet;
  }
}
