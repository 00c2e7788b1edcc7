/**
 * Little memory of the kernel's own sources, allocated by the data plane itself in the turn that asks for it:
 * waking the allocator, and being woken by it, costs several times what some pages do.
 *
 * Only what cannot take long: no CMA heap, which moves others' pages to make room; no heap that has to be
 * cleared here; nothing while memory is short, since the kernel would look for pages meanwhile (direct reclaim).
 *
 * Owns: its sources. The fds of an allocation are the receiver's.
 */
import { estimateOf } from '../../broker/quota/estimate.js';
import type { Choice } from '../../broker/request.js';
import { fromMessage, toMessage } from '../../memory/errors.js';
import { SMALL_BYTES, SMALL_PER_TURN } from '../../memory/limits.js';
import type { Result } from '../../memory/result.js';
import type { Allocation, MemorySource, SourceState } from '../../memory/source.js';
import { toEnd } from '../../memory/steps.js';
import { heapExporter } from '../../native/sources/dma-heap.js';
import { identifiedAllocation } from '../../native/sources/identified.js';
import { LinearSource } from '../../native/sources/linear.js';
import { isPlenty } from '../../native/sources/machine.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { udmabufExporter } from '../../native/sources/udmabuf.js';

/** By name: what is opened where the allocator has found that it works. */
const SOURCES: Readonly<Record<string, () => MemorySource>> = {
  memfd: () => new MemfdSource(),
  udmabuf: () => new LinearSource(udmabufExporter()),
  'dma-heap:system': () => new LinearSource(heapExporter('system')),
};

export class SmallAllocations {
  readonly #sources = new Map<string, MemorySource>();
  #left = SMALL_PER_TURN;

  /**
   * Throws where what the allocator could open cannot be opened here. `defect` is told what went wrong in it; the
   * client learns only that it did.
   */
  constructor(
    states: readonly SourceState[],
    private readonly defect: (stack: string) => void,
  ) {
    for (const { name, usable } of states) {
      const open = usable ? SOURCES[name] : undefined;
      if (open !== undefined) this.#sources.set(name, open());
    }
  }

  /** A turn begins. */
  turn(): void {
    this.#left = SMALL_PER_TURN;
  }

  /** The memory, or why there is none; null: it is for the allocator. */
  allocate(
    { source: name, handleType, device, spec }: Choice,
    id: string,
  ): Result<Allocation> | null {
    if (this.#left === 0 || device !== undefined) return null;
    const source = this.#sources.get(name);
    if (source === undefined || source.handleType !== handleType) return null;
    if (estimateOf(spec).bytes > SMALL_BYTES || !isPlenty(SMALL_BYTES)) return null;
    this.#left--;
    try {
      return toEnd(identifiedAllocation(source, spec, id));
    } catch (error) {
      const message = toMessage(error);
      if (message.defect !== undefined) this.defect(message.defect);
      return { error: fromMessage(message) };
    }
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }
}
