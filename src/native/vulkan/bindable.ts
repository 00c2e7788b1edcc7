/**
 * A linear image over memory that the same GPU's other driver has made, and that Vulkan imports as an OPAQUE_FD (CUDA's, by
 * its POSIX file descriptor): where its planes lie is asked before there is memory, and of memory whether the image can be
 * bound to it. Nothing of it stays: it shows to whoever gets the memory that the same can be done there.
 */
import { BrokerError, type ErrorCode, outOfFds } from '../../memory/errors.js';
import { knownFormat } from '../../memory/layout.js';
import type { PlaneLayout } from '../../memory/plane.js';
import type { ImageSpec, VulkanMemory } from '../../memory/source.js';
import type { Device } from './device.js';
import { vkFormatOf } from './formats.js';
import { bindImage, createImage, destroyImage, planeLayouts } from './image.js';
import { importOpaqueMemory } from './import.js';
import { VkMemoryPropertyFlagBits as Flag } from './layout.gen.js';
import { freeMemory } from './memory.js';
import { suitableTypes } from './memory-type.js';
import { hasWholeSamples } from './place-image.js';
import { imageRequirements } from './requirements.js';
import { imageSupport } from './support.js';
import { imageUsage } from './usage.js';

/** As the driver lays a linear image out. */
export interface BindableLayout {
  /** Bytes that the image needs. */
  readonly size: number;
  readonly planes: readonly PlaneLayout[];
  /** How the memory is imported for it. */
  readonly terms: VulkanMemory;
}

/** Not tried, since something has run out: that says nothing of other images, or of another time. */
export class NotTried extends Error {}

/** What a device says of images over memory that is not its own; each throws `device_lost`, and nothing else but where it says so. */
export interface BindableImages {
  /** A text: why there is no such image. */
  layout(spec: ImageSpec): BindableLayout | string;
  /** Why the image cannot be bound to memory of so many bytes; null where it can; throws NotTried. The fd stays the caller's. */
  problem(spec: ImageSpec, layout: BindableLayout, fd: number, bytes: number): string | null;
}

export function bindableImages(device: Device): BindableImages {
  return {
    layout: (spec) => said(() => layoutOf(device, spec)),
    problem: (spec, layout, fd, bytes) =>
      said(() => tried(() => problemOf(device, spec, layout, fd, bytes))),
  };
}

/** What is refused is an answer here. */
function said<T>(body: () => T): T | string {
  try {
    return body();
  } catch (error) {
    if (error instanceof BrokerError && error.code !== 'device_lost') return error.message;
    throw error;
  }
}

/** Memory, allocations of the device (maxMemoryAllocationCount), file descriptors. */
function tried<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    const ranOut = error instanceof BrokerError && RUN_OUT.has(error.code);
    throw ranOut ? new NotTried(error.message) : error;
  }
}

const RUN_OUT: ReadonlySet<ErrorCode> = new Set(['out_of_memory', outOfFds().code]);

/** VkImage with VK_IMAGE_TILING_LINEAR; a text: why the device has none that could be imported for. */
function imageOf(device: Device, spec: ImageSpec) {
  const { name } = device.physical;
  const { width, height } = spec;
  const format = knownFormat(spec.format);
  const vkFormat = vkFormatOf(format);
  if (vkFormat === null) return `${format.name} has no VkFormat`;
  // lavapipe says of each plane of NV12 that it is at 0 of the one memory: they would lie in each other.
  if (format.planes.length > 1) return `${format.name} has several planes`;
  if (!hasWholeSamples(format, spec)) return `${width}x${height} is no whole ${format.name}`;
  const usage = imageUsage(spec.usage);
  const handleType = 'opaque_fd';
  const support = imageSupport(device, { format: vkFormat, modifier: null, usage, handleType });
  if (support === null) return `${name} has no linear ${format.name} for this usage`;
  if (!support.importable)
    return `${name} imports no linear ${format.name}: externalMemoryFeatures 0x${support.flags.toString(16)}`;
  if (width > support.maxWidth || height > support.maxHeight)
    return `${name} has linear ${format.name} up to ${support.maxWidth}x${support.maxHeight}`;
  const request = { width, height, format: vkFormat, usage, modifiers: [], handleType } as const;
  const image = createImage(device, request);
  const planes = planeLayouts(device, image, format.planes.length, 'linear');
  return { image, planes, isAlone: support.dedicatedOnly };
}

function layoutOf(device: Device, spec: ImageSpec): BindableLayout | string {
  const made = imageOf(device, spec);
  if (typeof made === 'string') return made;
  const { image, planes, isAlone } = made;
  try {
    const needs = imageRequirements(device, image);
    const preferred = [Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT];
    const [type] = suitableTypes(device.memory.types, needs.types, { required: 0, preferred });
    if (type === undefined) return `${device.physical.name} has no memory type for it`;
    const terms = { memoryType: type.index, dedicated: isAlone || needs.requiresDedicated };
    return { size: Number(needs.size), planes, terms };
  } finally {
    destroyImage(device, image);
  }
}

function problemOf(
  device: Device,
  spec: ImageSpec,
  { size, planes, terms }: BindableLayout,
  fd: number,
  bytes: number,
): string | null {
  const made = imageOf(device, spec);
  if (typeof made === 'string') return made;
  const { image } = made;
  let memory = 0n;
  try {
    if (JSON.stringify(made.planes) !== JSON.stringify(planes))
      return `its planes are at ${JSON.stringify(made.planes)} now`;
    // VUID-VkMemoryDedicatedAllocateInfo-image-02964: of an image alone not a byte more than it needs.
    const { dedicated, memoryType } = terms;
    memory = importOpaqueMemory(device, fd, {
      size: BigInt(dedicated ? size : bytes),
      typeIndex: memoryType,
      ...(dedicated && { dedicated: { image } }),
    });
    bindImage(device, image, memory);
    return null;
  } finally {
    destroyImage(device, image);
    freeMemory(device, memory);
  }
}
