/**
 * A device's memory heaps and types, with what is left of each heap where the driver tells. Types and
 * sizes never change (VkPhysicalDeviceMemoryProperties is the device's); budgets do.
 */
import { Arena } from '../arena.js';
import type { Address } from '../ffi.js';
import {
  VkMemoryHeapFlagBits,
  VkPhysicalDeviceMemoryBudgetPropertiesEXT,
  VkPhysicalDeviceMemoryProperties2,
} from './layout.gen.js';
import { read, write } from './struct.js';
import type { Queried } from './support.js';

export interface MemoryHeap {
  readonly index: number;
  /** Bytes. */
  readonly size: bigint;
  readonly deviceLocal: boolean;
  /** Bytes that this process can expect to allocate, those in use included; null if unknown. */
  readonly budget: bigint | null;
  /** Bytes that this process uses; null if unknown. */
  readonly usage: bigint | null;
}

export interface MemoryType {
  readonly index: number;
  readonly heap: number;
  /** VkMemoryPropertyFlags */
  readonly flags: number;
}

export interface MemoryProperties {
  readonly heaps: readonly MemoryHeap[];
  readonly types: readonly MemoryType[];
}

/** vkGetPhysicalDeviceMemoryProperties2; budgets (VK_EXT_memory_budget) are of this moment. */
export function memoryProperties({ instance, physical }: Queried): MemoryProperties {
  const arena = new Arena();
  const budget = physical.extensions.has('VK_EXT_memory_budget')
    ? write(arena, VkPhysicalDeviceMemoryBudgetPropertiesEXT)
    : 0;
  const out = write(arena, VkPhysicalDeviceMemoryProperties2, { pNext: budget });
  instance.functions.call('vkGetPhysicalDeviceMemoryProperties2', physical.handle, out);

  const { memoryProperties } = read(arena, VkPhysicalDeviceMemoryProperties2, out);
  const budgets =
    budget === 0 ? null : read(arena, VkPhysicalDeviceMemoryBudgetPropertiesEXT, budget);
  return {
    heaps: memoryProperties.memoryHeaps
      .slice(0, memoryProperties.memoryHeapCount)
      .map(({ size, flags }, index) => ({
        index,
        size,
        deviceLocal: (flags & VkMemoryHeapFlagBits.VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) !== 0,
        budget: budgets?.heapBudget[index] ?? null,
        usage: budgets?.heapUsage[index] ?? null,
      })),
    types: memoryProperties.memoryTypes
      .slice(0, memoryProperties.memoryTypeCount)
      .map(({ propertyFlags, heapIndex }, index) => ({
        index,
        heap: heapIndex,
        flags: propertyFlags,
      })),
  };
}

/** What VK_EXT_memory_budget says of a heap, for this process. */
export interface HeapBudget {
  /** Bytes that it can expect to allocate, those in use included. */
  readonly budget: bigint;
  /** Bytes in use. */
  readonly usage: bigint;
}

/**
 * Reads heap budgets before each allocation: the structs are written once, and of the answer (more
 * than 1 KiB) only the two numbers asked for are read.
 */
export class HeapBudgets {
  readonly #arena = new Arena();
  readonly #address: Address;
  readonly #at: number;

  /** Null where the device does not tell. */
  static of(device: Queried): HeapBudgets | null {
    return device.physical.extensions.has('VK_EXT_memory_budget') ? new HeapBudgets(device) : null;
  }

  private constructor(private readonly device: Queried) {
    const budget = write(this.#arena, VkPhysicalDeviceMemoryBudgetPropertiesEXT);
    this.#at = budget - this.#arena.address;
    this.#address = write(this.#arena, VkPhysicalDeviceMemoryProperties2, { pNext: budget });
  }

  /** Of this moment, by the heap's index. */
  read(): (heap: number) => HeapBudget {
    const { instance, physical } = this.device;
    const call = 'vkGetPhysicalDeviceMemoryProperties2';
    instance.functions.call(call, physical.handle, this.#address);
    const { heapBudget, heapUsage } = VkPhysicalDeviceMemoryBudgetPropertiesEXT.members;
    const value = ({ offset }: { offset: number }, heap: number) =>
      this.#arena.view.getBigUint64(this.#at + offset + heap * 8, true);
    return (heap) => ({ budget: value(heapBudget, heap), usage: value(heapUsage, heap) });
  }
}
