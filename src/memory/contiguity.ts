/**
 * Whether a source's memory is physically contiguous, as devices without an IOMMU want it: what is known of it
 * by what the source is. The kernel tells it of no dma_buf.
 */
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

/**
 * The names of CMA heaps (Documentation/userspace-api/dma-buf-heaps.rst): `default_cma_region` since
 * Linux 6.17; before it, the region's own name (drivers/dma-buf/heaps/cma_heap.c): `reserved` from
 * the command line or the configuration, `linux,cma` or `default-pool` from the device tree. Vendors' heaps and
 * regions of a board say `cma` somewhere, or `contiguous`, as that document's convention has it.
 */
const CMA_NAMES = new Set(['reserved', 'linux,cma', 'default-pool', 'default_cma_region']);

export function isCmaHeap(name: Origin): boolean {
  const [kind, heap = ''] = name.split(':', 2);
  return kind === 'dma-heap' && (CMA_NAMES.has(heap) || /cma|contiguous/i.test(heap));
}

const SCATTERED = new Set<Origin>(['dma-heap:system', 'udmabuf', 'memfd']);

export function contiguityOf(name: Origin): Contiguity {
  if (isCmaHeap(name)) return 'yes';
  return SCATTERED.has(name) ? 'no' : 'unknown';
}
