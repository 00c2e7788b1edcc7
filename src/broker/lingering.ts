/**
 * Buffers that were released and whose memory somebody may still hold: they stay charged until the
 * kernel says that it is gone. There is no event for that, so each is looked at again and again: a
 * few milliseconds after the release, then at intervals that double up to seconds, and soon again
 * when a client that was handed it leaves. A turn makes few checks, so that thousands of lingering
 * buffers never hold up the data plane. Before somebody is refused because of what lingers, it is looked at out
 * of its turn: what was let go of a moment ago is nobody's.
 *
 * Where nobody has it by the kernel's count alone, it is taken to be gone as far as that is trusted, or
 * else is looked for in all processes (unproven.ts).
 *
 * Memory that was registered under another id before is charged there, to the one who asked for it first;
 * that buffer stays until the memory is gone. So a later one, an import of the same, is gone with its release.
 *
 * Pure. Owns what is kept of each buffer (`Remains`) until it is gone.
 */

import { after, type Clock, LONG_AGO, type Monotonic } from '../memory/clock.js';
import { LINGERING_CHECKS_PER_TURN, LINGERING_PAUSE_MS } from '../memory/limits.js';
import type { Remaining, Remains } from '../memory/remains.js';
import type { Allocation } from '../memory/source.js';
import type { BrokerBuffer, Client } from './buffer.js';
import { sooner } from './deadlines.js';
import type { RoomQueue } from './room-queue.js';
import { type Suspect, Unproven, type UnprovenWorld, type Verdict } from './unproven.js';

export interface LingeringWorld extends UnprovenWorld {
  /** Takes ownership of the fds, one a memory, and closes what is not needed to look at it. */
  remains(allocation: Allocation, fds: readonly number[]): Remains;
  /** What the kernel will tell, at best, when nobody has an allocation's memory any more. */
  tells(allocation: Allocation): Exclude<Remaining, 'lingering' | 'unseen'>;
  readonly clock: Clock;
  /** What is shown of it is new. */
  changed(buffer: BrokerBuffer): void;
}

/** Of a check: to look at what the kernel tells the end of. */
const TOLD_PART = 1 / 8;
/** To pass over what is another user's. */
const PASSED_PART = 1 / 64;
const FIRST_INTERVAL_MS = 5;
const LONGEST_INTERVAL_MS = 5_000;
const INTERVALS = intervals();

function intervals(): number[] {
  const all: number[] = [];
  for (let ms = FIRST_INTERVAL_MS; ms < LONGEST_INTERVAL_MS; ms *= 2) all.push(ms);
  return [...all, LONGEST_INTERVAL_MS];
}

interface Entry {
  readonly buffer: BrokerBuffer;
  /** Null while messages with the fds still wait to be sent. */
  remains: Remains | null;
  /** The daemon has it no more: only a search tells of it. */
  isUnseen: boolean;
  /** Since when it could have been gone for all that the kernel says. */
  unknownSince: Monotonic | null;
  /** Ends the search in all processes; null where it is not sought there. */
  giveUp: (() => void) | null;
  /** What the last of them has said. */
  verdict: Verdict;
  /** To be called when it is no longer expected to be gone soon; null where it is not. */
  settled: (() => void) | null;
  level: number;
  due: Monotonic;
}

/** How long what lingers is charged, and who is told of it. */
export interface LingeringTerms {
  /** How long `unknown` memory is charged while its recipients live. */
  readonly graceMs: number;
  readonly trustedBytes: number;
  /** Told what of a user's may be found to be gone. */
  readonly room: Pick<RoomQueue, 'expect'>;
  /** Who was handed it, as those know it who look for it. */
  suspect(buffer: BrokerBuffer): Suspect;
  /** The user that is charged for it. */
  userOf(buffer: BrokerBuffer): number;
  /** Whether its memory is charged, until it is gone, as that of another buffer. */
  chargedElsewhere(buffer: BrokerBuffer): boolean;
  /** Told once of each buffer, when nothing of it is left here. */
  gone(buffer: BrokerBuffer): void;
}

export class Lingering {
  readonly #entries = new Map<string, Entry>();
  /** By interval; each in the order of their due times, since all in it wait equally long. */
  readonly #queues = INTERVALS.map(() => new Set<Entry>());
  readonly #byClient = new Map<Client, Set<Entry>>();
  #checksLeft = LINGERING_CHECKS_PER_TURN;
  /**
   * For what is released in this turn: its own, so that what waits for its next check is never in the way of
   * those who release as fast as they allocate.
   */
  #firstChecksLeft = LINGERING_CHECKS_PER_TURN;
  #notBefore = LONG_AGO;
  /** For those who are refused: so many in `LINGERING_PAUSE_MS`, however often somebody is. */
  #looksLeft = 0;
  #looksUntil = LONG_AGO;
  #ending = false;
  readonly unproven: Unproven;

  constructor(
    private readonly world: LingeringWorld,
    private readonly terms: LingeringTerms,
  ) {
    this.unproven = new Unproven(world, terms.trustedBytes, terms.graceMs);
  }

  get buffers(): Iterable<BrokerBuffer> {
    return [...this.#entries.values()].map(({ buffer }) => buffer);
  }

  get(id: string): BrokerBuffer | undefined {
    return this.#entries.get(id)?.buffer;
  }

  /** Takes over the registry's reference to the buffer's fds. */
  add(buffer: BrokerBuffer): void {
    if (this.#ending) {
      this.#letGo(buffer);
      return;
    }
    const entry: Entry = {
      buffer,
      remains: null,
      isUnseen: false,
      unknownSince: null,
      giveUp: null,
      verdict: 'unknown',
      settled: null,
      level: 0,
      due: LONG_AGO,
    };
    this.#entries.set(buffer.id, entry);
    buffer.state = 'lingering';
    // Mostly nobody has it any more: its charge is to be returned at once.
    if (this.#firstChecksLeft > 0) {
      this.#firstChecksLeft--;
      this.#check(entry);
      if (this.#entries.get(buffer.id) !== entry) return;
    } else this.#wait(entry, 0);
    for (const { client } of buffer.recipients) {
      if (!client.connected) continue;
      const known = this.#byClient.get(client) ?? new Set();
      this.#byClient.set(client, known.add(entry));
    }
  }

  /** A client has left: what it held may be gone now. */
  departed(client: Client): void {
    const entries = this.#byClient.get(client) ?? [];
    this.#byClient.delete(client);
    for (const entry of entries) this.#lookSoon(entry);
  }

  #lookSoon(entry: Entry): void {
    this.#queues[entry.level]?.delete(entry);
    this.#wait(entry, 0);
  }

  /**
   * Somebody is to be refused for what lingers of a user's, or of everybody's (null): looks at it, what came last
   * first, as far as may be looked out of turn. When it is looked at next stays as it is. Returns whether anything
   * was gone.
   */
  look(user: number | null): boolean {
    const now = this.world.clock.now();
    if (now >= this.#looksUntil) {
      this.#looksLeft = LINGERING_CHECKS_PER_TURN;
      this.#looksUntil = after(now, LINGERING_PAUSE_MS);
    }
    let anyGone = false;
    for (const queue of this.#queues) {
      for (const entry of queue) {
        if (this.#looksLeft <= 0) return anyGone;
        const isTheirs = user === null || this.terms.userOf(entry.buffer) === user;
        this.#looksLeft -= isTheirs ? this.#costOf(entry) : PASSED_PART;
        if (isTheirs && this.#ends(entry)) anyGone = true;
      }
    }
    return anyGone;
  }

  /** Looks at what is due, as far as one turn may. */
  run(): void {
    this.#firstChecksLeft = LINGERING_CHECKS_PER_TURN;
    if (this.#entries.size > 0) this.#runQueues();
    this.unproven.run();
  }

  #runQueues(): void {
    this.#renewChecks();
    const now = this.world.clock.now();
    for (const queue of this.#queues) {
      for (const entry of queue) {
        if (entry.due > now || this.#checksLeft <= 0) break;
        queue.delete(entry);
        this.#spend(entry);
        this.#check(entry);
      }
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#entries.size === 0) return this.unproven.wait;
    let due = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      const [first] = queue;
      if (first !== undefined) due = Math.min(due, first.due);
    }
    if (due === Number.POSITIVE_INFINITY) return this.unproven.wait;
    if (this.#checksLeft <= 0) due = Math.max(due, this.#notBefore);
    const wait = Math.max(0, Math.ceil(due - this.world.clock.now()));
    return sooner(wait, this.unproven.wait);
  }

  /** The daemon ends: nobody is charged any more, and nobody asks who has the memory of what is released. */
  end(): void {
    this.#ending = true;
    for (const entry of [...this.#entries.values()]) this.#end(entry);
  }

  #letGo(buffer: BrokerBuffer): void {
    buffer.held.release();
    buffer.recipients.forget();
    this.terms.gone(buffer);
  }

  #renewChecks(): void {
    if (this.world.clock.now() < this.#notBefore) return;
    this.#checksLeft = LINGERING_CHECKS_PER_TURN;
    this.#notBefore = LONG_AGO;
  }

  #wait(entry: Entry, level: number): void {
    entry.level = level;
    entry.due = after(this.world.clock.now(), INTERVALS[level] as number);
    this.#queues[level]?.add(entry);
  }

  #costOf({ buffer }: Entry): number {
    // What is told of need not be asked for by a file of /proc.
    return this.world.tells(buffer.allocation) === 'gone' ? TOLD_PART : 1;
  }

  /** Of the checks of a turn. */
  #spend(entry: Entry): void {
    this.#checksLeft -= this.#costOf(entry);
    if (this.#checksLeft <= 0) this.#notBefore = after(this.world.clock.now(), LINGERING_PAUSE_MS);
  }

  #check(entry: Entry): void {
    if (!this.#ends(entry)) this.#wait(entry, Math.min(entry.level + 1, INTERVALS.length - 1));
  }

  /** Looks at it. Returns whether it is gone, and nothing of it is here any more. */
  #ends(entry: Entry): boolean {
    const { buffer } = entry;
    const found = this.#judged(entry, this.#look(entry));
    if (found !== 'unknown') entry.unknownSince = null;
    else entry.unknownSince ??= this.world.clock.now();
    if (found === 'gone' || (found === 'unknown' && this.#over(entry))) {
      this.#end(entry);
      return true;
    }
    if (buffer.state !== found) {
      buffer.state = found;
      this.world.changed(buffer);
    }
    return false;
  }

  #look(entry: Entry): Remaining {
    const { held, allocation } = entry.buffer;
    if (this.terms.chargedElsewhere(entry.buffer)) return 'gone';
    if (entry.remains === null) {
      if (held.shared) return 'lingering';
      entry.remains = this.world.remains(allocation, held.take());
    }
    const found = entry.remains.look();
    entry.isUnseen = found === 'unseen';
    return found;
  }

  /** What is made of a count. */
  #judged(entry: Entry, found: Remaining): Exclude<Remaining, 'counted' | 'unseen'> {
    const { buffer } = entry;
    if (found !== 'counted' && found !== 'unseen') {
      entry.giveUp?.();
      entry.giveUp = null;
      this.#settle(entry);
      return found;
    }
    if (entry.giveUp === null) {
      if (!buffer.wasHandedOut || this.#over(entry)) return 'gone';
      const suspect = this.terms.suspect(buffer);
      if (found === 'counted' && this.unproven.trust(suspect)) return 'gone';
      entry.verdict = 'unknown';
      // All that one sweep finds is too much for one turn: each waits for its check.
      entry.settled = this.terms.room.expect(suspect.owner);
      entry.giveUp = this.unproven.seek(suspect, (verdict) => {
        entry.verdict = verdict;
        if (verdict === 'gone') entry.settled ??= this.terms.room.expect(suspect.owner);
        else this.#settle(entry);
        this.#lookSoon(entry);
      });
    }
    return entry.verdict === 'held' ? 'lingering' : entry.verdict;
  }

  /**
   * Whether `unknown` memory is charged no longer. That all who were handed it have exited ends it where
   * nobody could look at whom they may have passed it on to.
   */
  #over({ buffer, unknownSince, isUnseen }: Entry): boolean {
    const now = this.world.clock.now();
    const since = now - (unknownSince ?? now);
    if (since >= this.terms.graceMs) return true;
    const isSought = isUnseen || this.world.tells(buffer.allocation) === 'counted';
    if (isSought && !this.unproven.isBlindTo(this.terms.suspect(buffer))) return false;
    return buffer.recipients.exited;
  }

  #end(entry: Entry): void {
    const { buffer, remains } = entry;
    entry.giveUp?.();
    this.#entries.delete(buffer.id);
    this.#queues[entry.level]?.delete(entry);
    for (const { client } of buffer.recipients) {
      const known = this.#byClient.get(client);
      known?.delete(entry);
      if (known?.size === 0) this.#byClient.delete(client);
    }
    if (remains === null) buffer.held.release();
    else remains.close();
    buffer.recipients.forget();
    this.terms.gone(buffer);
    this.#settle(entry);
  }

  #settle(entry: Entry): void {
    entry.settled?.();
    entry.settled = null;
  }
}
