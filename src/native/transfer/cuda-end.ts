/** The memories of a buffer as CUDA reaches them: what the cuda source has made, and mapped since. */
import type { MemoryReference } from '../../memory/work.js';
import type { CudaMemory } from '../cuda/memory.js';

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
