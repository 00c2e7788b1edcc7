/** Main's end of the rows of events (event-rows.ts). */
import type { ToldBuffer } from '../../broker/event-record.js';
import { EVENT_TYPES, type EventType } from '../../broker/events.js';
import type { Told } from '../../broker/told.js';
import type { Actor } from '../../broker/who.js';
import type { WallTime } from '../../memory/clock.js';
import { DateTexts } from '../../memory/date-texts.js';
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
  Rows,
} from './event-rows.js';

export class EventReader {
  readonly #rows: Rows;
  #read = 0;
  readonly #buffers: ToldBuffer[] = [];
  readonly #actors: Actor[] = [];
  readonly #sources: Origin[] = [];
  #lastFact: unknown = null;
  readonly #texts = new DateTexts();

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
    const end = (this.#read + batch.rows) | 0;
    const actors = batch.actors[Symbol.iterator]();
    const facts = batch.facts[Symbol.iterator]();
    this.#sources.push(...batch.sources);
    while (this.#read !== end) {
      const row = this.#read & (count - 1);
      const at = row * COLUMNS;
      this.#read = (this.#read + 1) | 0;
      const code = columns[at] as number;
      const said = code % FACTS;
      if (said === Fact.next) this.#lastFact = facts.next().value;
      const told = {
        type: EVENT_TYPES[Math.floor(code / FACTS)] as EventType,
        buffer: this.#buffer(columns[at + 1] as number, actors),
        client: this.#actor(columns[at + 2] as number, actors),
        by: this.#actor(columns[at + 3] as number, actors),
        fact: said === Fact.none ? null : this.#lastFact,
      };
      take(told, this.#texts.of(dates[row] as WallTime));
    }
    Atomics.store(head, Head.read, this.#read);
    Atomics.notify(head, Head.read);
    if (Atomics.exchange(head, Head.held, 0) === 1) this.wake();
  }

  #buffer(named: number, actors: Iterator<Actor>): ToldBuffer | null {
    if (named === NOTHING) return null;
    const place = Math.abs(named) - 1;
    if (named < 0) this.#buffers[place] = this.#described(actors);
    return this.#buffers[place] as ToldBuffer;
  }

  #actor(named: number, fresh: Iterator<Actor>): Actor | null {
    if (named === NOTHING) return null;
    const place = Math.abs(named) - 1;
    if (named < 0) this.#actors[place] = fresh.next().value as Actor;
    return this.#actors[place] as Actor;
  }

  /** What the next rows say of a buffer. */
  #described(actors: Iterator<Actor>): ToldBuffer {
    const { count, dates, columns, bytes } = this.#rows;
    const first = this.#read & (count - 1);
    const second = (this.#read + 1) & (count - 1);
    this.#read = (this.#read + DESCRIPTION_ROWS) | 0;
    let id = '';
    for (let i = first * MAX_ID; i < (first + 1) * MAX_ID && bytes[i] !== 0; i++) {
      id += String.fromCharCode(bytes[i] as number);
    }
    const format = dates[second] as number;
    const at = second * COLUMNS;
    return {
      id,
      format: Number.isNaN(format) ? null : format,
      source: this.#sources[columns[at] as number] as Origin,
      handleType: HANDLE_TYPES[columns[at + 1] as number] as HandleType,
      size: dates[first] as number,
      owner: this.#actor(columns[at + 2] as number, actors) as Actor,
    };
  }
}
