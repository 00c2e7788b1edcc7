/** Which sources may serve a request, and which of them first. */
import { contiguityOf, isCmaHeap } from '../memory/contiguity.js';
import { MOD_LINEAR } from '../memory/fourcc.js';
import {
  type FormatOffer,
  type MemorySpec,
  type SourceName,
  type SourceState,
  Usage,
} from '../memory/source.js';

/** Whether a source may have memory there; which types a device has, only its source knows. */
export function servesPlacement({ name }: SourceState, { placement = 'any' }: MemorySpec): boolean {
  if (name === 'cuda') return placement === 'any' || placement === 'device_local';
  return placement !== 'device_local' || name === 'vulkan';
}

/** Whether its memory is as contiguous as it must be. */
export function servesContiguous({ name }: SourceState, { contiguous }: MemorySpec): boolean {
  return contiguous !== 'required' || contiguityOf(name) === 'yes';
}

/** Whether it may have memory for that: what CUDA exports the CPU cannot map. */
export function servesUsage({ name }: SourceState, { usage }: MemorySpec): boolean {
  return name !== 'cuda' || (usage & (Usage.cpuRead | Usage.cpuWrite)) === 0;
}

/**
 * The sources in order of preference for a request. What it is for changes the order they come in, and only where the
 * request names no source, but that contiguous memory, where that is preferred, comes before all. Scanout: what the
 * driver itself makes stays first (an image of a modifier that the client takes, or a linear buffer); where all
 * others would lay out linear memory, a CMA heap goes before them, since many displays read physically contiguous
 * memory alone. An image: CUDA's memory, of which no driver makes one and which few importers take, comes after all
 * that is asked of it. A source whose memory a display has refused for such an image comes after the others, whatever
 * else is said.
 */
export function inOrder(
  sources: readonly SourceState[],
  spec: MemorySpec,
  offers: readonly FormatOffer[],
  named: boolean,
  refused: ReadonlySet<SourceName> = NONE,
): readonly SourceState[] {
  const ordered = inOrderOfUse(sources, spec, offers, named);
  const all = spec.contiguous === 'preferred' ? contiguousFirst(ordered) : ordered;
  if (refused.size === 0) return all;
  const rank = ({ name }: SourceState) => (refused.has(name) ? 1 : 0);
  return all.toSorted((a, b) => rank(a) - rank(b));
}

const NONE: ReadonlySet<SourceName> = new Set();

function contiguousFirst(sources: readonly SourceState[]): readonly SourceState[] {
  const rank = ({ name }: SourceState) => (contiguityOf(name) === 'yes' ? 0 : 1);
  return sources.toSorted((a, b) => rank(a) - rank(b));
}

function inOrderOfUse(
  sources: readonly SourceState[],
  spec: MemorySpec,
  offers: readonly FormatOffer[],
  named: boolean,
): readonly SourceState[] {
  if (named) return sources;
  const scanout = (spec.usage & Usage.scanout) !== 0;
  if (!scanout && spec.kind === 'buffer') return sources;
  if (spec.kind === 'image' && !spec.modifiers.includes(MOD_LINEAR)) return sources;
  const rank = (source: SourceState) => {
    if (source.name === 'cuda') return 3;
    if (!scanout || byDriver(source, spec, offers)) return 0;
    return isCmaHeap(source.name) ? 1 : 2;
  };
  return sources.toSorted((a, b) => rank(a) - rank(b));
}

function byDriver(
  { name, handleType }: SourceState,
  spec: MemorySpec,
  offers: readonly FormatOffer[],
): boolean {
  if (name !== 'vulkan') return false;
  if (spec.kind === 'buffer') return handleType === 'dma_buf';
  return offers.some(
    (offer) =>
      offer.source === name &&
      offer.handleType === handleType &&
      offer.made === 'image' &&
      offer.format === spec.format &&
      spec.modifiers.includes(offer.modifier),
  );
}
