/** VkBuffer for memory that leaves the process. A buffer is its caller's to destroy. */
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  VkBufferCreateInfo,
  VkExternalMemoryBufferCreateInfo,
  VkSharingMode,
} from './layout.gen.js';
import { check } from './result.js';
import { write } from './struct.js';
import { handleTypeBit, type VulkanHandleType } from './usage.js';

/**
 * vkCreateBuffer. `size` in bytes; `usage` is VkBufferUsageFlags that `bufferSupport` was asked
 * about (VUID-VkBufferCreateInfo-pNext-00920). `handleType` is null for memory that stays here.
 */
export function createBuffer(
  device: Device,
  size: bigint,
  usage: number,
  handleType: VulkanHandleType | null,
): bigint {
  const { arena } = device;
  return arena.scoped(() => {
    const info = write(arena, VkBufferCreateInfo, {
      pNext:
        handleType === null
          ? 0
          : write(arena, VkExternalMemoryBufferCreateInfo, {
              handleTypes: handleTypeBit(handleType),
            }),
      size,
      usage,
      sharingMode: VkSharingMode.VK_SHARING_MODE_EXCLUSIVE,
    });
    return outHandle(arena, 'vkCreateBuffer', (out) => device.call('vkCreateBuffer', info, 0, out));
  });
}

/** vkBindBufferMemory at offset 0; external synchronisation: the buffer. */
export function bindBuffer(device: Device, buffer: bigint, memory: bigint): void {
  check(device.call('vkBindBufferMemory', buffer, memory, 0), 'vkBindBufferMemory');
}

/** vkDestroyBuffer; external synchronisation: the buffer. Null handles are allowed. */
export function destroyBuffer(device: Device, buffer: bigint): void {
  device.call('vkDestroyBuffer', buffer, 0);
}
