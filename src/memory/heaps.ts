/**
 * The kernel's own DMA heaps by their names (Documentation/userspace-api/dma-buf-heaps.rst): what is known of a heap's
 * memory by what the heap is called. A dma_buf of one has the heap's name for its exporter (dma_heap_get_name), too.
 */

/** Ordinary pages, with __GFP_ZERO (drivers/dma-buf/heaps/system_heap.c). */
const SYSTEM = 'system';

/** The default region of contiguous memory since Linux 6.17. */
export const DEFAULT_REGION = 'default_cma_region';

/**
 * What the default region was called before, by its own name (cma_heap.c), under which it is there beside the newer one:
 * `reserved` where the command line or the configuration made it, `linux,cma` or `default-pool` in device trees.
 */
export const FORMER_NAMES: readonly string[] = ['reserved', 'linux,cma', 'default-pool'];

const CMA = new Set([DEFAULT_REGION, ...FORMER_NAMES]);

/**
 * Whether it is one of the mainline kernel's. Those hand out zeroed memory (`system` as above, CMA heaps clear theirs:
 * "Clear the cma pages"), and it lives exactly as long as the dma_buf. The uapi promises nothing of a vendor's.
 */
export const isMainline = (heap: string): boolean => heap === SYSTEM || CMA.has(heap);

/**
 * Whether it is a region of contiguous memory. Vendors' heaps and regions of a board say `cma` somewhere, or `contiguous`, as
 * that document's convention has it.
 */
export const isRegion = (heap: string): boolean => CMA.has(heap) || /cma|contiguous/i.test(heap);
