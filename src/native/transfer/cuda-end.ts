/** The memories of a buffer as CUDA reaches them: what the cuda source has made, and mapped since. */
import type { MemoryReference } from '../../memory/work.js';
import type { CudaMemory } from '../cuda/memory.js';
import { bytesOf, entry, type Piece, partsOf, type Run } from './runs.js';

export interface CudaEnd {
  /** Which GPU it is: memories of one are copied to each other by it. */
  readonly uuid: string;
  /** Runs what uses the memories, and waits until it is done. Throws CudaLost when the device is lost by it. */
  run<T>(body: (memories: readonly CudaMemory[]) => T): T;
  close(): void;
}

export interface CudaReach {
  /** Null where it is not CUDA's memory, or is not reached any more. */
  open(reference: MemoryReference): CudaEnd | null;
}

/** The bytes of runs, one after the other: in memory that is this process's alone. */
export function takenByCuda(end: CudaEnd, runs: readonly Run[]): Buffer {
  const bytes = Buffer.allocUnsafe(bytesOf(runs));
  end.run((memories) => {
    for (const [{ source, sourceOffset }, part] of partsOf(runs, bytes))
      entry(memories, source).take(sourceOffset, part);
  });
  return bytes;
}

/** The other way round. */
export function putByCuda(end: CudaEnd, runs: readonly Run[], bytes: Buffer): void {
  end.run((memories) => {
    for (const [{ destination, destinationOffset }, part] of partsOf(runs, bytes))
      entry(memories, destination).put(destinationOffset, part);
  });
}

/** Between memories of one GPU. */
export function copyByCuda(from: CudaEnd, to: CudaEnd, runs: readonly Run[]): void {
  from.run((sources) =>
    to.run((destinations) => {
      for (const { source, sourceOffset, destination, destinationOffset, size } of runs) {
        const into = entry(destinations, destination);
        into.copy(destinationOffset, entry(sources, source), sourceOffset, size);
      }
    }),
  );
}

export function fillByCuda(end: CudaEnd, pieces: readonly Piece[], value: number): void {
  end.run((memories) => {
    for (const { memory, offset, size } of pieces)
      entry(memories, memory).fill(offset, size, value);
  });
}
