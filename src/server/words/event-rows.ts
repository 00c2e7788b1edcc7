/**
 * How events go from the data plane to main: a row of numbers each, in memory that both share, and a message
 * for many with what numbers cannot say. A buffer or a process is said once, and a row names it by its place
 * in a table that both keep alike; nothing is copied for an event beside its row (docs/performance.md). A buffer
 * is said in two rows more, behind the first one that names it: an allocation has one, and to copy each as an object
 * into a message took longer than all else that is told of it.
 *
 * Main writes how far it has read, so that what is not read has a bound. Nothing is lost there: the data plane
 * reads no client where main is far behind (`behind`), and waits for main where there is no room at all. Main
 * never waits for the data plane.
 */
import type { Actor } from '../../broker/who.js';
import { MAX_UNREAD_EVENTS } from '../../memory/limits.js';
import type { HandleType, Origin } from '../../memory/source.js';

/** What goes with rows. */
export interface EventBatch {
  /** How many there are more than before. */
  readonly rows: number;
  /** What is in no table yet, in the order in which rows name it. */
  readonly actors: readonly Actor[];
  /** Sources that are named for the first time, of which there are few: their numbers go on. */
  readonly sources: readonly Origin[];
  /** Of those rows that have one and another than the row before. */
  readonly facts: readonly unknown[];
}

/** In either table: what has not been named for longest gives way, and is said again. */
export const PLACES = 4096;

/** Of 32 bits, at the beginning. */
export const Head = { read: 0, held: 1 } as const;
const HEAD_BYTES = 64;

/** Of 32 bits each: the type with what is said of its fact, the buffer, the connection, who did it. */
export const COLUMNS = 4;

/**
 * What is said of a buffer, by row: the id as text, and its size for a date; the number of its source, that of its
 * handle type, and its owner as a row names who did something, with the format for a date (NaN: it has none).
 */
export const DESCRIPTION_ROWS = 2;
/** As many characters as the columns of a row have bytes; an id has 13 (broker/id.ts). */
export const MAX_ID = COLUMNS * 4;
export const HANDLE_TYPES: readonly HandleType[] = ['dma_buf', 'opaque_fd', 'memfd'];

/** Type × FACTS + one of these. */
export const FACTS = 4;
export const Fact = { none: 0, same: 1, next: 2 } as const;

/** In a column: nothing, the place in the table from 1 on, or, negative, of something that is new there. */
export const NOTHING = 0;

/** For a data plane and main. `rows`: a power of two. */
export const eventMemory = (rows = MAX_UNREAD_EVENTS): SharedArrayBuffer =>
  new SharedArrayBuffer(HEAD_BYTES + rows * (8 + COLUMNS * 4));

export class Rows {
  readonly count: number;
  readonly head: Int32Array;
  readonly dates: Float64Array;
  readonly columns: Int32Array;
  /** The columns as text. */
  readonly bytes: Uint8Array;

  constructor(memory: SharedArrayBuffer) {
    this.count = (memory.byteLength - HEAD_BYTES) / (8 + COLUMNS * 4);
    this.head = new Int32Array(memory, 0, HEAD_BYTES / 4);
    this.dates = new Float64Array(memory, HEAD_BYTES, this.count);
    const at = HEAD_BYTES + this.count * 8;
    this.columns = new Int32Array(memory, at, this.count * COLUMNS);
    this.bytes = new Uint8Array(memory, at, this.count * COLUMNS * 4);
  }
}
