/**
 * Whose a VkBuffer over shared memory is: it is acquired from the outside before its content is used,
 * and released to it afterwards, so that caches of this device reach others and the other way round
 * ("Queue Family Ownership Transfer"). Inside one instance nothing tells the driver of other users.
 */
import type { Device } from './device.js';
import {
  constants,
  VkPipelineStageFlagBits as Stage,
  VkAccessFlagBits,
  VkBufferMemoryBarrier,
} from './layout.gen.js';
import { writeArray } from './struct.js';
import type { VulkanHandleType } from './usage.js';

/**
 * The special queue family that stands for the others. VK_QUEUE_FAMILY_EXTERNAL: the same device and
 * driver, which alone can import an opaque fd; VK_QUEUE_FAMILY_FOREIGN_EXT: anybody, which wants
 * VK_EXT_queue_family_foreign.
 */
export function outsideFamily(device: Device, handleType: VulkanHandleType): number {
  return handleType === 'dma_buf' && device.enabled('VK_EXT_queue_family_foreign')
    ? constants.VK_QUEUE_FAMILY_FOREIGN_EXT
    : constants.VK_QUEUE_FAMILY_EXTERNAL;
}

/** A buffer that is shared with the outside, and what a transfer does to it. */
export interface Shared {
  /** VkBuffer, VK_SHARING_MODE_EXCLUSIVE; each once. */
  readonly buffer: bigint;
  readonly handleType: VulkanHandleType;
  /** VkAccessFlags of the transfer stage. */
  readonly access: number;
}

/** Records the acquire operations: srcAccessMask is ignored there, and so is 0. */
export function acquire(device: Device, commands: bigint, shared: readonly Shared[]): void {
  const { arena, queueFamily } = device;
  // VUID-VkBufferMemoryBarrier-srcQueueFamilyIndex-04087: one of the two is a family of this device.
  const barriers = shared.map(({ buffer, handleType, access }) => ({
    dstAccessMask: access,
    srcQueueFamilyIndex: outsideFamily(device, handleType),
    dstQueueFamilyIndex: queueFamily,
    buffer,
    size: constants.VK_WHOLE_SIZE,
  }));
  arena.scoped(() => {
    const array = writeArray(arena, VkBufferMemoryBarrier, barriers);
    const [from, to] = [
      Stage.VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
      Stage.VK_PIPELINE_STAGE_TRANSFER_BIT,
    ];
    const list = [0, 0, barriers.length, array, 0, 0];
    device.functions.call('vkCmdPipelineBarrier', commands, from, to, 0, ...list);
  });
}

/** Records the release operations: dstAccessMask is ignored there. */
export function release(device: Device, commands: bigint, shared: readonly Shared[]): void {
  const { arena, queueFamily } = device;
  const barriers = shared.map(({ buffer, handleType, access }) => ({
    // Reads need not be made available to anybody.
    srcAccessMask: access & VkAccessFlagBits.VK_ACCESS_TRANSFER_WRITE_BIT,
    srcQueueFamilyIndex: queueFamily,
    dstQueueFamilyIndex: outsideFamily(device, handleType),
    buffer,
    size: constants.VK_WHOLE_SIZE,
  }));
  arena.scoped(() => {
    const array = writeArray(arena, VkBufferMemoryBarrier, barriers);
    const from = Stage.VK_PIPELINE_STAGE_TRANSFER_BIT;
    const list = [0, 0, barriers.length, array, 0, 0];
    const to = Stage.VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT;
    device.functions.call('vkCmdPipelineBarrier', commands, from, to, 0, ...list);
  });
}
