/**
 * Buffers that were released and whose memory somebody may still hold: they stay charged until the
 * kernel says that it is gone. There is no event for that, so each is looked at again and again: a
 * few milliseconds after the release, then at intervals that double up to seconds, and soon again
 * when a client that was handed it leaves. A turn makes few checks, so that thousands of lingering
 * buffers never hold up the data plane.
 *
 * Memory that was registered under another id before is charged there, to the one who asked for it first;
 * that buffer stays until the memory is gone. So a later one, an import of the same, is gone with its release.
 *
 * Pure. Owns what is kept of each buffer (`Remains`) until it is gone.
 */
import type { BrokerBuffer, Client } from './buffer.js';
import { after, type Clock, LONG_AGO, type Monotonic } from './clock.js';
import { LINGERING_CHECKS_PER_TURN, LINGERING_PAUSE_MS } from './limits.js';
import type { Allocation } from './source.js';

/**
 * What the kernel says about released memory. `gone`: nobody else has it. `lingering`: somebody has.
 * `unknown`: its count of references proves nothing.
 */
export type Remaining = 'gone' | 'lingering' | 'unknown';

/** The last reference to a released buffer's memory. */
export interface Remains {
  look(): Remaining;
  close(): void;
}

export interface LingeringWorld {
  /** Takes ownership of the fds, one a memory, and closes what is not needed to look at it. */
  remains(allocation: Allocation, fds: readonly number[]): Remains;
  readonly clock: Clock;
  /** What is shown of it is new. */
  changed(buffer: BrokerBuffer): void;
}

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
  /** Since when it could have been gone for all that the kernel says. */
  unknownSince: Monotonic | null;
  level: number;
  due: Monotonic;
}

export class Lingering {
  readonly #entries = new Map<string, Entry>();
  /** By interval; each in the order of their due times, since all in it wait equally long. */
  readonly #queues = INTERVALS.map(() => new Set<Entry>());
  readonly #byClient = new Map<Client, Set<Entry>>();
  #checksLeft = LINGERING_CHECKS_PER_TURN;
  #notBefore = LONG_AGO;

  /** `gone` is told once of each buffer, when nothing of it is left here. */
  constructor(
    private readonly world: LingeringWorld,
    /** How long `unknown` memory is charged while its recipients live. */
    private readonly graceMs: number,
    /** Whether its memory is charged, until it is gone, as that of another buffer. */
    private readonly chargedElsewhere: (buffer: BrokerBuffer) => boolean,
    private readonly gone: (buffer: BrokerBuffer) => void,
  ) {}

  get buffers(): Iterable<BrokerBuffer> {
    return [...this.#entries.values()].map(({ buffer }) => buffer);
  }

  get(id: string): BrokerBuffer | undefined {
    return this.#entries.get(id)?.buffer;
  }

  /** Takes over the registry's reference to the buffer's fds. */
  add(buffer: BrokerBuffer): void {
    const entry: Entry = { buffer, remains: null, unknownSince: null, level: 0, due: LONG_AGO };
    this.#entries.set(buffer.id, entry);
    buffer.state = 'lingering';
    for (const { client } of buffer.recipients) {
      if (!client.connected) continue;
      const known = this.#byClient.get(client) ?? new Set();
      this.#byClient.set(client, known.add(entry));
    }
    if (this.#checksLeft === 0) this.#renewChecks();
    // Mostly nobody has it any more: its charge is to be returned at once.
    if (this.#checksLeft > 0) this.#check(entry);
    else this.#wait(entry, 0);
  }

  /** A client has left: what it held may be gone now. */
  departed(client: Client): void {
    const entries = this.#byClient.get(client) ?? [];
    this.#byClient.delete(client);
    for (const entry of entries) {
      this.#queues[entry.level]?.delete(entry);
      this.#wait(entry, 0);
    }
  }

  /** Looks at what is due, as far as one turn may. */
  run(): void {
    this.#renewChecks();
    const now = this.world.clock.now();
    for (const queue of this.#queues) {
      for (const entry of queue) {
        if (entry.due > now || this.#checksLeft === 0) break;
        queue.delete(entry);
        this.#check(entry);
      }
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues) {
      const [first] = queue;
      if (first !== undefined) due = Math.min(due, first.due);
    }
    if (due === Number.POSITIVE_INFINITY) return -1;
    if (this.#checksLeft === 0) due = Math.max(due, this.#notBefore);
    return Math.max(0, Math.ceil(due - this.world.clock.now()));
  }

  /** The daemon ends: nobody is charged any more. */
  close(): void {
    for (const entry of [...this.#entries.values()]) this.#end(entry);
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

  #check(entry: Entry): void {
    this.#checksLeft--;
    if (this.#checksLeft === 0) this.#notBefore = after(this.world.clock.now(), LINGERING_PAUSE_MS);
    const { buffer } = entry;
    const found = this.#look(entry);
    if (found !== 'unknown') entry.unknownSince = null;
    else entry.unknownSince ??= this.world.clock.now();
    if (found === 'gone' || (found === 'unknown' && this.#over(entry))) {
      this.#end(entry);
      return;
    }
    if (buffer.state !== found) {
      buffer.state = found;
      this.world.changed(buffer);
    }
    this.#wait(entry, Math.min(entry.level + 1, INTERVALS.length - 1));
  }

  #look(entry: Entry): Remaining {
    const { held, allocation } = entry.buffer;
    if (this.chargedElsewhere(entry.buffer)) return 'gone';
    if (entry.remains === null) {
      if (held.shared) return 'lingering';
      entry.remains = this.world.remains(allocation, held.take());
    }
    return entry.remains.look();
  }

  #over({ buffer, unknownSince }: Entry): boolean {
    const now = this.world.clock.now();
    const since = now - (unknownSince ?? now);
    return since >= this.graceMs || buffer.recipientsExited;
  }

  #end(entry: Entry): void {
    const { buffer, remains } = entry;
    this.#entries.delete(buffer.id);
    this.#queues[entry.level]?.delete(entry);
    for (const { client } of buffer.recipients) {
      const known = this.#byClient.get(client);
      known?.delete(entry);
      if (known?.size === 0) this.#byClient.delete(client);
    }
    if (remains === null) buffer.held.release();
    else remains.close();
    buffer.forgetRecipients();
    this.gone(buffer);
  }
}
