/**
 * A Vulkan device of this process as the importer of an opaque_fd, with nothing of the daemon's: what
 * a client does with what it was told.
 *
 * Owns: the device, the buffer over the imported memory, and a small one that the CPU can read.
 */
import { addressOf, callLong, symbol } from '../../src/native/ffi.js';
import { duplicate } from '../../src/native/libc/fd.js';
import { bindBuffer, createBuffer, destroyBuffer } from '../../src/native/vulkan/buffer.js';
import { outHandle } from '../../src/native/vulkan/call.js';
import type { Device } from '../../src/native/vulkan/device.js';
import {
  constants,
  VkMemoryPropertyFlagBits as Flag,
  VkAccessFlagBits,
  VkBufferCopy,
  VkBufferMemoryBarrier,
  VkBufferUsageFlagBits,
  VkPipelineStageFlagBits,
} from '../../src/native/vulkan/layout.gen.js';
import { allocateMemory, freeMemory } from '../../src/native/vulkan/memory.js';
import { suitableTypes } from '../../src/native/vulkan/memory-type.js';
import { openDevice } from '../../src/native/vulkan/open.js';
import { bufferRequirements } from '../../src/native/vulkan/requirements.js';
import { write } from '../../src/native/vulkan/struct.js';
import { type Importer, WINDOW } from './importer.js';

const USAGE =
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_DST_BIT;
const ALL = VkPipelineStageFlagBits.VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
const memcpy = symbol('memcpy');

export const importByVulkan: Importer = ({ planes, size, vulkan }, deviceUuid) => {
  const fd = planes[0]?.fd;
  if (fd === undefined || vulkan === null) throw new Error('not an opaque_fd');
  const device = openDevice(deviceUuid);
  device.retain();
  const buffer = createBuffer(device, BigInt(size), USAGE, 'opaque_fd');
  const memory = allocateMemory(device, {
    // VUID-VkMemoryAllocateInfo-allocationSize-01742: both as they were when it was made.
    size: BigInt(size),
    typeIndex: vulkan.memoryType,
    // A successful import takes the fd over.
    imported: { handleType: 'opaque_fd', fd: duplicate(fd) },
    ...(vulkan.dedicated && { dedicated: { buffer } }),
  });
  bindBuffer(device, buffer, memory);
  const staging = stagingBuffer(device);

  /** Between the acquire from the other instance of the driver and the release to it. */
  const onDevice = (body: (commands: bigint) => void) => {
    device.commands.run((commands) => {
      handOver(device, commands, buffer, constants.VK_QUEUE_FAMILY_EXTERNAL, device.queueFamily);
      body(commands);
      handOver(device, commands, buffer, device.queueFamily, constants.VK_QUEUE_FAMILY_EXTERNAL);
    });
  };
  return {
    fill: (value) => {
      onDevice((commands) => {
        const whole = constants.VK_WHOLE_SIZE;
        device.functions.call('vkCmdFillBuffer', commands, buffer, 0, whole, value);
      });
    },
    read: (offset) => {
      const length = Math.min(WINDOW, size - offset);
      onDevice((commands) => {
        const region = { srcOffset: BigInt(offset), size: BigInt(length) };
        const at = write(device.arena, VkBufferCopy, region);
        device.functions.call('vkCmdCopyBuffer', commands, buffer, staging.buffer, 1, at);
      });
      return staging.bytes(length);
    },
    close: () => {
      staging.destroy();
      destroyBuffer(device, buffer);
      freeMemory(device, memory);
      device.release();
    },
  };
};

/** "Queue Family Ownership Transfer" between this device and another user of the memory. */
function handOver(device: Device, commands: bigint, buffer: bigint, from: number, to: number) {
  const any =
    VkAccessFlagBits.VK_ACCESS_MEMORY_READ_BIT | VkAccessFlagBits.VK_ACCESS_MEMORY_WRITE_BIT;
  const outside = constants.VK_QUEUE_FAMILY_EXTERNAL;
  const barrier = write(device.arena, VkBufferMemoryBarrier, {
    srcAccessMask: from === outside ? 0 : any,
    dstAccessMask: to === outside ? 0 : any,
    srcQueueFamilyIndex: from,
    dstQueueFamilyIndex: to,
    buffer,
    size: constants.VK_WHOLE_SIZE,
  });
  device.functions.call('vkCmdPipelineBarrier', commands, ALL, ALL, 0, 0, 0, 1, barrier, 0, 0);
}

/** `WINDOW` bytes that the CPU can read, coherent and mapped all the time. */
function stagingBuffer(device: Device) {
  const buffer = createBuffer(device, BigInt(WINDOW), USAGE, 'opaque_fd');
  const needs = bufferRequirements(device, buffer);
  const { types } = device.memory;
  const required =
    Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  const [type] = suitableTypes(types, needs.types, { required, preferred: [] });
  if (type === undefined) throw new Error('no memory that the CPU can read');
  const memory = allocateMemory(device, { size: needs.size, typeIndex: type.index });
  bindBuffer(device, buffer, memory);
  const whole = constants.VK_WHOLE_SIZE;
  const at = outHandle(device.arena, 'vkMapMemory', (out) =>
    device.call('vkMapMemory', memory, 0, whole, 0, out),
  );
  return {
    buffer,
    bytes: (length: number) => {
      const copy = Buffer.alloc(length);
      callLong(memcpy, addressOf(copy), at, length);
      return copy;
    },
    destroy: () => {
      destroyBuffer(device, buffer);
      // Unmaps it, too.
      freeMemory(device, memory);
    },
  };
}
