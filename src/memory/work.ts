/**
 * Work on the content of buffers: what a client may ask for and what is then done, in words that say
 * nothing of devices. Pure: offsets are judged here, whoever moves the bytes only moves them.
 */

import { alignUp } from './alignment.js';
import { BrokerError } from './errors.js';
import { MAX_READ_SIZE } from './limits.js';
import type { Constraint } from './refusal-words.js';
import type { CopyPlan, Extent, Range, Side } from './region.js';
import { isImportedImage, partOf, rowsOf, spansOf } from './registered.js';
import { type HandleType, NOTHING_KEPT, type Origin, type VulkanMemory } from './source.js';

/** Bytes as a client names them, 64 bits each; size 0: up to the end. */
export interface RangeRequest {
  readonly offset: bigint;
  readonly size: bigint;
}

/** How whoever moves the bytes finds them. The fds stay the broker's. */
export interface MemoryReference {
  readonly origin: Origin;
  readonly handleType: HandleType;
  readonly key: number;
  /** As in Allocation. */
  readonly device: string | null;
  /** One a plane; several may be of one memory. */
  readonly fds: readonly number[];
  /** Bytes of the VkBuffer, for an opaque fd: nothing else tells. */
  readonly size: number;
  /** How an opaque fd that an earlier daemon has made is imported; absent for all others. */
  readonly again?: OpaqueTerms;
  /** Of a dma_buf of CUDA's that an earlier daemon has made: the POSIX file descriptor of the same memory. */
  readonly posix?: number;
}

/** What the spec demands of whoever imports an opaque fd (VUID-VkMemoryAllocateInfo-allocationSize-01742). */
export interface OpaqueTerms extends VulkanMemory {
  /** allocationSize */
  readonly bytes: number;
  /** The buffer's, as the broker has it: dedicated memory is for a buffer of the same parameters. */
  readonly usage: number;
}

export type Work =
  | {
      readonly kind: 'copy';
      readonly source: MemoryReference;
      readonly destination: MemoryReference;
      readonly plan: CopyPlan;
    }
  | {
      readonly kind: 'fill';
      readonly destination: MemoryReference;
      readonly extent: Extent;
      /** 32 bits, in the host's byte order. */
      readonly value: number;
    }
  | {
      readonly kind: 'read';
      readonly source: MemoryReference;
      readonly extent: Extent;
      /** Bytes of all that is read. */
      readonly size: number;
    };

/** Who moved the bytes. */
export type WorkPath = 'device' | 'cpu';

export interface WorkDone {
  readonly path: WorkPath;
  /** What was read, in a sealed memfd that is the receiver's to close. */
  readonly content: { readonly fd: number; readonly size: number } | null;
}

export function referenceTo(side: Side): MemoryReference {
  const { source: origin, handleType, key, device = null, planes } = side.allocation;
  const { start, length } = extent(side);
  const fds = planes.map(({ fd }) => fd);
  const posix = posixOf(side.allocation);
  if (posix !== null)
    return { origin, handleType, key, device, fds, size: start + length, posix, ...againOf(side) };
  return { origin, handleType, key, device, fds, size: start + length, ...againOf(side) };
}

/** What CUDA takes of memory that an earlier daemon has made as a dma_buf, too, which nobody imports. */
function posixOf({ source, key, faces, memories }: Side['allocation']): number | null {
  if (source !== 'cuda' || key !== NOTHING_KEPT || memories.length !== 1) return null;
  return faces?.find(({ handleType }) => handleType === 'opaque_fd')?.fds[0] ?? null;
}

function againOf({ spec, allocation }: Side): { readonly again?: OpaqueTerms } {
  const { handleType, vulkan, key, memories } = allocation;
  if (key !== NOTHING_KEPT || vulkan === undefined || handleType !== 'opaque_fd') return {};
  return { again: { ...vulkan, bytes: memories[0] ?? 0, usage: spec.usage } };
}

/**
 * The bytes that a client may name. Linear memory: all of it; of an import the part that was
 * registered, of an opaque fd what was asked for (the VkBuffer does not reach further). An image: all
 * of its memories; an imported one has less of them (registered.ts).
 */
export function extent({ spec, allocation }: Side): { start: number; length: number } {
  if (spec.kind === 'image') return { start: 0, length: allocation.size };
  const start = allocation.planes[0]?.offset ?? 0;
  if (allocation.source === 'import') return { start, length: spec.size };
  const whole = allocation.handleType !== 'opaque_fd';
  return { start, length: whole ? allocation.size : alignUp(spec.size, spec.alignment?.size ?? 1) };
}

const WORD = 4;

function refuse(constraint: Constraint, message: string, requested: bigint, max: number): never {
  throw new BrokerError('invalid_argument', message, {
    constraint,
    requested: requested <= Number.MAX_SAFE_INTEGER ? Number(requested) : requested.toString(),
    possible: { max },
  });
}

/** Resolves a range within `length` bytes; the names are the request's fields. */
export function checkRange(
  { offset, size }: RangeRequest,
  length: number,
  names: { readonly offset: Constraint; readonly size: Constraint } = {
    offset: 'offset',
    size: 'size',
  },
): Range {
  // 64 bits each: as numbers, their sum would be rounded.
  if (offset >= BigInt(length))
    refuse(names.offset, `there are ${length} bytes`, offset, length - 1);
  const rest = length - Number(offset);
  if (size > BigInt(rest))
    refuse(names.size, `there are ${rest} bytes from the offset on`, size, rest);
  return { offset: Number(offset), size: size === 0n ? rest : Number(size) };
}

/** Images are filled whole: what a range of them means depends on the layout. */
export function planFill(side: Side, request: RangeRequest): Extent {
  if (side.spec.kind === 'image') {
    if (request.offset !== 0n) refuse('offset', 'an image is filled whole', request.offset, 0);
    if (request.size !== 0n) refuse('size', 'an image is filled whole', request.size, 0);
  }
  if (isImportedImage(side)) {
    const rows = rowsOf(side);
    for (const { plane, offset, stride, bytes } of rows) {
      checkWords(`planes.${plane}.offset`, offset);
      checkWords(`planes.${plane}.stride`, stride);
      checkWords('width', bytes);
    }
    return rows;
  }
  const { start, length } = extent(side);
  const range = checkRange(request, length);
  checkWords('offset', start + range.offset);
  checkWords('size', range.size);
  return { offset: start + range.offset, size: range.size };
}

function checkWords(constraint: Constraint, value: number): void {
  if (value % WORD === 0) return;
  throw new BrokerError('invalid_argument', `memory is filled by words of ${WORD} bytes`, {
    constraint,
    requested: value,
    possible: { multiple_of: WORD },
  });
}

/** What is read, and how many bytes that are. */
export function planRead(side: Side, request: RangeRequest): { extent: Extent; size: number } {
  if (isImportedImage(side)) {
    const spans = spansOf(side);
    const length = spans.reduce((sum, { bytes }) => sum + bytes, 0);
    const { offset, size } = readable(request, length);
    return { extent: partOf(spans, offset, size), size };
  }
  const { start, length } = extent(side);
  const { offset, size } = readable(request, length);
  return { extent: { offset: start + offset, size }, size };
}

function readable(request: RangeRequest, length: number): Range {
  const { offset, size } = checkRange(request, length);
  if (size > MAX_READ_SIZE) {
    throw new BrokerError('too_large', `at most ${MAX_READ_SIZE} bytes are read at once`, {
      constraint: 'size',
      requested: size,
      possible: { max: MAX_READ_SIZE },
    });
  }
  return { offset, size };
}
