/**
 * How long each user's requests may keep the data plane in one turn. What is asked beyond that waits, in the connection
 * that it came by, for the user's part of the next turn; the others' are heard in between. Whoever asks for what takes
 * long, or for very much, over however many connections, so slows down nobody else by more than a part.
 *
 * A request is never interrupted: one alone may take longer than a part.
 */
import { type Clock, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { REQUESTS_TURN_MS } from '../../memory/limits.js';

/** After so many requests it is looked how long they took: to read the clock takes a tenth of the smallest's time. */
const LOOK_EVERY = 8;
/** Milliseconds. Of whose requests took longer it is looked after each. */
const SLOW_MS = REQUESTS_TURN_MS / 4;

/** Asked before each request whether it is heard now. */
export interface Part {
  goesOn(): boolean;
}

/** What one user has of the turns. */
export class User {
  /** Of its connections, as the sockets' fds: those with requests that are yet to be heard. The next one first. */
  readonly waiting = new Set<number>();
  connections = 0;
  /** The last turn that it had a part of, and of that how many ms it has used. */
  turn = 0;
  used = 0;
  /** How many of its requests are heard before it is looked how long they took. */
  pace = LOOK_EVERY;

  constructor(readonly uid: number) {}
}

/** What comes by a connection whose user has requests waiting. */
export const NOT_NOW: Part = { goesOn: () => false };

export class FairRequests implements Part {
  readonly #users = new Map<number, User>();
  /** Those with something waiting. */
  readonly #waiting = new Set<User>();
  #turn = 0;
  /** Whose requests are heard, and when it was looked last how long they took. */
  #heard: User | null = null;
  #lookedAt = LONG_AGO;
  /** Requests that were heard since. */
  #since = 0;
  /** How many may be heard before it is looked how long they took; 0: no more in this turn. */
  #left = 0;

  /** `clock` is read within a turn. */
  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  connected(uid: number): User {
    let user = this.#users.get(uid);
    if (user === undefined) {
      user = new User(uid);
      this.#users.set(uid, user);
    }
    user.connections++;
    return user;
  }

  left(user: User, fd: number): void {
    this.settle(user, fd);
    if (--user.connections === 0) this.#users.delete(user.uid);
  }

  /** A turn begins; what the kernel was waited for in it came `now`. */
  begin(now: Monotonic): void {
    this.#turn++;
    this.#heard = null;
    this.#lookedAt = now;
  }

  /** What comes now is this user's. Returns what says of each of its requests whether it is heard. */
  of(user: User): Part {
    if (user.waiting.size > 0) return NOT_NOW;
    this.#hear(user);
    return this;
  }

  goesOn(): boolean {
    if (this.#left === 0) return false;
    if (--this.#left === 0) this.#look();
    if (this.#left === 0) return false;
    this.#since++;
    return true;
  }

  /** A connection has requests that are yet to be heard. */
  waits(user: User, fd: number): void {
    user.waiting.add(fd);
    this.#waiting.add(user);
  }

  /** It has none any more. */
  settle(user: User, fd: number): void {
    if (user.waiting.delete(fd) && user.waiting.size === 0) this.#waiting.delete(user);
  }

  /**
   * Goes on with what waits: of each user that had no part of this turn yet, one connection after the other.
   * `hear` tells what became of it; `blocked`: it goes on when something else happens. Returns whether something
   * waits for nothing but its turn.
   */
  goOn(hear: (fd: number, part: Part) => 'heard' | 'more' | 'blocked'): boolean {
    let waits = false;
    for (const user of [...this.#waiting]) {
      if (user.turn !== this.#turn) this.#hear(user);
      else this.#left = 0;
      for (const fd of [...user.waiting]) {
        if (this.#left === 0) {
          waits = true;
          break;
        }
        const left = hear(fd, this);
        if (left === 'heard') this.settle(user, fd);
        else if (left === 'more') {
          waits = true;
          // The others' before the rest of its.
          user.waiting.delete(fd);
          user.waiting.add(fd);
        }
      }
    }
    this.#heard = null;
    return waits;
  }

  #hear(user: User): void {
    // By another connection of its: it goes on counting.
    if (this.#heard === user) return;
    if (this.#heard !== null) this.#look();
    if (user.turn !== this.#turn) {
      user.turn = this.#turn;
      user.used = 0;
    }
    this.#heard = user;
    this.#since = 0;
    this.#left = user.used < REQUESTS_TURN_MS ? user.pace : 0;
  }

  /** Notes how long those that were heard took. */
  #look(): void {
    const user = this.#heard;
    if (user === null) return;
    const now = this.clock.now();
    const took = now - this.#lookedAt;
    this.#lookedAt = now;
    user.used += took;
    if (took > SLOW_MS) user.pace = 1;
    else if (this.#since > 0) user.pace = Math.min(2 * user.pace, LOOK_EVERY);
    this.#since = 0;
    this.#left = user.used < REQUESTS_TURN_MS ? user.pace : 0;
  }
}
