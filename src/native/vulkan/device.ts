/**
 * The VkDevice with its one queue. Everything made from it is used from one thread, the allocator's:
 * that is the external synchronisation that the specification asks for at vkQueueSubmit (queue),
 * command pools, and every vkDestroy… and vkBind… call.
 *
 * Owns: the VkInstance and VkDevice, destroyed when the last user lets go.
 */
import type { ExtensionReport } from '../../memory/device.js';
import { Arena } from '../arena.js';
import { enumerate, outHandle } from './call.js';
import { Commands } from './commands.js';
import { planExtensions } from './extensions.js';
import type { Instance } from './instance.js';
import {
  VkDeviceCreateInfo,
  VkDeviceQueueCreateInfo,
  VkQueueFamilyProperties,
  VkQueueFlagBits,
} from './layout.gen.js';
import { deviceFunctions, type Functions } from './loader.js';
import { HeapBudgets, type MemoryProperties, memoryProperties } from './memory-properties.js';
import type { PhysicalDevice } from './physical-device.js';
import { write } from './struct.js';

export class Device {
  /** Scratch memory for the structs of one call; every use is inside `arena.scoped`. */
  readonly arena = new Arena();
  readonly functions: Functions;
  readonly queue: bigint;
  /** The queue's one user. */
  readonly commands = new Commands(this);
  /** Heaps and types, as they were when it was created; budgets are `heapBudgets`'. */
  readonly memory: MemoryProperties;
  readonly heapBudgets: HeapBudgets | null;
  /** VkDeviceMemory objects that exist, against maxMemoryAllocationCount. */
  liveAllocations = 0;
  #users = 0;

  private constructor(
    readonly instance: Instance,
    readonly physical: PhysicalDevice,
    readonly handle: bigint,
    readonly queueFamily: number,
    readonly extensions: readonly ExtensionReport[],
  ) {
    this.memory = memoryProperties(this);
    this.heapBudgets = HeapBudgets.of(this);
    this.functions = deviceFunctions(instance.functions, handle);
    this.queue = outHandle(this.arena, 'vkGetDeviceQueue', (out) => {
      this.functions.call('vkGetDeviceQueue', handle, queueFamily, 0, out);
      return 0;
    });
  }

  /** vkCreateDevice. The device takes the instance over, and destroys it with itself. */
  static create(instance: Instance, physical: PhysicalDevice): Device {
    const version = Math.min(instance.apiVersion, physical.apiVersion);
    const plan = planExtensions(physical.extensions, version);
    const family = transferFamily(instance, physical);
    const arena = new Arena();
    const priority = arena.reserve(4);
    arena.view.setFloat32(priority, 1, true);
    const queue = write(arena, VkDeviceQueueCreateInfo, {
      queueFamilyIndex: family,
      queueCount: 1,
      pQueuePriorities: arena.address + priority,
    });
    const names = plan.names.map((name) => BigInt(arena.string(name)));
    const list = arena.reserve(Math.max(names.length, 1) * 8);
    for (const [i, name] of names.entries()) arena.view.setBigUint64(list + i * 8, name, true);
    const info = write(arena, VkDeviceCreateInfo, {
      queueCreateInfoCount: 1,
      pQueueCreateInfos: queue,
      enabledExtensionCount: names.length,
      ppEnabledExtensionNames: arena.address + list,
    });
    const handle = outHandle(arena, 'vkCreateDevice', (out) =>
      instance.functions.call('vkCreateDevice', physical.handle, info, 0, out),
    );
    return new Device(instance, physical, handle, family, plan.report);
  }

  /** What may be used of Vulkan: the lower of the instance's and the device's version. */
  get apiVersion(): number {
    return Math.min(this.instance.apiVersion, this.physical.apiVersion);
  }

  enabled(extension: string): boolean {
    return this.extensions.some(({ name, enabled }) => name === extension && enabled);
  }

  /** Calls a device function: VkResult unchecked. The first parameter (the device) is filled in. */
  call(name: string, ...args: (number | bigint)[]): number {
    return this.functions.call(name, this.handle, ...args);
  }

  /**
   * Waits until nothing is executing. A lost device, too, answers in finite time, with
   * VK_ERROR_DEVICE_LOST, and what was executing has ended ("Lost Device"): its objects may go.
   */
  waitIdle(): void {
    this.functions.call('vkDeviceWaitIdle', this.handle);
  }

  retain(): void {
    this.#users++;
  }

  /** Destroys device and instance with the last user; VUID-vkDestroyDevice-device-05137: all else first. */
  release(): void {
    if (--this.#users > 0) return;
    this.commands.destroy();
    this.waitIdle();
    this.functions.call('vkDestroyDevice', this.handle, 0);
    this.instance.destroy();
  }
}

/**
 * The first queue family that can fill buffers. Families with graphics or compute can transfer
 * whether they say so or not (VkQueueFlagBits).
 */
function transferFamily({ functions }: Instance, { handle }: PhysicalDevice): number {
  const call = 'vkGetPhysicalDeviceQueueFamilyProperties';
  const families = enumerate(VkQueueFamilyProperties, call, (count, array) => {
    functions.call(call, handle, count, array);
    return 0;
  });
  const { VK_QUEUE_GRAPHICS_BIT, VK_QUEUE_COMPUTE_BIT, VK_QUEUE_TRANSFER_BIT } = VkQueueFlagBits;
  const able = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
  const found = families.findIndex(({ queueFlags }) => (queueFlags & able) !== 0);
  if (found < 0) throw new Error('the device has no queue that can transfer');
  return found;
}
