/** Main's end of the rows of events (event-rows.ts). */
import type { ToldBuffer } from '../../broker/event-record.js';
import { EVENT_TYPES, type EventType } from '../../broker/events.js';
import type { Told } from '../../broker/told.js';
import type { Actor } from '../../broker/who.js';
import { COLUMNS, type EventBatch, FACTS, Fact, Head, NOTHING, Rows } from './event-rows.js';

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
