/**
 * Whether a source's memory is physically contiguous, as devices without an IOMMU want it: what is known of it
 * by what the source is. The kernel tells it of no dma_buf.
 */
import { isRegion } from './heaps.js';
import type { Origin } from './source.js';

/**
 * - yes: a CMA heap allocates with cma_alloc(), one run of pages (drivers/dma-buf/heaps/cma_heap.c).
 * - no: the system heap takes pages of several orders where they are free (system_heap.c); memfds and
 *   udmabufs have shmem's pages, one by one. That one page or a happy accident is contiguous is no promise.
 * - unknown: no VkMemoryPropertyFlagBits and no CUmemAllocationProp says it, so that some driver's memory is
 *   (a GPU without an MMU of its own) and others' is not. A vendor's heap may have a carveout, or pages. Nor is it
 *   known of what a client has brought.
 */
export type Contiguity = 'yes' | 'no' | 'unknown';

export function isCmaHeap(name: Origin): boolean {
  const [kind, heap = ''] = name.split(':', 2);
  return kind === 'dma-heap' && isRegion(heap);
}

const SCATTERED = new Set<Origin>(['dma-heap:system', 'udmabuf', 'memfd']);

export function contiguityOf(name: Origin): Contiguity {
  if (isCmaHeap(name)) return 'yes';
  return SCATTERED.has(name) ? 'no' : 'unknown';
}
