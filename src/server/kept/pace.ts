/**
 * How often the service manager may be told of something. systemd's event loop serves such messages before
 * its dead children and before D-Bus, and pays a fork for each file that it lets go of: who always had one more
 * for it would have it do nothing else for anybody. So what a message costs it is measured, by when it has read
 * what was sent, and it has three times as much for others. It reads a message before it does what that takes: of one alone
 * nothing can be seen, so that some are told at once.
 */

import { Bucket } from '../../broker/quota/bucket.js';
import type { Clock, Monotonic } from '../../memory/clock.js';

interface PaceWorld {
  /** Whether there is something that it has not read. */
  unread(): boolean;
  readonly clock: Clock;
}

/** Of the manager's time. What it forks and reaps when it has read a message is not seen: half would be most of it. */
const PART = 1 / 4;
const FIRST_COST_MS = 1;
/** What a look that came late may make of it, or a manager that was busy with something else. */
const MIN_COST_MS = 0.25;
const MAX_COST_MS = 20;
/** Of a measurement, in the average. */
const WEIGHT = 1 / 4;
/** So many may be unread: it is measured only when there are none. */
const MOST_UNREAD = 32;
/** Where it was told as much as it may be, it is told nothing until it may be told so many. */
const AT_ONCE = 4;

export class Pace {
  #costMs = FIRST_COST_MS;
  readonly #bucket = new Bucket();
  /** It was told as much as it may be. */
  #resting = false;
  /** What was told since it had read all, from when on, and when some was unread still. */
  #count = 0;
  #since = 0 as Monotonic;
  #unreadAt = 0 as Monotonic;

  constructor(private readonly world: PaceWorld) {}

  /** Milliseconds until it may be told of something. */
  get wait(): number {
    const now = this.world.clock.now();
    this.#look(now);
    if (this.#count >= MOST_UNREAD) return Math.ceil(this.#costMs);
    const seconds = this.#bucket.wait(this.#rate, now, this.#resting ? AT_ONCE : 1);
    this.#resting = seconds > 0;
    return Math.ceil(seconds * 1000);
  }

  /** Whether a look would tell what it costs. */
  get isMeasuring(): boolean {
    return this.#count > 0;
  }

  told(): void {
    const now = this.world.clock.now();
    this.#bucket.take(this.#rate, now);
    if (this.#count++ > 0) return;
    this.#since = now;
    this.#unreadAt = now;
  }

  get #rate(): number {
    return (1000 * PART) / this.#costMs;
  }

  #look(now: Monotonic): void {
    if (this.#count === 0) return;
    if (this.world.unread()) {
      this.#unreadAt = now;
      return;
    }
    // It had read the last one at some time between the two looks, and was done with those before it.
    const done = this.#count - 1;
    const took = (this.#unreadAt + now) / 2 - this.#since;
    this.#count = 0;
    if (done === 0) return;
    const cost = Math.min(MAX_COST_MS, Math.max(MIN_COST_MS, took / done));
    this.#costMs += (cost - this.#costMs) * WEIGHT;
  }
}
