/**
 * File descriptors that were sent to clients and that nobody knows to have been received. The kernel counts all
 * that are in flight against the daemon's user and RLIMIT_NOFILE (ETOOMANYREFS, unix(7)): where they are used up nobody
 * gets one any more. So each user has a part of what there is (fair-pool.ts), over all of its connections, and waits for
 * itself. To ask the kernel costs a system call a connection, so that each may have some without being asked.
 *
 * Of a connection that has ended they are on their way until its peer has read them or has closed its end, too: its
 * socket is kept until then.
 */
import { FairPool } from '../../broker/fair-pool.js';
import { after, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { FDS_IN_FLIGHT } from '../../memory/limits.js';

/** How often a user's connections are asked, and those that have ended. */
const LOOK_MS = 64;
/**
 * Each connection that waits is looked at again and again. All of a user's are not looked at more often than this has
 * it, so that many of them take no more of the daemon's time than some.
 */
const MS_A_CONNECTION = 2;

/** When a message with fds may go: now, when its peer has read all before it, or when others have read theirs. */
export type Departure = 'now' | 'drained' | 'later';

interface Travellers {
  /** Connections that may have not received something. */
  readonly flying: Set<Flight>;
  /** Connections that are to be asked again. */
  waiting: number;
  askedAt: Monotonic;
}

export class Flights {
  readonly pool: FairPool;
  readonly #users = new Map<number, Travellers>();
  /** Connections that have ended, and what is done when they have nothing in flight any more. */
  readonly #ended = new Map<Flight, () => void>();
  #lookAt: Monotonic = LONG_AGO;

  constructor(
    /** Of all connections. */
    total: number,
    private readonly clock: { now(): Monotonic },
  ) {
    this.pool = new FairPool(total);
  }

  get used(): number {
    return this.pool.use.used;
  }

  of(uid: number): Travellers {
    let user = this.#users.get(uid);
    if (user === undefined) {
      user = { flying: new Set(), waiting: 0, askedAt: LONG_AGO };
      this.#users.set(uid, user);
    }
    return user;
  }

  /** Nothing of a user's is in flight, and nothing waits. */
  forget(uid: number): void {
    const user = this.#users.get(uid);
    if (user?.flying.size === 0 && user.waiting === 0) this.#users.delete(uid);
  }

  /** Asks all of a user's connections, if that was not done just now. */
  ask(uid: number): void {
    const user = this.of(uid);
    const now = this.clock.now();
    if (now < after(user.askedAt, LOOK_MS)) return;
    user.askedAt = now;
    for (const flight of [...user.flying]) flight.look();
    this.forget(uid);
  }

  /** How many of a user's connections are to be asked again. */
  waiting(uid: number): number {
    return this.#users.get(uid)?.waiting ?? 0;
  }

  /** `done` is called when nothing of a connection that has ended is in flight. */
  whenLanded(flight: Flight, done: () => void): void {
    this.#ended.set(flight, done);
  }

  /** Looks, when it is time, at connections that have ended. Returns in how many ms it wants to look again; -1: not at all. */
  look(): number {
    if (this.#ended.size === 0) return -1;
    const now = this.clock.now();
    if (now >= this.#lookAt) {
      for (const [flight, done] of this.#ended) {
        if (!flight.look()) continue;
        this.#ended.delete(flight);
        done();
      }
      this.#lookAt = after(now, Math.max(LOOK_MS, this.#ended.size * MS_A_CONNECTION));
    }
    return this.#ended.size === 0 ? -1 : Math.ceil(this.#lookAt - now);
  }
}

/** Those of one connection. */
export class Flight {
  /** With the step, which has not sent them yet: to ask whether they were received would say nothing of them. */
  #boarding = 0;
  /** On their way, or received. */
  #own = 0;
  #waits = false;

  constructor(
    private readonly all: Flights,
    private readonly uid: number,
    /** Asks the kernel whether the peer has received all that was sent. */
    private readonly received: () => boolean,
  ) {}

  /** When so many more may be sent. */
  departure(count: number): Departure {
    if (this.#fits(count)) return 'now';
    // When those before have been received there is room for as many.
    if (this.#own > 0 && this.#mayHave(count - this.#own)) return 'drained';
    this.all.ask(this.uid);
    return this.#fits(count) ? 'now' : 'later';
  }

  #fits(count: number): boolean {
    return this.#boarding + this.#own + count <= FDS_IN_FLIGHT && this.#mayHave(count);
  }

  /** A user who has none in flight may have one message, however little there is. */
  #mayHave(count: number): boolean {
    const { pool } = this.all;
    return count <= 0 || pool.has(this.uid, count) || pool.taken(this.uid) === 0;
  }

  /** So many are given to the step. */
  boards(count: number): void {
    this.#boarding += count;
    this.all.pool.overdraw(this.uid, count);
  }

  /** Of those, so many were not sent after all. */
  stays(count: number): void {
    this.#boarding -= count;
    this.all.pool.give(this.uid, count);
  }

  /** Of those, so many were sent. */
  leaves(count: number): void {
    if (count === 0) return;
    this.#boarding -= count;
    this.#own += count;
    this.all.of(this.uid).flying.add(this);
  }

  /** All have been received but the last `count`. */
  landed(count: number): void {
    this.all.pool.give(this.uid, this.#own - count);
    this.#own = count;
    if (count > 0) return;
    this.all.of(this.uid).flying.delete(this);
    this.all.forget(this.uid);
  }

  /** Whether none is in flight, as the kernel says. */
  look(): boolean {
    if (this.#own > 0 && this.received()) this.landed(0);
    return this.#own === 0;
  }

  /** The connection has ended: nobody is told any more what the step has sent. */
  end(): void {
    this.waits = false;
    this.leaves(this.#boarding);
  }

  /** Whether the connection is to be asked again. */
  set waits(waits: boolean) {
    if (waits === this.#waits) return;
    this.#waits = waits;
    this.all.of(this.uid).waiting += waits ? 1 : -1;
    this.all.forget(this.uid);
  }

  /** How long after a look the next one may be: `usual` ms, or more where many of its user's connections wait. */
  pace(usual: number): number {
    return Math.max(usual, this.all.waiting(this.uid) * MS_A_CONNECTION);
  }
}
