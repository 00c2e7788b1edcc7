/**
 * Released memory that nobody has by the kernel's count, and that somebody may keep all the same: a
 * descriptor opened with O_PATH is not counted, and keeps a dma_buf's memory. Of each user so many bytes
 * are taken to be gone without proof; what goes beyond stays charged. Both are sought: a sweep over all processes that
 * began after the count was read sees such descriptors, and whose it does not see is gone.
 *
 * What a sweep can say of a memory depends on its users, who were handed it. Where not all of their processes
 * could be read it says nothing. A descriptor in a message that nobody has received is in no process: of as
 * many memories as such messages carry, the largest are taken to be in them.
 *
 * Pure. Owns the list of what is sought. Sweeps cost the main thread a part of its time, and none is asked
 * for where nothing is sought.
 */
import { after, type Clock, LONG_AGO, type Monotonic } from '../memory/clock.js';
import { MAX_UNPROVEN, SOUGHT_AT_ONCE } from '../memory/limits.js';
import { FairPool } from './fair-pool.js';

/** Memory that somebody may have. */
export interface Suspect {
  /** st_dev:st_ino of each of its dma_bufs. */
  readonly identities: readonly string[];
  readonly bytes: number;
  /** Who is charged for it. */
  readonly owner: number;
  /** Users who were handed it, its owner among them. */
  readonly users: readonly number[];
  /** Whether a process that was handed it is where no sweep looks: in another pid namespace. */
  readonly outside: boolean;
}

/** What a sweep over all processes has found. */
export interface Swept {
  /** Those of the identities it was asked for that somebody has. */
  readonly held: readonly string[];
  /** Whether processes of other users were not even listed. */
  readonly hidden: boolean;
  /** Users of whose processes not all could be read. */
  readonly unread: readonly number[];
  /** How many fds are in messages to processes of a user that nobody has received. */
  readonly inFlight: ReadonlyMap<number, number>;
  /** Milliseconds that it took. */
  readonly took: number;
}

/** Of what is sought. `unknown`: the sweep has seen nobody, and could not look everywhere. */
export type Verdict = 'gone' | 'held' | 'unknown';

export interface UnprovenWorld {
  /** Asks for a sweep that begins after this; its answer comes as `swept`, once. */
  sweep(identities: readonly string[]): void;
  readonly clock: Clock;
}

/** Between the answer of a sweep and the next one, at least. */
const PAUSE_MS = 1_000;
/** Of the time that a sweep took: it is a tenth of the main thread's at most. */
const PAUSE_FACTOR = 10;
/** Where sweeps can say nothing, they become rarer. */
const LONGEST_PAUSE_MS = 60_000;

interface Entry extends Suspect {
  /** When it was last not seen to be held, since when it could be gone. */
  since: Monotonic;
  /** Told what each sweep says, where the memory is still charged; null where it is taken to be gone. */
  readonly told: ((verdict: Verdict) => void) | null;
}

export class Unproven {
  /** In the order in which they are sought next. */
  readonly #entries = new Set<Entry>();
  /** Of what is taken to be gone: bytes by owner, and how many there may be. */
  readonly #bytes = new Map<number, number>();
  readonly #room = new FairPool(MAX_UNPROVEN);
  /** What the sweep under way was asked for; null where none is. */
  #asked: readonly Entry[] | null = null;
  #last: Swept | null = null;
  #notBefore = LONG_AGO;
  #pause = PAUSE_MS;

  constructor(
    private readonly world: UnprovenWorld,
    /** Of each user; Infinity: nothing needs a proof. */
    private readonly trustedBytes: number,
    /** How long what no sweep can prove is kept in mind. */
    private readonly graceMs: number,
  ) {}

  /** Bytes of all users that are taken to be gone without proof. */
  get bytes(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }

  /** Takes it to be gone, and seeks it, where its owner has room for that. */
  trust(suspect: Suspect): boolean {
    if (this.trustedBytes === Number.POSITIVE_INFINITY) return true;
    const { owner, bytes } = suspect;
    const sum = (this.#bytes.get(owner) ?? 0) + bytes;
    if (sum > this.trustedBytes || !this.#room.take(owner, 1)) return false;
    this.#bytes.set(owner, sum);
    this.#entries.add({ ...suspect, since: this.world.clock.now(), told: null });
    return true;
  }

  /** Seeks memory that is still charged. Returns what ends that; after `gone` it has ended. */
  seek(suspect: Suspect, told: (verdict: Verdict) => void): () => void {
    const entry: Entry = { ...suspect, since: this.world.clock.now(), told };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  /** Whether the last sweep could say nothing of such memory but that it is held. */
  isBlindTo({ users, outside }: Pick<Suspect, 'users' | 'outside'>): boolean {
    if (this.#last === null) return false;
    const { hidden, unread } = this.#last;
    return outside || hidden || users.some((user) => unread.includes(user));
  }

  /** Asks for a sweep where it is time for one. */
  run(): void {
    if (this.wait !== 0) return;
    const asked: Entry[] = [];
    for (const entry of this.#entries) {
      if (asked.length === SOUGHT_AT_ONCE) break;
      asked.push(entry);
    }
    this.#asked = asked;
    this.world.sweep(asked.flatMap(({ identities }) => identities));
  }

  /** Milliseconds until `run` has something to do; -1: not before something happens. */
  get wait(): number {
    if (this.#asked !== null || this.#entries.size === 0) return -1;
    return Math.max(0, Math.ceil(this.#notBefore - this.world.clock.now()));
  }

  /** The answer of the sweep that was asked for. */
  swept(found: Swept): void {
    const asked = (this.#asked ?? []).filter((entry) => this.#entries.has(entry));
    this.#asked = null;
    this.#last = found;
    const verdicts = this.#judge(asked, found);
    const useful = asked.length === 0 || [...verdicts.values()].some((each) => each !== 'unknown');
    this.#pause = useful ? PAUSE_MS : Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    const now = this.world.clock.now();
    this.#notBefore = after(now, Math.max(this.#pause, PAUSE_FACTOR * found.took));
    for (const [entry, verdict] of verdicts) {
      // What is left is sought again after all others.
      this.#entries.delete(entry);
      if (verdict === 'held') entry.since = now;
      const isOver = entry.told === null && now - entry.since >= this.graceMs;
      if (verdict === 'gone' || isOver) this.#forget(entry);
      else this.#entries.add(entry);
      entry.told?.(verdict);
    }
  }

  #judge(asked: readonly Entry[], found: Swept): Map<Entry, Verdict> {
    const verdicts = new Map<Entry, Verdict>();
    const held = new Set(found.held);
    /** Whom nobody was seen to have, by its users. */
    const unseen = new Map<string | number, Entry[]>();
    for (const entry of asked) {
      if (entry.identities.some((identity) => held.has(identity))) verdicts.set(entry, 'held');
      else if (this.isBlindTo(entry)) verdicts.set(entry, 'unknown');
      else {
        const [user = 0] = entry.users;
        const key = entry.users.length === 1 ? user : entry.users.join();
        const same = unseen.get(key);
        if (same === undefined) unseen.set(key, [entry]);
        else same.push(entry);
      }
    }
    for (const entries of unseen.values()) {
      const users = entries[0]?.users ?? [];
      const hiding = users.reduce((sum, user) => sum + (found.inFlight.get(user) ?? 0), 0);
      if (hiding > 0) entries.sort((a, b) => b.bytes - a.bytes);
      for (const [i, entry] of entries.entries()) verdicts.set(entry, i < hiding ? 'held' : 'gone');
    }
    return verdicts;
  }

  #forget({ owner, bytes, told }: Entry): void {
    if (told !== null) return;
    const left = (this.#bytes.get(owner) ?? 0) - bytes;
    if (left > 0) this.#bytes.set(owner, left);
    else this.#bytes.delete(owner);
    this.#room.give(owner, 1);
  }
}
