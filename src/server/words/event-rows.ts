/**
 * How events go from the data plane to main: a row of numbers each, in memory that both share, and a message
 * for many with what numbers cannot say. A buffer or a process is said once, and a row names it by its place
 * in a table that both keep alike; nothing is copied for an event beside its row (docs/performance.md).
 *
 * Main writes how far it has read, so that what is not read has a bound. Nothing is lost there: the data plane
 * reads no client where main is far behind (`behind`), and waits for main where there is no room at all. Main
 * never waits for the data plane.
 */
import {
  type BrokerEvent,
  bufferOf,
  byOf,
  clientOf,
  EVENT_TYPES,
  EVENTS,
  type EventBuffer,
  type EventType,
  type Told,
  type ToldBuffer,
  toldBuffer,
} from '../../broker/events.js';
import { type Actor, actorOf, actorOfClient, type Doer, type Identity } from '../../broker/who.js';
import type { WallTime } from '../../memory/clock.js';
import { MAX_UNREAD_EVENTS } from '../../memory/limits.js';

/** What goes with rows. */
export interface EventBatch {
  /** How many there are more than before. */
  readonly rows: number;
  /** What is in no table yet, in the order in which rows name it. */
  readonly buffers: readonly ToldBuffer[];
  readonly actors: readonly Actor[];
  /** Of those rows that have one and another than the row before. */
  readonly facts: readonly unknown[];
}

/** In either table: what has not been named for longest gives way, and is said again. */
const PLACES = 4096;

/** Of 32 bits, at the beginning. */
const Head = { read: 0, held: 1 } as const;
const HEAD_BYTES = 64;

/** Of 32 bits each: the type with what is said of its fact, the buffer, the connection, who did it. */
const COLUMNS = 4;

/** Type × FACTS + one of these. */
const FACTS = 4;
const Fact = { none: 0, same: 1, next: 2 } as const;

/** In a column: nothing, the place in the table from 1 on, or, negative, of something that is new there. */
const NOTHING = 0;

const typeNumbers = Object.fromEntries(EVENT_TYPES.map((type, i) => [type, i])) as Readonly<
  Record<EventType, number>
>;

/** For a data plane and main. `rows`: a power of two. */
export const eventMemory = (rows = MAX_UNREAD_EVENTS): SharedArrayBuffer =>
  new SharedArrayBuffer(HEAD_BYTES + rows * (8 + COLUMNS * 4));

class Rows {
  readonly count: number;
  readonly head: Int32Array;
  readonly dates: Float64Array;
  readonly columns: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.count = (memory.byteLength - HEAD_BYTES) / (8 + COLUMNS * 4);
    this.head = new Int32Array(memory, 0, HEAD_BYTES / 4);
    this.dates = new Float64Array(memory, HEAD_BYTES, this.count);
    this.columns = new Int32Array(memory, HEAD_BYTES + this.count * 8, this.count * COLUMNS);
  }
}

/** Where a buffer is in main's table, and what was said of it: it is said again where that has changed. */
interface Said {
  number: number;
  allocation: EventBuffer['allocation'];
  owner: Doer;
}

/** The data plane's end. */
export class EventWriter {
  readonly #rows: Rows;
  /** How many there were, in 32 bits. */
  #written = 0;
  #unsent = 0;
  /** Numbered as they are said: a number's place is its own until as many more are said as there are places. */
  readonly #said = new WeakMap<EventBuffer, Said>();
  #buffersSaid = 0;
  readonly #clients = new WeakMap<Identity, number>();
  #actorsSaid = 0;
  #buffers: ToldBuffer[] = [];
  #actors: Actor[] = [];
  #facts: unknown[] = [];
  #lastFact: unknown = null;

  constructor(
    memory: SharedArrayBuffer,
    private readonly post: (batch: EventBatch) => void,
  ) {
    this.#rows = new Rows(memory);
  }

  /** Rows that no message has told of. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Whether main has so much to read that nobody is to do any more; it wakes the data plane when it has not. */
  get behind(): boolean {
    const { head, count } = this.#rows;
    const isBehind = () => this.#unread(Atomics.load(head, Head.read)) >= count / 2;
    if (!isBehind()) return false;
    Atomics.store(head, Head.held, 1);
    // Main may have read on before it could see that.
    return isBehind();
  }

  #unread(read: number): number {
    return (this.#written - read) | 0;
  }

  write(event: BrokerEvent, date: WallTime): void {
    const { head, count, dates, columns } = this.#rows;
    if (this.#unread(head[Head.read] as number) >= count) this.#wait();
    const row = this.#written & (count - 1);
    const at = row * COLUMNS;
    const buffer = bufferOf(event);
    const client = clientOf(event);
    const by = byOf(event);
    dates[row] = date;
    columns[at] = (typeNumbers[event.type] as number) * FACTS + this.#fact(event);
    columns[at + 1] = buffer === null ? NOTHING : this.#buffer(buffer);
    columns[at + 2] = client === null ? NOTHING : this.#client(client);
    columns[at + 3] = by === null ? NOTHING : this.#doer(by);
    this.#written = (this.#written + 1) | 0;
    this.#unsent++;
  }

  send(): void {
    if (this.#unsent === 0) return;
    const [rows, buffers, actors, facts] = [this.#unsent, this.#buffers, this.#actors, this.#facts];
    this.post({ rows, buffers, actors, facts });
    this.#unsent = 0;
    // The message is a copy.
    buffers.length = 0;
    actors.length = 0;
    facts.length = 0;
  }

  /** There is no room: main reads what there is, which it does whatever the data plane does. */
  #wait(): void {
    const { head, count } = this.#rows;
    this.send();
    for (let read = Atomics.load(head, Head.read); this.#unread(read) >= count; ) {
      Atomics.wait(head, Head.read, read);
      read = Atomics.load(head, Head.read);
    }
  }

  #fact(event: BrokerEvent): number {
    const fact = EVENTS[event.type].fact(event);
    if (fact === null) return Fact.none;
    if (fact === this.#lastFact) return Fact.same;
    this.#lastFact = fact;
    this.#facts.push(fact);
    return Fact.next;
  }

  #buffer(buffer: EventBuffer): number {
    const { allocation, owner } = buffer;
    let said = this.#said.get(buffer);
    if (said === undefined) {
      said = { number: -PLACES, allocation, owner };
      this.#said.set(buffer, said);
    }
    const isThere = this.#buffersSaid - said.number < PLACES;
    if (isThere && said.allocation === allocation && said.owner === owner) {
      return named(said.number);
    }
    said.number = this.#buffersSaid++;
    said.allocation = allocation;
    said.owner = owner;
    this.#buffers.push(toldBuffer(buffer));
    return -named(said.number);
  }

  #client(client: Identity): number {
    const number = this.#clients.get(client);
    if (number !== undefined && this.#actorsSaid - number < PLACES) return named(number);
    this.#clients.set(client, this.#actorsSaid);
    return this.#actor(actorOfClient(client));
  }

  /** Somebody over REST is said each time. */
  #doer(doer: Doer): number {
    return doer.client === null ? this.#actor(actorOf(doer)) : this.#client(doer.client);
  }

  #actor(actor: Actor): number {
    this.#actors.push(actor);
    return -named(this.#actorsSaid++);
  }
}

const named = (number: number) => 1 + (number % PLACES);

/** Main's end. */
export class EventReader {
  readonly #rows: Rows;
  #read = 0;
  readonly #buffers: ToldBuffer[] = [];
  readonly #actors: Actor[] = [];
  #lastFact: unknown = null;
  #second = Number.NaN;
  #toSecond = '';

  constructor(
    memory: SharedArrayBuffer,
    /** The data plane waits for main to have read. */
    private readonly wake: () => void,
  ) {
    this.#rows = new Rows(memory);
  }

  /** Oldest first. `time` as JSON has it. */
  read(batch: EventBatch, take: (told: Told, time: string) => void): void {
    const { head, count, dates, columns } = this.#rows;
    const buffers = batch.buffers[Symbol.iterator]();
    const actors = batch.actors[Symbol.iterator]();
    const facts = batch.facts[Symbol.iterator]();
    for (let left = batch.rows; left > 0; left--) {
      const row = this.#read & (count - 1);
      const at = row * COLUMNS;
      const code = columns[at] as number;
      const said = code % FACTS;
      if (said === Fact.next) this.#lastFact = facts.next().value;
      const told = {
        type: EVENT_TYPES[Math.floor(code / FACTS)] as EventType,
        buffer: find(this.#buffers, columns[at + 1] as number, buffers),
        client: find(this.#actors, columns[at + 2] as number, actors),
        by: find(this.#actors, columns[at + 3] as number, actors),
        fact: said === Fact.none ? null : this.#lastFact,
      };
      take(told, this.#text(dates[row] as number));
      this.#read = (this.#read + 1) | 0;
    }
    Atomics.store(head, Head.read, this.#read);
    Atomics.notify(head, Head.read);
    if (Atomics.exchange(head, Head.held, 0) === 1) this.wake();
  }

  /** `toISOString` takes longer than all else that is made of a row. */
  #text(date: number): string {
    const whole = Math.trunc(date);
    const second = Math.floor(whole / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#toSecond = new Date(second * 1000).toISOString().slice(0, -'000Z'.length);
    }
    return this.#toSecond + MILLISECONDS[whole - second * 1000];
  }
}

const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${ms}Z`.padStart(4, '0'));

function find<T>(table: T[], named: number, fresh: Iterator<T>): T | null {
  if (named === NOTHING) return null;
  const place = Math.abs(named) - 1;
  if (named < 0) table[place] = fresh.next().value as T;
  return table[place] as T;
}
