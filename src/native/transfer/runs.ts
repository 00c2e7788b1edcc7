/**
 * A copy as contiguous runs of bytes between memories, in batches of a size that staging memory and
 * command buffers can take. Pure.
 */
import { BrokerError } from '../../memory/errors.js';
import type { CopyPlan, Extent, Range, Rows } from '../../memory/region.js';

import type { Memories } from './ends.js';

export interface Run {
  /** Indices of memories. */
  readonly source: number;
  readonly sourceOffset: number;
  readonly destination: number;
  readonly destinationOffset: number;
  readonly size: number;
}

/** The runs of a plan; throws where one does not lie in its memories. */
export function* runsOf(plan: CopyPlan, source: Memories, destination: Memories): Generator<Run> {
  if (plan === 'memories') {
    if (source.ofPlane.join() !== destination.ofPlane.join()) {
      throw new BrokerError('invalid_argument', 'the planes share their memories differently', {
        constraint: 'planes',
        requested: source.ofPlane,
        possible: destination.ofPlane,
      });
    }
    for (const [index, { size }] of source.all.entries()) {
      const common = Math.min(size, destination.all[index]?.size ?? 0);
      const run = { source: index, sourceOffset: 0, destination: index, destinationOffset: 0 };
      yield { ...run, size: common };
    }
    return;
  }
  for (const { source: from, destination: to, bytes, rows } of plan) {
    for (let row = 0; row < rows; row++) {
      const run = {
        source: source.ofPlane[from.plane] ?? -1,
        sourceOffset: from.offset + row * from.stride,
        destination: destination.ofPlane[to.plane] ?? -1,
        destinationOffset: to.offset + row * to.stride,
        size: bytes,
      };
      checkWithin(source, run.source, run.sourceOffset + bytes);
      checkWithin(destination, run.destination, run.destinationOffset + bytes);
      yield run;
    }
  }
}

function checkWithin({ all }: Memories, index: number, end: number): void {
  const size = all[index]?.size ?? 0;
  if (end <= size) return;
  throw new BrokerError('internal', `a run ends at ${end}, its memory at ${size}`);
}

/** The pieces of what is filled or read. */
export function* piecesOf(extent: Extent, memories: Memories): Generator<Piece> {
  if (!('size' in extent)) {
    for (const rows of extent) yield* piecesOfRows(rows, memories);
    return;
  }
  yield* piecesOfRange(extent, memories);
}

function* piecesOfRows(rows: Rows, memories: Memories): Generator<Piece> {
  const memory = memories.ofPlane[rows.plane] ?? -1;
  for (let row = 0; row < rows.rows; row++) {
    const offset = rows.offset + row * rows.stride;
    checkWithin(memories, memory, offset + rows.bytes);
    yield { memory, offset, size: rows.bytes };
  }
}

/** A range counts through all memories, one after the other. */
function* piecesOfRange({ offset, size }: Range, { all }: Memories): Generator<Piece> {
  let start = 0;
  let left = size;
  for (const [memory, { size: bytes }] of all.entries()) {
    const from = Math.max(offset - start, 0);
    const piece = Math.min(left, bytes - from);
    if (piece > 0) {
      yield { memory, offset: from, size: piece };
      left -= piece;
    }
    start += bytes;
  }
  if (left > 0) throw new BrokerError('internal', `a range ends ${left} bytes behind its memories`);
}

export interface Piece {
  readonly memory: number;
  readonly offset: number;
  readonly size: number;
}

/** Runs of at most `bytes` bytes and `count` in number; a longer run is cut. */
export function* batches(runs: Iterable<Run>, bytes: number, count: number): Generator<Run[]> {
  let batch: Run[] = [];
  let room = bytes;
  for (const run of runs) {
    for (let at = 0; at < run.size; ) {
      const size = Math.min(run.size - at, room);
      batch.push({
        ...run,
        sourceOffset: run.sourceOffset + at,
        destinationOffset: run.destinationOffset + at,
        size,
      });
      at += size;
      room -= size;
      if (room > 0 && batch.length < count) continue;
      yield batch;
      batch = [];
      room = bytes;
    }
  }
  if (batch.length > 0) yield batch;
}

export const bytesOf = (runs: readonly Run[]) => runs.reduce((sum, { size }) => sum + size, 0);

/** Each run with its part of the bytes of all. */
export function* partsOf(runs: readonly Run[], bytes: Buffer): Generator<[Run, Buffer]> {
  let at = 0;
  for (const run of runs) {
    yield [run, bytes.subarray(at, at + run.size)];
    at += run.size;
  }
}

/** What there is of a memory. */
export function entry<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no memory ${index}`);
  return found;
}
