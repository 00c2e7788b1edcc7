/** The data plane's end of the rows of events (event-rows.ts). */
import type { EventBuffer, ToldBuffer } from '../../broker/event-record.js';
import { type BrokerEvent, EVENT_TYPES, EVENTS, type EventType } from '../../broker/events.js';
import { bufferOf, byOf, clientOf, toldBuffer } from '../../broker/told.js';
import { type Actor, actorOf, actorOfClient, type Doer, type Identity } from '../../broker/who.js';
import type { WallTime } from '../../memory/clock.js';
import {
  COLUMNS,
  type EventBatch,
  FACTS,
  Fact,
  Head,
  NOTHING,
  PLACES,
  Rows,
} from './event-rows.js';

const typeNumbers = Object.fromEntries(EVENT_TYPES.map((type, i) => [type, i])) as Readonly<
  Record<EventType, number>
>;

const named = (number: number) => 1 + (number % PLACES);

/** Where a buffer is in main's table, and what was said of it: it is said again where that has changed. */
interface Said {
  number: number;
  allocation: EventBuffer['allocation'];
  owner: Doer;
}

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
