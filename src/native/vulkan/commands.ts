/**
 * Runs commands once on the device's queue and waits until they are done.
 *
 * Owns: the device's one command pool, command buffer and fence, made at the first use and kept: on
 * NVIDIA making and destroying a fence took half a millisecond, a third of an allocation
 * (docs/performance.md).
 */
import type { Arena } from '../arena.js';
import { outHandle } from './call.js';
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
import type { Functions } from './loader.js';
import { check } from './result.js';
import { write } from './struct.js';

const FOR_EVER = 0xffff_ffff_ffff_ffffn;

/** What is used again for each run. */
interface Kept {
  readonly pool: bigint;
  readonly commands: bigint;
  readonly fence: bigint;
}

/** What of a device its queue takes. */
export interface QueueOwner {
  readonly arena: Arena;
  readonly functions: Functions;
  readonly handle: bigint;
  readonly queue: bigint;
  readonly queueFamily: number;
  call(name: string, ...args: (number | bigint)[]): number;
  waitIdle(): void;
}

export class Commands {
  #kept: Kept | null = null;

  constructor(private readonly device: QueueOwner) {}

  /**
   * Records with `record`, submits and waits. External synchronisation: the device's queue, here and
   * nowhere else; pool, command buffer and fence are used by the allocator's thread alone. Waits for
   * ever: a driver that hangs reports VK_ERROR_DEVICE_LOST ("Lost Device"), and objects in use must
   * not be destroyed (VUID-vkDestroyCommandPool-commandPool-00041).
   */
  run(record: (commands: bigint) => void): void {
    const { device } = this;
    const { arena } = device;
    arena.scoped(() => {
      this.#kept ??= create(device);
      const { pool, commands, fence } = this.#kept;
      const call = (name: string, ...args: (number | bigint)[]) =>
        check(device.functions.call(name, ...args), name);
      try {
        const begin = write(arena, VkCommandBufferBeginInfo, {
          flags: VkCommandBufferUsageFlagBits.VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
        });
        call('vkBeginCommandBuffer', commands, begin);
        record(commands);
        call('vkEndCommandBuffer', commands);
        const list = arena.reserve(8);
        arena.view.setBigUint64(list, commands, true);
        const info = write(arena, VkSubmitInfo, {
          commandBufferCount: 1,
          pCommandBuffers: arena.address + list,
        });
        call('vkQueueSubmit', device.queue, 1, info, fence);
        const fences = arena.reserve(8);
        arena.view.setBigUint64(fences, fence, true);
        const one = arena.address + fences;
        call('vkWaitForFences', device.handle, 1, one, 1, FOR_EVER);
        // VUID-vkQueueSubmit-fence-00063: the next submission wants it unsignalled.
        call('vkResetFences', device.handle, 1, one);
        call('vkResetCommandPool', device.handle, pool, 0);
      } catch (error) {
        // In no state to be used again; nothing may be executing when it is destroyed.
        device.waitIdle();
        this.destroy();
        throw error;
      }
    });
  }

  /** Before the device is destroyed (VUID-vkDestroyDevice-device-05137). */
  destroy(): void {
    if (this.#kept === null) return;
    const { pool, fence } = this.#kept;
    this.#kept = null;
    this.device.call('vkDestroyFence', fence, 0);
    this.device.call('vkDestroyCommandPool', pool, 0);
  }
}

function create(device: QueueOwner): Kept {
  const { arena } = device;
  const make = (call: string, info: number) =>
    outHandle(arena, call, (out) => device.call(call, info, 0, out));
  const pool = make(
    'vkCreateCommandPool',
    write(arena, VkCommandPoolCreateInfo, {
      flags: VkCommandPoolCreateFlagBits.VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
      queueFamilyIndex: device.queueFamily,
    }),
  );
  try {
    const info = write(arena, VkCommandBufferAllocateInfo, {
      commandPool: pool,
      level: VkCommandBufferLevel.VK_COMMAND_BUFFER_LEVEL_PRIMARY,
      commandBufferCount: 1,
    });
    const call = 'vkAllocateCommandBuffers';
    const commands = outHandle(arena, call, (out) => device.call(call, info, out));
    return { pool, commands, fence: make('vkCreateFence', write(arena, VkFenceCreateInfo)) };
  } catch (error) {
    device.call('vkDestroyCommandPool', pool, 0);
    throw error;
  }
}
