/**
 * Makes the Vulkan objects of one allocation: a buffer (here) or an image (place-image.ts), and
 * memory bound to it. What has been made is written into `Objects` as it is made, so that the caller
 * can undo it whenever something fails.
 */
import { alignUp } from '../../broker/alignment.js';
import { BrokerError } from '../../broker/errors.js';
import { type BufferSpec, Usage } from '../../broker/source.js';
import { bindBuffer, createBuffer, destroyBuffer } from './buffer.js';
import { jsonNumber } from './describe.js';
import type { Device } from './device.js';
import type { ModifierOffer } from './formats.js';
import { destroyImage, type PlaneLayout } from './image.js';
import { VkMemoryPropertyFlagBits as Flag } from './layout.gen.js';
import { allocateMemory, chooseMemoryType, freeMemory } from './memory.js';
import { type MemoryHeap, type MemoryType, memoryProperties } from './memory-properties.js';
import { bufferRequirements, type Requirements } from './requirements.js';
import { bufferSupport } from './support.js';
import { bufferUsage, needsCpu, type VulkanHandleType } from './usage.js';

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

/** What is known of memory once it stands. */
export interface PlacedMemory {
  readonly objects: Objects;
  readonly allocationSize: bigint;
  readonly type: MemoryType;
  readonly dedicated: boolean;
}

/** What is known of an allocation once it stands. */
export interface Placed {
  readonly memories: readonly PlacedMemory[];
  readonly modifier: bigint | null;
  /** `memory` is an index into `memories`. */
  readonly planes: readonly (PlaneLayout & { readonly memory: number })[];
}

/** Adds an entry for what is about to be made. */
export function newObjects(made: Objects[]): Objects {
  const objects: Objects = { buffer: 0n, image: 0n, memory: 0n };
  made.push(objects);
  return objects;
}

export interface Context {
  readonly device: Device;
  readonly handleType: VulkanHandleType;
  /** What `exportableFormats` found. */
  readonly offers: readonly ModifierOffer[];
  /** Memory that the CPU can map, whatever the usage. */
  readonly forceHostVisible: boolean;
  /** Bytes in one allocation where the exporter has a limit of its own, and what to say of it. */
  readonly exporterLimit: () => { readonly bytes: bigint; readonly hint: string } | null;
}

/** Linear memory; what is made is added to `made`. */
export function placeBuffer(context: Context, spec: BufferSpec, made: Objects[]): PlacedMemory {
  const { device, handleType } = context;
  const usage = bufferUsage(spec.usage);
  const support = bufferSupport(device, usage, handleType);
  if (!support.exportable) {
    throw new BrokerError('unsupported_usage', 'the device exports no buffer for this usage', {
      constraint: 'usage',
      requested: spec.usage,
    });
  }
  const size = BigInt(alignUp(spec.size, spec.alignment?.size ?? 1));
  // VUID-VkBufferCreateInfo-size-06409; what follows would only fail later.
  const { maxBufferSize } = device.physical.limits;
  if (maxBufferSize !== null && size > maxBufferSize) throw tooLarge(size, maxBufferSize);
  checkSize(context, size);

  const objects = newObjects(made);
  objects.buffer = createBuffer(device, size, usage, handleType);
  const needs = bufferRequirements(device, objects.buffer);
  // VUID-VkMemoryAllocateInfo-pNext-00639. Opaque memory of its own could be imported only with the
  // same VkBuffer, so that it is made dedicated only where it must be.
  const dedicated =
    support.dedicatedOnly ||
    needs.requiresDedicated ||
    (needs.prefersDedicated && handleType === 'dma_buf');
  const alone = dedicated ? { buffer: objects.buffer } : undefined;
  const memory = allocate(context, needs, spec.usage, alone, objects);
  bindBuffer(device, objects.buffer, objects.memory);
  return memory;
}

export const usageNames = (usage: number) =>
  Object.entries(Usage)
    .filter(([, bit]) => (usage & bit) !== 0)
    .map(([name]) => name);

export function tooLarge(requested: bigint, possible: bigint, hint = ''): BrokerError {
  return new BrokerError(
    'too_large',
    `${requested} bytes are more than the device allocates at once (${possible})${hint}`,
    {
      constraint: 'size',
      requested: jsonNumber(requested),
      possible: jsonNumber(possible),
    },
  );
}

/**
 * Sizes that cannot work are refused before the driver is asked: it may answer with anything, and
 * lavapipe loses a file descriptor each time that udmabuf refuses one.
 * VUID-vkAllocateMemory-pAllocateInfo-01713: no allocation is larger than its heap.
 */
function checkSize({ exporterLimit }: Context, size: bigint, heap?: MemoryHeap): void {
  const limit = exporterLimit();
  if (limit && size > limit.bytes) throw tooLarge(size, limit.bytes, limit.hint);
  if (heap && size > heap.size) throw tooLarge(size, heap.size);
}

/** Allocates exportable memory of a type that suits the usage. */
export function allocate(
  context: Context,
  needs: Requirements,
  usage: number,
  dedicated: { image?: bigint; buffer?: bigint } | undefined,
  made: Objects,
): PlacedMemory {
  const { device, handleType, forceHostVisible } = context;
  const { heaps, types } = memoryProperties(device);
  const mapped = forceHostVisible || needsCpu(usage);
  const type = chooseMemoryType(types, needs.types, {
    required: mapped ? Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT : 0,
    preferred: [
      ...((usage & Usage.cpuRead) !== 0 ? [Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT] : []),
      ...(mapped ? [Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT] : []),
      Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
    ],
  });
  if (!type) {
    throw new BrokerError('unsupported_usage', 'the CPU cannot reach any memory for this', {
      constraint: 'usage',
      requested: usageNames(usage),
    });
  }
  // Dedicated memory has the size that was asked for (VUID-VkMemoryDedicatedAllocateInfo-image-02964,
  // -buffer-02965); other memory whole pages, so that no tail is left when it is cleared by words.
  const size = dedicated ? needs.size : wholePages(needs.size);
  checkSize(context, size, heaps[type.heap]);
  try {
    made.memory = allocateMemory(device, {
      size,
      typeIndex: type.index,
      exported: handleType,
      ...(dedicated && { dedicated }),
    });
  } catch (error) {
    throw tooLargeAfterAll(device, size, error);
  }
  return { objects: made, allocationSize: size, type, dedicated: dedicated !== undefined };
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
