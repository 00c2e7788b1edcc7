/** Runs commands once on the device's queue and waits until they are done. */
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  VkCommandBufferAllocateInfo,
  VkCommandBufferBeginInfo,
  VkCommandBufferLevel,
  VkCommandBufferUsageFlagBits,
  VkCommandPoolCreateFlagBits,
  VkCommandPoolCreateInfo,
  VkFenceCreateInfo,
  VkSubmitInfo,
} from './layout.gen.js';
import { check } from './result.js';
import { write } from './struct.js';

const FOR_EVER = 0xffff_ffff_ffff_ffffn;

/**
 * Records with `record`, submits and waits. External synchronisation: the device's queue, here and
 * nowhere else; pool and command buffer live only here. Waits for ever: a driver that hangs reports
 * VK_ERROR_DEVICE_LOST ("Lost Device"), and objects in use must not be destroyed
 * (VUID-vkDestroyCommandPool-commandPool-00041).
 */
export function runOnce(device: Device, record: (commands: bigint) => void): void {
  const { arena } = device;
  const make = (call: string, info: number) =>
    outHandle(arena, call, (out) => device.call(call, info, 0, out));
  arena.scoped(() => {
    const pool = make(
      'vkCreateCommandPool',
      write(arena, VkCommandPoolCreateInfo, {
        flags: VkCommandPoolCreateFlagBits.VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
        queueFamilyIndex: device.queueFamily,
      }),
    );
    let fence = 0n;
    try {
      fence = make('vkCreateFence', write(arena, VkFenceCreateInfo));
      const commands = allocate(device, pool);
      const begin = write(arena, VkCommandBufferBeginInfo, {
        flags: VkCommandBufferUsageFlagBits.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
      });
      const call = (name: string, ...args: (number | bigint)[]) =>
        check(device.functions.call(name, ...args), name);
      call('vkBeginCommandBuffer', commands, begin);
      record(commands);
      call('vkEndCommandBuffer', commands);
      submit(device, commands, fence);
      const fences = arena.reserve(8);
      arena.view.setBigUint64(fences, fence, true);
      const wait = 'vkWaitForFences';
      check(device.call(wait, 1, arena.address + fences, 1, FOR_EVER), wait);
    } finally {
      // After VK_ERROR_DEVICE_LOST nothing is executing any more: destroying is allowed.
      device.call('vkDestroyFence', fence, 0);
      device.call('vkDestroyCommandPool', pool, 0);
    }
  });
}

function allocate(device: Device, commandPool: bigint): bigint {
  const { arena } = device;
  const info = write(arena, VkCommandBufferAllocateInfo, {
    commandPool,
    level: VkCommandBufferLevel.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
    commandBufferCount: 1,
  });
  const call = 'vkAllocateCommandBuffers';
  return outHandle(arena, call, (out) => device.call(call, info, out));
}

function submit(device: Device, commands: bigint, fence: bigint): void {
  const { arena } = device;
  const list = arena.reserve(8);
  arena.view.setBigUint64(list, commands, true);
  const info = write(arena, VkSubmitInfo, {
    commandBufferCount: 1,
    pCommandBuffers: arena.address + list,
  });
  const call = 'vkQueueSubmit';
  check(device.functions.call(call, device.queue, 1, info, fence), call);
}
