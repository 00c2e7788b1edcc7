/**
 * The bytes of a buffer that work is about: ranges of linear memory, rows of images, and the regions of a copy.
 */
import type { PlaneLayout } from './plane.js';
import type { Allocation, MemorySpec } from './source.js';

/** A buffer as work sees it. */
export interface Side {
  readonly spec: MemorySpec;
  readonly allocation: Allocation;
}

/** Bytes that are there. */
export interface Range {
  readonly offset: number;
  readonly size: number;
}

/** Where a run of rows lies: in the memory of that plane, whose start `offset` counts from. */
export interface Place extends PlaneLayout {
  readonly plane: number;
}

/** `rows` runs of `bytes` bytes each, in the memory of a plane. */
export interface Rows extends Place {
  readonly bytes: number;
  readonly rows: number;
}

/** What is filled or read: bytes that count through all memories, one after the other, or rows. */
export type Extent = Range | readonly Rows[];

/** `rows` runs of `bytes` bytes each. */
export interface Region {
  readonly source: Place;
  readonly destination: Place;
  readonly bytes: number;
  readonly rows: number;
}

/** `memories`: every memory from its start, as far as both reach (layouts that only a driver knows). */
export type CopyPlan = readonly Region[] | 'memories';
