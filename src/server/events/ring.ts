/**
 * The last events, numbered, for readers that each go at their own pace. Nothing is kept for a
 * reader: it has a place in the ring, and one that is overtaken has missed events.
 *
 * An id is `RUN-NUMBER`: the run is drawn anew at each start of the daemon that has nothing of one before it,
 * so that an id of another run is known as such and not taken for a place in this one. Numbers go on over a
 * restart; the events do not. In a sealed id the number is not to be
 * read: who is told of some events only is not to count the others.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { EventInfo } from '../../rest/contract.js';
import type { EventDraft } from '../words/messages.js';
import { EVENT_RING_SIZE } from './limits.js';

const CIPHER = 'aes-128-ecb';
const KEY_BYTES = 16;
/** Half of a block is random, so that the same number never looks the same. */
const SALT_BYTES = 8;
const SEALED = /^[0-9a-f]{32}$/;

/** Where a reader goes on, and what it was told before does not tell. */
export interface Place {
  /** The number of the next event. */
  readonly next: number;
  /** Why events may be missing before it; null where none is. */
  readonly gap: 'restarted' | 'overrun' | null;
}

export class EventRing {
  /** Without their ids, which are made for whoever reads: mostly that is nobody. */
  readonly #slots: EventDraft[] = [];
  #run = randomBytes(4).toString('hex');
  readonly #key = randomBytes(KEY_BYTES);
  readonly #readers = new Set<() => void>();
  /** The number that the next event gets. */
  #next = 1;
  /** Of this daemon's first one. */
  #first = 1;
  #advanced: (next: number) => void = () => {};

  constructor(private readonly size: number = EVENT_RING_SIZE) {}

  /**
   * Goes on with the numbers of a daemon before this one, whose events are not kept. Before any event.
   * `advanced` is told of each later number.
   */
  goOn(run: number, next: number, advanced: (next: number) => void): void {
    this.#run = run.toString(16).padStart(8, '0');
    this.#next = Math.max(1, next);
    this.#first = this.#next;
    this.#advanced = advanced;
  }

  /** Adds events and tells the readers. */
  push(drafts: readonly EventDraft[]): void {
    for (const draft of drafts) {
      this.#slots[this.#next % this.size] = draft;
      this.#next++;
    }
    this.#advanced(this.#next);
    for (const reader of this.#readers) reader();
  }

  get next(): number {
    return this.#next;
  }

  /** The number of the oldest event that is kept. */
  get oldest(): number {
    return Math.max(this.#first, this.#next - this.size);
  }

  /** The event with a number between `oldest` and `next`. */
  at(number: number): EventInfo {
    const event = this.#slots[number % this.size];
    if (event === undefined || number < this.oldest || number >= this.#next) {
      throw new RangeError(`there is no event ${number}`);
    }
    return { id: this.idBefore(number + 1), ...event };
  }

  /** The id of the event before a number: what a reader that goes on there has read. */
  idBefore(number: number, sealed = false): string {
    return `${this.#run}-${sealed ? this.#seal(number - 1) : number - 1}`;
  }

  /**
   * Where a reader goes on whose last event had this id, which is sealed or not; null: with what
   * happens from now on.
   */
  placeAfter(lastId: string | null, sealed = false): Place {
    if (lastId === null) return { next: this.#next, gap: null };
    const [run, number = ''] = lastId.split('-');
    const next = (sealed ? this.#unseal(number) : Number(number)) + 1;
    const isOfFormer = next <= this.#first && this.#first > 1;
    if (run !== this.#run || !(next <= this.#next) || isOfFormer) {
      return { next: this.#next, gap: 'restarted' };
    }
    if (next < this.oldest) return { next: this.#next, gap: 'overrun' };
    return { next, gap: null };
  }

  #seal(number: number): string {
    const block = randomBytes(2 * SALT_BYTES);
    block.writeBigUInt64BE(BigInt(number), SALT_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    return cipher.update(block, undefined, 'hex') + cipher.final('hex');
  }

  /** NaN for what is not of this run: then a number is as good as never one that there was. */
  #unseal(text: string): number {
    if (!SEALED.test(text)) return Number.NaN;
    const cipher = createDecipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    const block = Buffer.concat([cipher.update(text, 'hex'), cipher.final()]);
    return Number(block.readBigUInt64BE(SALT_BYTES));
  }

  /** Calls `reader` after each push; returns what ends that. */
  watch(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }
}
