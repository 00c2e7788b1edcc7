/**
 * Makes the Vulkan objects of one allocation in two halves: `plan…` makes a buffer (here) or an image
 * (place-image.ts) and chooses its memory, `allocatePlanned` allocates and binds it. A dry run is the
 * first half alone. What has been made is noted in the `Draft` as it is made, so that the caller can
 * undo it whenever something fails.
 */
import { alignUp } from '../../memory/alignment.js';
import { BrokerError } from '../../memory/errors.js';
import type { PlanePlace } from '../../memory/plane.js';
import type { BufferSpec } from '../../memory/source.js';
import { usageNames } from '../../memory/usage.js';
import type { MemoryLimit } from '../udmabuf-limits.js';
import { bindBuffer, createBuffer, destroyBuffer } from './buffer.js';
import type { Device } from './device.js';
import type { ModifierOffer } from './formats.js';
import { bindImage, destroyImage } from './image.js';
import { allocateMemory, checkCount, freeMemory } from './memory.js';
import type { MemoryType } from './memory-properties.js';
import { noType, type Purpose, suitableTypes, tooLarge, wishFor, withRoom } from './memory-type.js';
import { bufferRequirements, type Requirements } from './requirements.js';
import { bufferSupport } from './support.js';
import { bufferUsage, type VulkanHandleType } from './usage.js';

/** Null handles (0n) where there is none. */
export interface Objects {
  buffer: bigint;
  image: bigint;
  memory: bigint;
}

/** Destroys what is there, the resource before its memory. */
export function destroyObjects(device: Device, objects: Objects): void {
  destroyImage(device, objects.image);
  destroyBuffer(device, objects.buffer);
  freeMemory(device, objects.memory);
}

/** What an allocation has made so far. */
export class Draft {
  readonly made: Objects[] = [];
  /** Bytes that its memories will take of each heap, by index. */
  readonly planned = new Map<number, bigint>();

  /** Adds an entry for what is about to be made. */
  add(): Objects {
    const objects: Objects = { buffer: 0n, image: 0n, memory: 0n };
    this.made.push(objects);
    return objects;
  }

  /** Destroys everything that was made. */
  destroy(device: Device): void {
    for (const objects of this.made.splice(0)) destroyObjects(device, objects);
  }
}

/** A resource with the memory that it is to have (`objects.memory` is null) or has. */
export interface PlacedMemory {
  readonly objects: Objects;
  readonly allocationSize: bigint;
  readonly type: MemoryType;
  readonly dedicated: boolean;
}

/** What is known of an allocation once it is planned. */
export interface Placed {
  readonly memories: readonly PlacedMemory[];
  readonly modifier: bigint | null;
  /** `memory` is an index into `memories`. */
  readonly planes: readonly PlanePlace[];
}

export interface Context {
  readonly device: Device;
  readonly handleType: VulkanHandleType;
  /** What `exportableFormats` found. */
  readonly offers: readonly ModifierOffer[];
  /** Memory that the CPU can map, whatever the usage. */
  readonly forceHostVisible: boolean;
  /** Bytes in one allocation where the exporter has a limit of its own, and what to say of it. */
  readonly exporterLimit: () => MemoryLimit | null;
}

/** Linear memory. */
export function planBuffer(context: Context, spec: BufferSpec, draft: Draft): PlacedMemory {
  const { device, handleType } = context;
  const usage = bufferUsage(spec.usage);
  const support = bufferSupport(device, usage, handleType);
  if (!support.exportable) {
    throw new BrokerError('unsupported_usage', 'the device exports no buffer for this usage', {
      constraint: 'usage',
      requested: usageNames(spec.usage),
    });
  }
  const size = BigInt(alignUp(spec.size, spec.alignment?.size ?? 1));
  // VUID-VkBufferCreateInfo-size-06409; what follows would only fail later.
  const { maxBufferSize } = device.physical.limits;
  if (maxBufferSize !== null && size > maxBufferSize) throw tooLarge(size, maxBufferSize);
  checkSize(context, size);

  const objects = draft.add();
  objects.buffer = createBuffer(device, size, usage, handleType);
  const needs = bufferRequirements(device, objects.buffer);
  // VUID-VkMemoryAllocateInfo-pNext-00639. Opaque memory of its own could be imported only with the
  // same VkBuffer, so that it is made dedicated only where it must be.
  const dedicated =
    support.dedicatedOnly ||
    needs.requiresDedicated ||
    (needs.prefersDedicated && handleType === 'dma_buf');
  return planMemory(context, { needs, purpose: spec, dedicated, objects }, draft);
}

/**
 * Sizes that cannot work are refused before the driver is asked: it may answer with anything, and
 * lavapipe loses a file descriptor each time that udmabuf refuses one.
 */
function checkSize({ exporterLimit }: Context, size: bigint): void {
  const limit = exporterLimit();
  if (limit && size > limit.bytes) throw tooLarge(size, BigInt(limit.bytes), `: ${limit.reason}`);
}

/** A resource that was made, and what is wanted of its memory. */
export interface ToPlace {
  readonly needs: Requirements;
  readonly purpose: Purpose;
  /** For it alone (VkMemoryDedicatedAllocateInfo). */
  readonly dedicated: boolean;
  readonly objects: Objects;
}

/** Chooses the memory of a resource. */
export function planMemory(
  context: Context,
  { needs, purpose, dedicated, objects }: ToPlace,
  draft: Draft,
): PlacedMemory {
  const { device } = context;
  const { heaps, types } = device.memory;
  const wish = wishFor(purpose, context.forceHostVisible);
  const suitable = suitableTypes(types, needs.types, wish);
  if (suitable.length === 0) throw noType(types, needs.types, purpose);
  // Dedicated memory has the size that was asked for (VUID-VkMemoryDedicatedAllocateInfo-image-02964,
  // -buffer-02965); other memory whole pages, so that no tail is left when it is cleared by words.
  const size = dedicated ? needs.size : wholePages(needs.size);
  checkSize(context, size);
  checkCount(device, draft.made.length);
  const budgets = device.heapBudgets?.read() ?? null;
  const { planned } = draft;
  const promised = device.physical.limits.maxAllocationSize;
  const type = withRoom(suitable, size, { heaps, budgets, planned, promised });
  draft.planned.set(type.heap, (draft.planned.get(type.heap) ?? 0n) + size);
  return { objects, allocationSize: size, type, dedicated };
}

/** Allocates exportable memory as it was planned, and binds the resource to it. */
export function allocatePlanned(
  { device, handleType }: Context,
  { objects, allocationSize, type, dedicated }: PlacedMemory,
): void {
  const { image, buffer } = objects;
  try {
    objects.memory = allocateMemory(device, {
      size: allocationSize,
      typeIndex: type.index,
      exported: handleType,
      ...(dedicated && { dedicated: image === 0n ? { buffer } : { image } }),
    });
  } catch (error) {
    throw tooLargeAfterAll(device, allocationSize, error);
  }
  if (image === 0n) bindBuffer(device, buffer, objects.memory);
  else bindImage(device, image, objects.memory);
}

/**
 * maxMemoryAllocationSize is what is promised; more may work (NVIDIA promises 4 GiB and gives 8), and
 * where it does not the answer must be VK_ERROR_OUT_OF_DEVICE_MEMORY (vkAllocateMemory).
 */
function tooLargeAfterAll(device: Device, size: bigint, error: unknown): unknown {
  const { maxAllocationSize } = device.physical.limits;
  const outOfMemory = error instanceof BrokerError && error.code === 'out_of_memory';
  return outOfMemory && size > maxAllocationSize ? tooLarge(size, maxAllocationSize) : error;
}

const PAGE = 4096n;
const wholePages = (size: bigint) => ((size + PAGE - 1n) / PAGE) * PAGE;
