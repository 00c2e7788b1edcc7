/** What a benchmark is, and what it yields: figures of rounds, never printed text. */

/** One figure in every round, of what is measured and, in turns with it, of what that is held against. */
export interface Row {
  /** What was asked: `redeem, 8 connections`. */
  readonly case: string;
  /** The figure and its unit: `p50 µs`. */
  readonly what: string;
  readonly better: Better;
  /** Who is measured, and whom that is held against, if anybody: heads of the table. */
  readonly sides: readonly [string, string?];
  /** One value a round. */
  readonly values: readonly number[];
  /** As many, of the other side; empty where there is none. */
  readonly against: readonly number[];
}

export type Better = 'less' | 'more' | 'neither';

/** How much of it is done. */
export interface Amount {
  readonly rounds: number;
  readonly requests: number;
}

export interface Options extends Amount {
  /** A number that a benchmark has beside these: `--buffers=10000`. */
  number(name: string, otherwise: number): number;
  /** A sentence that belongs below its table: what the figures were made with. */
  note(sentence: string): void;
}

/**
 * Where it runs. `host`: as root or anybody, with memfds. `guest`: where there are dma_bufs, with the field's
 * brokers beside. `gpu`: where a Vulkan device exports its memory as opaque_fd.
 */
export type Place = 'host' | 'guest' | 'gpu';

export interface Bench {
  readonly name: string;
  /** A heading: what is held against what. */
  readonly what: string;
  readonly place: Place;
  /** What a run of record does. */
  readonly amount: Amount;
  /** What `--quick` does; null where it leaves this one out, since less of it says nothing. */
  readonly quick: Amount | null;
  run(options: Options): Promise<Row[]>;
}

/** A benchmark that this machine cannot run, and why. */
export class Skipped extends Error {}
