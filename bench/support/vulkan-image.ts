/**
 * A Vulkan device of this process that writes a picture into a linear image over imported memory, with nothing of the
 * daemon's: what a client does with what it was told of an image. Of formats with one plane of four bytes a pixel.
 *
 * Owns: the device and all that is made of it, until the picture is written.
 */
import { addressOf, callLong, symbol } from '../../src/native/ffi.js';
import { duplicate } from '../../src/native/libc/fd.js';
import { bindBuffer, createBuffer, destroyBuffer } from '../../src/native/vulkan/buffer.js';
import { outHandle } from '../../src/native/vulkan/call.js';
import type { Device } from '../../src/native/vulkan/device.js';
import { modifiersOf } from '../../src/native/vulkan/formats.js';
import {
  bindImage,
  createImage,
  destroyImage,
  planeLayouts,
} from '../../src/native/vulkan/image.js';
import {
  VkAccessFlagBits as Access,
  VkImageAspectFlagBits as Aspect,
  constants,
  VkMemoryPropertyFlagBits as Flag,
  VkImageLayout as Layout,
  VkPipelineStageFlagBits as Stage,
  VkBufferImageCopy,
  VkBufferUsageFlagBits,
  VkFormat,
  VkImageMemoryBarrier,
  VkImageUsageFlagBits,
} from '../../src/native/vulkan/layout.gen.js';
import { allocateMemory, freeMemory } from '../../src/native/vulkan/memory.js';
import { suitableTypes } from '../../src/native/vulkan/memory-type.js';
import { openDevice } from '../../src/native/vulkan/open.js';
import { bufferRequirements, imageRequirements } from '../../src/native/vulkan/requirements.js';
import { write } from '../../src/native/vulkan/struct.js';
import { imageSupport } from '../../src/native/vulkan/support.js';

export interface SharedImage {
  /** An opaque_fd, which stays the caller's. */
  readonly fd: number;
  /** Bytes of the memory. */
  readonly size: number;
  readonly width: number;
  readonly height: number;
  /** Of the one plane. */
  readonly offset: number;
  readonly stride: number;
  /** How it is imported. */
  readonly memoryType: number;
  readonly dedicated: boolean;
}

const BYTES = 4;
const memcpy = symbol('memcpy');

/** Every byte another one than its neighbours, and than a shifted picture's. */
export function picture({ width, height }: Pick<SharedImage, 'width' | 'height'>, seed: number) {
  const bytes = Buffer.alloc(width * height * BYTES);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff;
  return bytes;
}

/** Where memory with the image differs from a picture, padding aside; null: nowhere. */
export function differs(
  memory: Buffer,
  { width, height, offset, stride }: SharedImage,
  wanted: Buffer,
): string | null {
  const row = width * BYTES;
  for (let y = 0; y < height; y++) {
    const found = memory.subarray(offset + y * stride, offset + y * stride + row);
    const expected = wanted.subarray(y * row, (y + 1) * row);
    if (found.equals(expected)) continue;
    const x = expected.findIndex((byte, i) => byte !== found[i]);
    return `row ${y}, byte ${x}: ${found[x]} and not ${expected[x]}`;
  }
  return null;
}

/** Which of the modifiers that a device has for AR24 it would import as an OPAQUE_FD, of how many. */
export function opaqueModifiers(deviceUuid: string): string {
  const device = openDevice(deviceUuid);
  device.retain();
  try {
    if (!device.enabled('VK_EXT_image_drm_format_modifier'))
      return 'VK_EXT_image_drm_format_modifier is missing';
    const asked = {
      format: VkFormat.VK_FORMAT_B8G8R8A8_UNORM,
      usage: VkImageUsageFlagBits.VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      handleType: 'opaque_fd',
    } as const;
    const all = modifiersOf(device, asked.format);
    const found = all.filter(
      ({ modifier }) => imageSupport(device, { ...asked, modifier })?.importable === true,
    );
    const names = found.map(({ modifier }) => `0x${modifier.toString(16)}`);
    return `${found.length} of ${all.length} ${names.join(' ')}`.trim();
  } finally {
    device.release();
  }
}

/** Writes a picture of XR24 or AR24. Throws where the device lays the image out otherwise than it was told. */
export function writePicture(deviceUuid: string, shared: SharedImage, bytes: Buffer): void {
  const device = openDevice(deviceUuid);
  device.retain();
  const made: Made = { images: [], buffers: [], memories: [] };
  try {
    const { width, height, offset, stride } = shared;
    const image = createImage(device, {
      ...{ width, height, format: VkFormat.VK_FORMAT_B8G8R8A8_UNORM, modifiers: [] },
      usage: VkImageUsageFlagBits.VK_IMAGE_USAGE_TRANSFER_DST_BIT,
      handleType: 'opaque_fd',
    });
    made.images.push(image);
    const [plane] = planeLayouts(device, image, 1, 'linear');
    if (plane?.offset !== offset || plane.stride !== stride)
      throw new Error(`here its plane is at ${plane?.offset}, ${plane?.stride} bytes a row`);
    const needs = imageRequirements(device, image);
    const memory = allocateMemory(device, {
      size: shared.dedicated ? needs.size : BigInt(shared.size),
      typeIndex: shared.memoryType,
      // A successful import takes the fd over.
      imported: { handleType: 'opaque_fd', fd: duplicate(shared.fd) },
      ...(shared.dedicated && { dedicated: { image } }),
    });
    made.memories.push(memory);
    bindImage(device, image, memory);
    const staging = stagingOf(device, bytes, made);
    device.commands.run((commands) => copy(device, commands, { staging, image, width, height }));
  } finally {
    for (const image of made.images) destroyImage(device, image);
    for (const buffer of made.buffers) destroyBuffer(device, buffer);
    for (const memory of made.memories) freeMemory(device, memory);
    device.release();
  }
}

/** Until it is written. */
interface Made {
  readonly images: bigint[];
  readonly buffers: bigint[];
  readonly memories: bigint[];
}

interface Copied {
  readonly staging: bigint;
  readonly image: bigint;
  readonly width: number;
  readonly height: number;
}

/** All of it is written, so that what was there may go: UNDEFINED. It is released to the others then. */
function copy(device: Device, commands: bigint, { staging, image, width, height }: Copied): void {
  const { arena, functions, queueFamily } = device;
  const aspectMask = Aspect.VK_IMAGE_ASPECT_COLOR_BIT;
  const destination = Layout.VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
  const barrier = (from: number, to: number, fields: object) => {
    const subresourceRange = { aspectMask, levelCount: 1, layerCount: 1 };
    const at = write(arena, VkImageMemoryBarrier, { ...fields, image, subresourceRange });
    functions.call('vkCmdPipelineBarrier', commands, from, to, 0, 0, 0, 0, 0, 1, at);
  };
  const ignored = constants.VK_QUEUE_FAMILY_IGNORED;
  const { VK_PIPELINE_STAGE_TRANSFER_BIT: transfer } = Stage;
  barrier(Stage.VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, transfer, {
    dstAccessMask: Access.VK_ACCESS_TRANSFER_WRITE_BIT,
    oldLayout: Layout.VK_IMAGE_LAYOUT_UNDEFINED,
    newLayout: destination,
    ...{ srcQueueFamilyIndex: ignored, dstQueueFamilyIndex: ignored },
  });
  const region = write(arena, VkBufferImageCopy, {
    imageSubresource: { aspectMask, layerCount: 1 },
    imageExtent: { width, height, depth: 1 },
  });
  const call = 'vkCmdCopyBufferToImage';
  functions.call(call, commands, staging, image, destination, 1, region);
  barrier(transfer, Stage.VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, {
    srcAccessMask: Access.VK_ACCESS_TRANSFER_WRITE_BIT,
    oldLayout: destination,
    newLayout: Layout.VK_IMAGE_LAYOUT_GENERAL,
    srcQueueFamilyIndex: queueFamily,
    dstQueueFamilyIndex: constants.VK_QUEUE_FAMILY_EXTERNAL,
  });
}

/** A buffer with these bytes, that the CPU has written. */
function stagingOf(device: Device, bytes: Buffer, made: Made): bigint {
  const usage = VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
  const buffer = createBuffer(device, BigInt(bytes.length), usage, null);
  made.buffers.push(buffer);
  const needs = bufferRequirements(device, buffer);
  const required =
    Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const wish = { required, preferred: [] };
  const [type] = suitableTypes(device.memory.types, needs.types, wish);
  if (type === undefined) throw new Error('no memory that the CPU can write');
  const memory = allocateMemory(device, { size: needs.size, typeIndex: type.index });
  made.memories.push(memory);
  bindBuffer(device, buffer, memory);
  const whole = constants.VK_WHOLE_SIZE;
  const at = outHandle(device.arena, 'vkMapMemory', (out) =>
    device.call('vkMapMemory', memory, 0, whole, 0, out),
  );
  callLong(memcpy, at, addressOf(bytes), bytes.length);
  return buffer;
}
