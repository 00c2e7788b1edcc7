/**
 * VkDeviceMemory: how it is allocated for export, how its file descriptor is taken. Which type:
 * memory-type.ts.
 *
 * Owns: the count of allocations that exist. A memory object is its caller's, and so is every fd
 * that vkGetMemoryFdKHR returns ("the application owns it").
 */
import { BrokerError, type Refusal } from '../../memory/errors.js';
import { owning, setCloexec } from '../libc/fd.js';
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  VkExportMemoryAllocateInfo,
  VkImportMemoryFdInfoKHR,
  VkMemoryAllocateInfo,
  VkMemoryDedicatedAllocateInfo,
  VkMemoryGetFdInfoKHR,
} from './layout.gen.js';
import { check } from './result.js';
import { write } from './struct.js';
import { handleTypeBit, type VulkanHandleType } from './usage.js';

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
 * Whether the device allows so many allocations more. Throws `out_of_memory` where its
 * maxMemoryAllocationCount would be passed (VUID-vkAllocateMemory-maxMemoryAllocationCount-04101).
 */
export function checkCount(device: Device, more = 1): void {
  const limit = device.physical.limits.maxAllocations;
  const requested = device.liveAllocations + more;
  if (requested <= limit) return;
  throw new BrokerError('out_of_memory', `the device allows ${limit} allocations at once`, {
    constraint: 'max_allocations',
    requested,
    possible: limit,
  });
}

/** vkAllocateMemory. Throws `out_of_memory` where the heap has no more, and as `checkCount` does. */
export function allocateMemory(device: Device, request: MemoryRequest): bigint {
  checkCount(device);
  const { arena } = device;
  const refusal: Refusal = { constraint: 'size', requested: Number(request.size) };
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
  return owning(fd, () => {
    setCloexec(fd);
    return fd;
  });
}
