/**
 * Memory must be zero before it leaves: all of it, with what lies between rows and behind the last
 * one. Three ways, cheapest first:
 *
 *  - `fresh`: the kernel has just made these pages, and it hands out none but zeroed ones;
 *  - `map`: the CPU clears the whole allocation;
 *  - `fill`: vkCmdFillBuffer over a VkBuffer that spans the whole memory. Clearing an image instead
 *    would leave its padding and auxiliary planes.
 */
import { BrokerError } from '../../broker/errors.js';
import { callLong, symbol } from '../ffi.js';
import { bindBuffer, createBuffer, destroyBuffer } from './buffer.js';
import { outHandle } from './call.js';
import type { Device } from './device.js';
import { importMemory } from './import.js';
import {
  constants,
  VkMemoryPropertyFlagBits as Flag,
  VkAccessFlagBits,
  VkBufferUsageFlagBits,
  VkMappedMemoryRange,
} from './layout.gen.js';
import { freeMemory } from './memory.js';
import type { MemoryType } from './memory-properties.js';
import { release } from './ownership.js';
import { bufferRequirements } from './requirements.js';
import { check } from './result.js';
import { write } from './struct.js';
import type { VulkanHandleType } from './usage.js';

export type ZeroPath = 'fresh' | 'map' | 'fill';
/** `auto`, or the path to take where it is possible: a test's way to the others. */
export type Zeroing = 'auto' | 'map' | 'fill';

/** Exported memory that is still nobody else's. */
export interface Exported {
  readonly memory: bigint;
  readonly fd: number;
  readonly handleType: VulkanHandleType;
  /** Bytes of the allocation, and of the file where that is a dma_buf. */
  readonly allocationSize: bigint;
  readonly size: bigint;
  readonly type: MemoryType;
  readonly dedicated: boolean;
  /** fdinfo's exp_name; null for an opaque fd. */
  readonly exporter: string | null;
}

/**
 * lavapipe backs every exportable allocation with a memfd of its own, never reused (Mesa:
 * llvmpipe_resource_alloc_udmabuf, os_malloc_aligned_fd), and a memfd's pages are zeroed when they
 * are first touched (shmem). Other drivers keep caches of buffers, whoever their exporter is.
 */
function isFresh(device: Device, { exporter }: Exported): boolean {
  const fromKernel = exporter === null || exporter === 'udmabuf' || exporter === 'system';
  return device.physical.driver.name === 'llvmpipe' && fromKernel;
}

export function choosePath(device: Device, exported: Exported, zeroing: Zeroing): ZeroPath {
  if (zeroing !== 'auto') return zeroing;
  if (isFresh(device, exported)) return 'fresh';
  return reachesAll(exported) ? 'map' : 'fill';
}

/** Whether a mapping shows the whole memory, not just the allocation at the file's beginning. */
function reachesAll({ type, size, allocationSize }: Exported): boolean {
  const hostVisible = (type.flags & Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) !== 0;
  return hostVisible && size <= allocationSize;
}

/** Clears exported memory; returns how. Throws where it cannot: then the memory must not leave. */
export function zero(device: Device, exported: Exported, zeroing: Zeroing): ZeroPath {
  const path = choosePath(device, exported, zeroing);
  if (path === 'map') zeroByMapping(device, exported);
  if (path === 'fill') zeroByFilling(device, exported);
  return path;
}

const memset = symbol('memset');

/** vkMapMemory and vkUnmapMemory; external synchronisation: the memory. */
function zeroByMapping(device: Device, exported: Exported): void {
  const { memory, type, allocationSize } = exported;
  // VUID-vkMapMemory-memory-00682: HOST_VISIBLE
  if (!reachesAll(exported)) {
    throw new BrokerError('internal', 'the CPU cannot map all of this memory to clear it');
  }
  const { arena } = device;
  const call = 'vkMapMemory';
  const at = outHandle(arena, call, (out) =>
    device.call(call, memory, 0, constants.VK_WHOLE_SIZE, 0, out),
  );
  try {
    callLong(memset, at, 0, allocationSize);
    if ((type.flags & Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) === 0) {
      arena.scoped(() => {
        const range = write(arena, VkMappedMemoryRange, {
          memory,
          size: constants.VK_WHOLE_SIZE,
        });
        const flush = 'vkFlushMappedMemoryRanges';
        check(device.call(flush, 1, range), flush);
      });
    }
  } finally {
    device.call('vkUnmapMemory', memory);
  }
}

/**
 * Fills by way of a second VkBuffer. A dma_buf is imported again, through a dup of its fd, since
 * memory dedicated to an image takes no buffer; opaque memory, which is not dedicated here, takes the
 * buffer itself.
 */
function zeroByFilling(device: Device, exported: Exported): void {
  const usage = VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  const { handleType, size } = exported;
  const buffer = createBuffer(device, size, usage, handleType);
  let imported = 0n;
  try {
    const needs = bufferRequirements(device, buffer);
    // VUID-vkBindBufferMemory-size-01037: a buffer that needs more than there is cannot be bound.
    if (needs.size > size || size % 4n !== 0n) {
      throw new BrokerError('internal', `no buffer covers these ${size} bytes`);
    }
    if (handleType === 'dma_buf') {
      // Imported again, as by anybody else.
      const preferred = [exported.type.flags & Flag.VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT];
      const { fd } = exported;
      imported = importMemory(device, { fd, handleType, size, allowed: needs.types, preferred });
    } else if (exported.dedicated || ((needs.types >>> exported.type.index) & 1) === 0) {
      throw new BrokerError('internal', 'this opaque memory takes no buffer to clear it by');
    }
    bindBuffer(device, buffer, imported || exported.memory);
    fill(device, buffer, handleType);
  } finally {
    destroyBuffer(device, buffer);
    freeMemory(device, imported);
  }
}

/**
 * Fills with zeros, then gives the memory to the world. Nothing is acquired first, since the old
 * contents do not matter ("Queue Family Ownership Transfer").
 */
function fill(device: Device, buffer: bigint, handleType: VulkanHandleType): void {
  device.commands.run((commands) => {
    // Rounded down to a multiple of 4 (vkCmdFillBuffer): sizes here are whole pages.
    const whole = constants.VK_WHOLE_SIZE;
    device.functions.call('vkCmdFillBuffer', commands, buffer, 0, whole, 0);
    const access = VkAccessFlagBits.VK_ACCESS_TRANSFER_WRITE_BIT;
    release(device, commands, [{ buffer, handleType, access }]);
  });
}
