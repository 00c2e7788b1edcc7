/**
 * Allocations for which there is no room, and may be in a moment: a sweep is to say whether what their
 * user has released is gone (unproven.ts). Without it who allocates and releases much would be refused for
 * what nobody has. They wait until they fit, until nothing is to be expected any more, or for `ROOM_WAIT_MS`; then
 * they are judged as any other.
 *
 * Pure. Owns those that wait, of which a user has no more than of those that wait for the allocator.
 */
import { after, type Clock, type Monotonic } from '../memory/clock.js';
import { ROOM_WAIT_MS } from '../memory/limits.js';
import type { Asker } from './turns.js';
import { Waiting } from './waiting.js';

interface Waiter {
  readonly until: Monotonic;
  readonly fits: () => boolean;
  readonly go: () => void;
}

export class RoomQueue {
  /** How much is expected to go, by user. */
  readonly #expected = new Map<number, number>();
  /** By user, oldest first. */
  readonly #waiters = new Map<number, Waiter[]>();
  /** Users of whom something was settled since the last `run`. */
  readonly #settled = new Set<number>();
  readonly #counted = new Waiting();

  constructor(private readonly clock: Clock) {}

  /** Something of a user's may be found to be gone. Returns what is to be called when that is settled. */
  expect(user: number): () => void {
    this.#expected.set(user, (this.#expected.get(user) ?? 0) + 1);
    return () => {
      const left = (this.#expected.get(user) ?? 0) - 1;
      if (left > 0) this.#expected.set(user, left);
      else this.#expected.delete(user);
      if (this.#waiters.has(user)) this.#settled.add(user);
    };
  }

  isExpected(user: number): boolean {
    return this.#expected.has(user);
  }

  /** `go` is called once, later. Returns false, and it is not, where too many wait already. */
  add(asker: Asker, fits: () => boolean, go: () => void): boolean {
    const over = this.#counted.tryBegin(asker, () => null);
    if (over === null) return false;
    const all = this.#waiters.get(asker.uid) ?? [];
    this.#waiters.set(asker.uid, all);
    const until = after(this.clock.now(), ROOM_WAIT_MS);
    const waiter: Waiter = {
      until,
      fits,
      go: () => {
        over();
        go();
      },
    };
    all.push(waiter);
    return true;
  }

  /** Lets go of those whose time it is. */
  run(): void {
    if (this.#waiters.size === 0) return;
    const now = this.clock.now();
    for (const [user, waiters] of [...this.#waiters]) {
      const isSettled = this.#settled.delete(user);
      while (waiters[0] !== undefined) {
        const [first] = waiters;
        const isOver = first.until <= now || !this.isExpected(user);
        if (!isOver && !(isSettled && first.fits())) break;
        waiters.shift();
        // Before it may wait for something itself.
        if (waiters.length === 0) this.#waiters.delete(user);
        first.go();
      }
    }
  }

  /** Milliseconds until `run` has something to do; -1: not before something happens. */
  get wait(): number {
    if (this.#waiters.size === 0) return -1;
    if (this.#settled.size > 0) return 0;
    let until = Number.POSITIVE_INFINITY;
    for (const [first] of this.#waiters.values()) until = Math.min(until, first?.until ?? until);
    if (until === Number.POSITIVE_INFINITY) return -1;
    return Math.max(0, Math.ceil(until - this.clock.now()));
  }
}
