/**
 * Allocations that wait for memory in place of a refusal (`set_wait`): until there is room in the quotas and memory at
 * the source, their deadline passes, or who asked wants it no more.
 *
 * Users have turns. Of one user the one that asked first is first, and those behind it wait, whatever they ask for. What
 * does not fit holds up nobody else; its user's claim does (capacity.ts), by which who is above its share gets nothing
 * of what is given back. Who does not wait is served as ever.
 *
 * Room is an event: what the ledger gives back, and memory that is gone. For what the daemon does not see, memory that
 * other processes give back, is asked at intervals.
 *
 * Pure. Owns those that wait, of which connection and user have no more than of those that wait for the allocator.
 */
import { after, type Clock, type Monotonic } from '../memory/clock.js';
import type { BrokerError } from '../memory/errors.js';
import {
  WAIT_CHECKS_PER_TURN,
  WAIT_PAUSE_MS,
  WAIT_RECALL_MS,
  WAIT_RETRY_MS,
  WAIT_TOLD_MS,
} from '../memory/limits.js';
import type { Owner } from './buffer.js';
import { afterSeconds, mayPass } from './passing.js';
import { ShareRefusal } from './quota/refusals.js';
import type { Asker } from './turns.js';
import { Waiting } from './waiting.js';

/** What somebody waits for. */
export interface Wanted {
  readonly owner: Owner;
  /** Who is charged. */
  readonly asker: Asker;
  /** Of all its buffers, as they are charged before their source has answered. */
  readonly bytes: number;
  readonly count: number;
  readonly name: string | null;
  readonly milliseconds: number;
  /** Told the place in the queue, from 1 on, when it is a new one. */
  told(place: number): void;
  /** What it would be refused with now, nobody being asked to give anything back; null: nothing. */
  judge(): BrokerError | null;
  /** Asks for it: `admitted` or `refused` of the queue is called once, now or later. */
  ask(): void;
  /** It is refused. */
  end(error: BrokerError, milliseconds: number): void;
}

/** One that waits, as it is shown. */
export interface Waiter {
  readonly wanted: Wanted;
  readonly place: number;
  readonly since: Monotonic;
  readonly deadline: Monotonic;
  /** What it was refused with last; null: others of its user's are before it. */
  readonly reason: BrokerError | null;
}

/** What it was refused for: the daemon's own count, or memory that was not there when it was to be made. */
export type Lack = 'room' | 'memory';

export class Entry implements Omit<Waiter, 'place'> {
  reason: BrokerError | null = null;
  lack: Lack = 'room';
  /** Told last; 0: none. */
  place = 0;
  /** It was asked for and is not answered. */
  asking = false;
  /** Nobody wants it any more: if it is made it is let go of by whoever asked. */
  givenUp: BrokerError | null = null;
  /** What has happened as of its last refusal; another number than that now: it is looked at. */
  seen = -1;
  /** It is not looked at before. */
  pause: Monotonic;
  /** It is looked at then, whatever has happened. */
  again: Monotonic | null = null;
  /** Until then nobody is asked to give something back for it, since somebody was. */
  recalled: Monotonic;

  constructor(
    readonly wanted: Wanted,
    readonly since: Monotonic,
    readonly deadline: Monotonic,
    /** It waits no longer. */
    readonly over: () => void,
  ) {
    this.pause = since;
    this.recalled = since;
  }
}

/** What it knows of the broker. */
export interface QueueWorld {
  readonly clock: Clock;
  /** Another number whenever quotas were given something back. */
  freed(): number;
  /** What a user lacks of its share counts as its demand until then. */
  claim(owner: Owner, refusal: ShareRefusal, until: Monotonic): void;
  unclaim(owner: Owner): void;
}

export class MemoryQueue {
  /** By user, in the order of their turns; each with its oldest first, and none without any. */
  readonly #lines = new Map<number, Entry[]>();
  readonly #counted = new Waiting();
  #size = 0;
  /** How often memory was gone. */
  #gone = 0;
  /** No deadline is earlier. */
  #deadline = Number.POSITIVE_INFINITY;
  /** Users that are yet to be looked at. */
  #round: number[] = [];
  /** When places are told; null: all are known. */
  #tellAt: Monotonic | null = null;

  constructor(private readonly world: QueueWorld) {}

  get size(): number {
    return this.#size;
  }

  /** A source may have memory again. */
  memoryGone(): void {
    this.#gone++;
  }

  /** Whether a user has some before one that comes now. */
  has(uid: number): boolean {
    return this.#lines.has(uid);
  }

  /** Throws `limit_exceeded` where too many wait. `refused` says then why it waits, unless others are before it. */
  add(wanted: Wanted): Entry {
    const over = this.#counted.begin(wanted.asker, 'waiting allocations');
    const now = this.#now;
    const entry = new Entry(wanted, now, after(now, wanted.milliseconds), over);
    const { uid } = wanted.asker;
    const line = this.#lines.get(uid);
    if (line === undefined) this.#lines.set(uid, [entry]);
    else line.push(entry);
    this.#size++;
    this.#deadline = Math.min(this.#deadline, entry.deadline);
    this.#moved();
    this.#tell(entry, this.#placeOf(entry));
    return entry;
  }

  /** It was asked for and is there. Others have their turn before its user has another. */
  admitted(entry: Entry): void {
    const { uid } = entry.wanted.asker;
    this.#remove(entry);
    const line = this.#lines.get(uid);
    if (line === undefined) return;
    this.#lines.delete(uid);
    this.#lines.set(uid, line);
  }

  /** It was asked for and refused. */
  refused(entry: Entry, error: BrokerError, lack: Lack): void {
    entry.asking = false;
    const seconds = afterSeconds(error.refusal.possible);
    entry.recalled = after(this.#now, seconds === undefined ? WAIT_RECALL_MS : seconds * 1000);
    if (entry.givenUp !== null) this.#end(entry, entry.givenUp);
    else if (entry.deadline <= this.#now || !mayPass(error)) this.#end(entry, error);
    else this.#stays(entry, error, lack);
  }

  /** Whoever asked for it wants it no more. */
  giveUp(entry: Entry, why: BrokerError): void {
    if (entry.givenUp !== null || !this.#isIn(entry)) return;
    entry.givenUp = why;
    if (!entry.asking) this.#end(entry, why);
  }

  /** The same of all of an owner's. */
  giveUpAll(isTheirs: (owner: Owner) => boolean, why: BrokerError): void {
    if (this.#size === 0) return;
    for (const entry of [...this.#lines.values()].flat())
      if (isTheirs(entry.wanted.owner)) this.giveUp(entry, why);
  }

  /** Looks at those for whom there may be room, and asks a last time for those whose deadline has come. */
  run(): void {
    if (this.#size === 0) return;
    if (this.#now >= this.#deadline) this.#endLate();
    this.#look();
    if (this.#tellAt !== null && this.#tellAt <= this.#now) this.#tellAll();
  }

  /** Milliseconds until `run` has something to do; -1: not before something happens. */
  get wait(): number {
    if (this.#size === 0) return -1;
    if (this.#round.length > 0) return 0;
    let due = Math.min(this.#deadline, this.#tellAt ?? Number.POSITIVE_INFINITY);
    for (const [first] of this.#lines.values()) due = Math.min(due, this.#dueOf(first as Entry));
    return due === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(due - this.#now));
  }

  /** In the order of their places. */
  get all(): Waiter[] {
    return this.#inOrder().map(({ wanted, since, deadline, reason }, at) => ({
      ...{ wanted, since, deadline, reason },
      place: at + 1,
    }));
  }

  // ---- inside ----------------------------------------------------------------------------------

  get #now(): Monotonic {
    return this.world.clock.now();
  }

  #isIn(entry: Entry): boolean {
    return this.#lines.get(entry.wanted.asker.uid)?.includes(entry) ?? false;
  }

  #happened(lack: Lack): number {
    // A dry run may find that something is gone, which only this counts then.
    return lack === 'room' ? this.world.freed() + this.#gone : this.#gone;
  }

  #dueOf(entry: Entry): number {
    if (entry.asking) return Number.POSITIVE_INFINITY;
    if (this.#happened(entry.lack) !== entry.seen) return entry.pause;
    return entry.again ?? Number.POSITIVE_INFINITY;
  }

  #look(): void {
    if (this.#round.length === 0) this.#round = [...this.#lines.keys()];
    for (let left = WAIT_CHECKS_PER_TURN; left > 0; ) {
      const uid = this.#round.shift();
      if (uid === undefined) return;
      const first = this.#lines.get(uid)?.[0];
      if (first === undefined || this.#dueOf(first) > this.#now) continue;
      left--;
      this.#try(first);
    }
  }

  #try(entry: Entry): void {
    const error = entry.wanted.judge();
    const isWorthAsking =
      error === null || (error instanceof ShareRefusal && entry.recalled <= this.#now);
    if (isWorthAsking) this.#ask(entry);
    else if (!mayPass(error)) this.#end(entry, error);
    else this.#stays(entry, error, 'room');
  }

  #ask(entry: Entry): void {
    entry.asking = true;
    entry.wanted.ask();
  }

  /** It was refused, and waits on. */
  #stays(entry: Entry, error: BrokerError, lack: Lack): void {
    const now = this.#now;
    entry.reason = error;
    entry.lack = lack;
    entry.seen = this.#happened(lack);
    if (lack === 'memory') {
      entry.pause = after(now, WAIT_PAUSE_MS);
      entry.again = after(now, WAIT_RETRY_MS);
    } else {
      const seconds = afterSeconds(error.refusal.possible);
      entry.pause = now;
      entry.again = seconds === undefined ? null : after(now, Math.max(1, seconds * 1000));
      if (error instanceof ShareRefusal && entry.recalled > now) entry.again ??= entry.recalled;
    }
    const { owner } = entry.wanted;
    if (error instanceof ShareRefusal) this.world.claim(owner, error, entry.deadline);
    else this.world.unclaim(owner);
  }

  /** As without waiting, whoever is before them: what there is a last try for is refused as ever. */
  #endLate(): void {
    const now = this.#now;
    this.#deadline = Number.POSITIVE_INFINITY;
    for (const entry of [...this.#lines.values()].flat()) {
      if (entry.deadline > now) this.#deadline = Math.min(this.#deadline, entry.deadline);
      else if (!entry.asking) this.#ask(entry);
    }
  }

  #end(entry: Entry, error: BrokerError): void {
    this.#remove(entry);
    entry.wanted.end(error, this.#now - entry.since);
  }

  #remove(entry: Entry): void {
    const { owner, asker } = entry.wanted;
    const line = this.#lines.get(asker.uid);
    const at = line?.indexOf(entry) ?? -1;
    if (line === undefined || at < 0) return;
    line.splice(at, 1);
    this.#size--;
    entry.over();
    if (at === 0) this.world.unclaim(owner);
    if (line.length === 0) this.#lines.delete(asker.uid);
    this.#moved();
  }

  // ---- places ----------------------------------------------------------------------------------

  /** Each user's first, then each user's second, … */
  #inOrder(): Entry[] {
    const lines = [...this.#lines.values()];
    const all: Entry[] = [];
    for (let round = 0; all.length < this.#size; round++)
      for (const { [round]: entry } of lines) if (entry !== undefined) all.push(entry);
    return all;
  }

  #placeOf(entry: Entry): number {
    const { uid } = entry.wanted.asker;
    const round = this.#lines.get(uid)?.indexOf(entry) ?? 0;
    let place = 1;
    let isBefore = true;
    for (const [user, line] of this.#lines) {
      if (user === uid) isBefore = false;
      place += Math.min(line.length, isBefore ? round + 1 : round);
    }
    return place;
  }

  /** All who have another place now hear of it in a moment, once. */
  #moved(): void {
    if (this.#size > 0) this.#tellAt ??= after(this.#now, WAIT_TOLD_MS);
    else this.#tellAt = null;
  }

  #tellAll(): void {
    this.#tellAt = null;
    for (const [at, entry] of this.#inOrder().entries()) this.#tell(entry, at + 1);
  }

  #tell(entry: Entry, place: number): void {
    if (entry.place === place || entry.givenUp !== null) return;
    entry.place = place;
    entry.wanted.told(place);
  }
}
