/** A device's memory heaps and types, with what is left of each heap where the driver tells. */
import { Arena } from '../arena.js';
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

/** vkGetPhysicalDeviceMemoryProperties2; budgets (VK_EXT_memory_budget) are of this moment. */
export function memoryProperties({ instance, physical }: Queried): {
  readonly heaps: readonly MemoryHeap[];
  readonly types: readonly MemoryType[];
} {
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
