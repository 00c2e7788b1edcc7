/**
 * VkDeviceMemory: which type, how it is allocated for export, how its file descriptor is taken.
 *
 * Owns: the count of allocations that exist. A memory object is its caller's, and so is every fd
 * that vkGetMemoryFdKHR returns ("the application owns it").
 */
import { BrokerError } from '../../broker/errors.js';
import { setCloexec } from '../libc/fd.js';
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  VkMemoryPropertyFlagBits as Flag,
  VkExportMemoryAllocateInfo,
  VkImportMemoryFdInfoKHR,
  VkMemoryAllocateInfo,
  VkMemoryDedicatedAllocateInfo,
  VkMemoryGetFdInfoKHR,
} from './layout.gen.js';
import type { MemoryType } from './memory-properties.js';
import { check } from './result.js';
import { write } from './struct.js';
import { handleTypeBit, type VulkanHandleType } from './usage.js';

export interface TypeWish {
  /** VkMemoryPropertyFlags that the type must have. */
  readonly required: number;
  /** Flags that count in its favour, the first most. */
  readonly preferred: readonly number[];
}

/**
 * Types that need a feature which is not enabled (VUID-vkAllocateMemory-deviceCoherentMemory-02790),
 * or that are no memory to share: protected, or backed only while a render pass lasts.
 */
const NEVER =
  Flag.VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
  Flag.VK_MEMORY_PROPERTY_PROTECTED_BIT |
  Flag.VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD |
  Flag.VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV;

/**
 * The best of the types that `allowed` (memoryTypeBits of the requirements) leaves; null where none
 * has what is required. Of equals the first: drivers order them by speed ("Device Memory").
 */
export function chooseMemoryType(
  types: readonly MemoryType[],
  allowed: number,
  wish: TypeWish,
): MemoryType | null {
  const score = ({ flags }: MemoryType) =>
    wish.preferred.reduce((sum, flag) => sum * 2 + ((flags & flag) === flag ? 1 : 0), 0);
  return types
    .filter(({ index }) => ((allowed >>> index) & 1) !== 0)
    .filter(({ flags }) => (flags & NEVER) === 0 && (flags & wish.required) === wish.required)
    .reduce<MemoryType | null>(
      (best, next) => (best && score(best) >= score(next) ? best : next),
      null,
    );
}

export interface MemoryRequest {
  /** Bytes. */
  readonly size: bigint;
  readonly typeIndex: number;
  /** Memory that will be exported, as this type. */
  readonly exported?: VulkanHandleType;
  /** An fd to take over: closed by the driver where the call succeeds, else still the caller's. */
  readonly imported?: { readonly handleType: VulkanHandleType; readonly fd: number };
  /** The one resource that the memory is for. */
  readonly dedicated?: { readonly image?: bigint; readonly buffer?: bigint };
}

/**
 * vkAllocateMemory. Throws `out_of_memory` where the heap has no more, or where the device's
 * maxMemoryAllocationCount is reached (VUID-vkAllocateMemory-maxMemoryAllocationCount-04101).
 */
export function allocateMemory(device: Device, request: MemoryRequest): bigint {
  const limit = device.physical.limits.maxAllocations;
  if (device.liveAllocations >= limit) {
    throw new BrokerError('out_of_memory', `the device allows ${limit} allocations at once`, {
      constraint: 'max_allocations',
      requested: device.liveAllocations + 1,
      possible: limit,
    });
  }
  const { arena } = device;
  const refusal = { constraint: 'size', requested: Number(request.size) };
  const memory = arena.scoped(() => {
    let pNext = 0;
    if (request.dedicated) {
      pNext = write(arena, VkMemoryDedicatedAllocateInfo, {
        pNext,
        image: request.dedicated.image ?? 0n,
        buffer: request.dedicated.buffer ?? 0n,
      });
    }
    if (request.exported) {
      const handleTypes = handleTypeBit(request.exported);
      pNext = write(arena, VkExportMemoryAllocateInfo, { pNext, handleTypes });
    }
    if (request.imported) {
      pNext = write(arena, VkImportMemoryFdInfoKHR, {
        pNext,
        handleType: handleTypeBit(request.imported.handleType),
        fd: request.imported.fd,
      });
    }
    const info = write(arena, VkMemoryAllocateInfo, {
      pNext,
      allocationSize: request.size,
      memoryTypeIndex: request.typeIndex,
    });
    const call = 'vkAllocateMemory';
    return outHandle(arena, call, (out) => device.call(call, info, 0, out), refusal);
  });
  device.liveAllocations++;
  return memory;
}

/**
 * vkFreeMemory; external synchronisation: the memory. Neither closes exported fds nor takes the
 * memory from those who hold them.
 */
export function freeMemory(device: Device, memory: bigint): void {
  if (memory === 0n) return;
  device.call('vkFreeMemory', memory, 0);
  device.liveAllocations--;
}

/**
 * vkGetMemoryFdKHR: a new fd at each call, the caller's to close. It is made CLOEXEC at once:
 * lavapipe returns it without, and no driver is obliged to set it.
 */
export function exportFd(device: Device, memory: bigint, handleType: VulkanHandleType): number {
  const { arena } = device;
  const fd = arena.scoped(() => {
    const info = write(arena, VkMemoryGetFdInfoKHR, {
      memory,
      handleType: handleTypeBit(handleType),
    });
    const out = arena.reserve(4);
    const call = 'vkGetMemoryFdKHR';
    check(device.call(call, info, arena.address + out), call);
    return arena.view.getInt32(out, true);
  });
  setCloexec(fd);
  return fd;
}
