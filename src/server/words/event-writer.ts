/** The data plane's end of the rows of events (event-rows.ts). */
import type { EventBuffer } from '../../broker/event-record.js';
import { type BrokerEvent, EVENT_TYPES, EVENTS, type EventType } from '../../broker/events.js';
import { bufferOf, byOf, clientOf } from '../../broker/told.js';
import { type Actor, actorOf, actorOfClient, type Doer, type Identity } from '../../broker/who.js';
import type { WallTime } from '../../memory/clock.js';
import type { HandleType, Origin } from '../../memory/source.js';
import {
  COLUMNS,
  DESCRIPTION_ROWS,
  type EventBatch,
  FACTS,
  Fact,
  HANDLE_TYPES,
  Head,
  MAX_ID,
  NOTHING,
  PLACES,
  Rows,
} from './event-rows.js';

const typeNumbers = Object.fromEntries(EVENT_TYPES.map((type, i) => [type, i])) as Readonly<
  Record<EventType, number>
>;

const handleTypeNumbers = Object.fromEntries(HANDLE_TYPES.map((type, i) => [type, i])) as Readonly<
  Record<HandleType, number>
>;

const placeOf = (number: number) => 1 + (number % PLACES);

export class EventWriter {
  readonly #rows: Rows;
  /** How many there were, in 32 bits. */
  #written = 0;
  #unsent = 0;
  /** Numbered as they are said: a number's place is its own until as many more are said as there are places. */
  #buffersSaid = 0;
  readonly #clients = new WeakMap<Identity, number>();
  #actorsSaid = 0;
  readonly #sourceNumbers = new Map<Origin, number>();
  #sources: Origin[] = [];
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
    const buffer = bufferOf(event);
    const client = clientOf(event);
    const by = byOf(event);
    const named = buffer === null ? NOTHING : this.#buffer(buffer);
    const rows = named < 0 ? 1 + DESCRIPTION_ROWS : 1;
    if (this.#unread(head[Head.read] as number) + rows > count) this.#wait(rows);
    const row = this.#written & (count - 1);
    const at = row * COLUMNS;
    this.#written = (this.#written + 1) | 0;
    this.#unsent++;
    dates[row] = date;
    columns[at] = (typeNumbers[event.type] as number) * FACTS + this.#fact(event);
    columns[at + 1] = named;
    if (buffer !== null && named < 0) this.#describe(buffer);
    columns[at + 2] = client === null ? NOTHING : this.#client(client);
    columns[at + 3] = by === null ? NOTHING : this.#doer(by);
  }

  send(): void {
    if (this.#unsent === 0) return;
    // The message is a copy.
    const [rows, actors, sources, facts] = [this.#unsent, this.#actors, this.#sources, this.#facts];
    this.post({ rows, actors, sources, facts });
    this.#unsent = 0;
    // To set their length would be a call of V8's run time.
    if (actors.length > 0) this.#actors = [];
    if (sources.length > 0) this.#sources = [];
    if (facts.length > 0) this.#facts = [];
  }

  /** There is no room for so many: main reads what there is, which it does whatever the data plane does. */
  #wait(rows: number): void {
    const { head, count } = this.#rows;
    this.send();
    for (let read = Atomics.load(head, Head.read); this.#unread(read) + rows > count; ) {
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

  /** Its place, negative where it is to be described. */
  #buffer(buffer: EventBuffer): number {
    const { allocation, owner } = buffer;
    let { said } = buffer;
    if (said?.by !== this) {
      said = { by: this, number: -PLACES, allocation, owner };
      buffer.said = said;
    }
    const isThere = this.#buffersSaid - said.number < PLACES;
    if (isThere && said.allocation === allocation && said.owner === owner) {
      return placeOf(said.number);
    }
    said.number = this.#buffersSaid++;
    said.allocation = allocation;
    said.owner = owner;
    return -placeOf(said.number);
  }

  /** As `toldBuffer` has it. */
  #describe({ id, spec, allocation, owner }: EventBuffer): void {
    const { count, dates, columns, bytes } = this.#rows;
    const first = this.#written & (count - 1);
    const second = (this.#written + 1) & (count - 1);
    this.#written = (this.#written + DESCRIPTION_ROWS) | 0;
    this.#unsent += DESCRIPTION_ROWS;
    const { source, handleType, size } = allocation;
    dates[first] = size;
    const text = first * MAX_ID;
    for (let i = 0; i < MAX_ID; i++) bytes[text + i] = i < id.length ? id.charCodeAt(i) : 0;
    dates[second] = spec.kind === 'image' ? spec.format : Number.NaN;
    const at = second * COLUMNS;
    columns[at] = this.#source(source);
    columns[at + 1] = handleTypeNumbers[handleType];
    columns[at + 2] = this.#doer(owner);
  }

  #source(source: Origin): number {
    let number = this.#sourceNumbers.get(source);
    if (number === undefined) {
      number = this.#sourceNumbers.size;
      this.#sourceNumbers.set(source, number);
      this.#sources.push(source);
    }
    return number;
  }

  #client(client: Identity): number {
    const number = this.#clients.get(client);
    if (number !== undefined && this.#actorsSaid - number < PLACES) return placeOf(number);
    this.#clients.set(client, this.#actorsSaid);
    return this.#actor(actorOfClient(client));
  }

  /** Somebody over REST is said each time. */
  #doer(doer: Doer): number {
    return doer.client === null ? this.#actor(actorOf(doer)) : this.#client(doer.client);
  }

  #actor(actor: Actor): number {
    this.#actors.push(actor);
    return -placeOf(this.#actorsSaid++);
  }
}
