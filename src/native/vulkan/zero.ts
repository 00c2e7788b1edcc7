/**
 * Memory must be zero before it leaves: all of it, with what lies between rows and behind the last
 * one. Three ways, cheapest first:
 *
 *  - `fresh`: the kernel has just made these pages, and it hands out none but zeroed ones;
 *  - `map`: the CPU clears the whole allocation;
 *  - `fill`: vkCmdFillBuffer over a VkBuffer that spans the whole memory. Clearing an image instead
 *    would leave its padding and auxiliary planes.
 */
import { BrokerError } from '../../memory/errors.js';
import { PIECE_BYTES } from '../../memory/limits.js';
import type { Steps } from '../../memory/steps.js';
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
import { acquire, release } from './ownership.js';
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

/**
 * Bytes at once. A device whose own memory it is fills it at tens of GB/s, and each submission imports
 * the memory anew.
 */
const AT_ONCE = { map: BigInt(PIECE_BYTES), fill: 16n * BigInt(PIECE_BYTES) };

/**
 * Clears exported memory; returns how. Throws where it cannot: then the memory must not leave. Nothing
 * of the device is held between two pieces but the memory itself, whose owner says whether it is there.
 */
export function* zero(device: Device, exported: Exported, zeroing: Zeroing): Steps<ZeroPath> {
  const path = choosePath(device, exported, zeroing);
  if (path === 'fresh') return path;
  const [clear, all] =
    path === 'map'
      ? ([zeroByMapping, exported.allocationSize] as const)
      : ([zeroByFilling, exported.size] as const);
  for (let offset = 0n; offset < all; offset += AT_ONCE[path]) {
    if (offset > 0n) yield;
    const left = all - offset;
    clear(device, exported, offset, left < AT_ONCE[path] ? left : AT_ONCE[path]);
  }
  return path;
}

const memset = symbol('memset');

/** vkMapMemory and vkUnmapMemory; external synchronisation: the memory. */
function zeroByMapping(device: Device, exported: Exported, offset: bigint, size: bigint): void {
  const { memory, type } = exported;
  // VUID-vkMapMemory-memory-00682: HOST_VISIBLE
  if (!reachesAll(exported)) {
    throw new BrokerError('internal', 'the CPU cannot map all of this memory to clear it');
  }
  const { arena } = device;
  const call = 'vkMapMemory';
  const at = outHandle(arena, call, (out) => device.call(call, memory, offset, size, 0, out));
  try {
    callLong(memset, at, 0, size);
    if ((type.flags & Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) === 0) {
      arena.scoped(() => {
        // VUID-VkMappedMemoryRange-size-01389: pieces are multiples of any nonCoherentAtomSize.
        const range = write(arena, VkMappedMemoryRange, {
          memory,
          offset,
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
function zeroByFilling(device: Device, exported: Exported, offset: bigint, bytes: bigint): void {
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
    fill(device, { buffer, handleType }, offset, bytes);
  } finally {
    destroyBuffer(device, buffer);
    freeMemory(device, imported);
  }
}

/**
 * Fills with zeros, then gives the memory to the world. For the first piece nothing is acquired, since the
 * old contents do not matter ("Queue Family Ownership Transfer"); the next ones must keep what it wrote.
 */
function fill(
  device: Device,
  { buffer, handleType }: Pick<Exported, 'handleType'> & { readonly buffer: bigint },
  offset: bigint,
  bytes: bigint,
): void {
  const shared = [{ buffer, handleType, access: VkAccessFlagBits.VK_ACCESS_TRANSFER_WRITE_BIT }];
  device.commands.run((commands) => {
    if (offset > 0n) acquire(device, commands, shared);
    device.functions.call('vkCmdFillBuffer', commands, buffer, offset, bytes, 0);
    release(device, commands, shared);
  });
}
