/** What work is going to touch: memories by their names, and the fences that it must wait for. */
import { NOTHING_KEPT } from '../../memory/source.js';
import type { MemoryReference, Work } from '../../memory/work.js';
import { type Fence, pendingFence } from '../fences.js';
import { memoriesOf, opaqueName } from './ends.js';

export interface Claims {
  /** As in `Memory`. */
  readonly names: readonly string[];
  /** The receiver's to close. */
  readonly fences: readonly Fence[];
}

/** The fds of the work stay the caller's, and open as long as the fences. */
export function claimsOf(work: Work): Claims {
  const names: string[] = [];
  const fences: Fence[] = [];
  const claim = (reference: MemoryReference, access: 'read' | 'write') => {
    for (const { fd, name } of memoriesOf(reference).all) {
      names.push(name);
      // Work reaches it by what its source keeps under its key, which a release takes away.
      if (reference.origin === 'cuda' && reference.key !== NOTHING_KEPT)
        names.push(opaqueName(reference.key));
      if (reference.handleType !== 'dma_buf') continue;
      const fence = pendingFence(fd, access);
      if (fence !== null) fences.push(fence);
    }
  };
  try {
    if (work.kind !== 'fill') claim(work.source, 'read');
    if (work.kind !== 'read') claim(work.destination, 'write');
    return { names, fences };
  } catch (error) {
    for (const fence of fences) fence.close();
    throw error;
  }
}

/** The claim of who frees what work finds by its key: of an opaque fd, and of CUDA's memory; all else it finds by fds. */
export const claimsOfKey = (key: number): Claims => ({ names: [opaqueName(key)], fences: [] });
