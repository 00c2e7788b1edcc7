/**
 * Importing a dma_buf that somebody else made, as a VkBuffer over the whole of it.
 *
 * Always a dup is imported: a successful import takes the fd over, and a failed one of lavapipe
 * closes it, against the specification.
 */
import { closeSync } from 'node:fs';
import { BrokerError, outOfFds } from '../../memory/errors.js';
import type { OpaqueTerms } from '../../memory/work.js';
import { duplicate, identity } from '../libc/fd.js';
import { bindBuffer, createBuffer, destroyBuffer } from './buffer.js';
import type { Device } from './device.js';
import { VkBufferUsageFlagBits, VkMemoryFdPropertiesKHR } from './layout.gen.js';
import { allocateMemory, freeMemory, type MemoryRequest } from './memory.js';
import { suitableTypes } from './memory-type.js';
import { bufferRequirements } from './requirements.js';
import { check } from './result.js';
import { read, write } from './struct.js';
import { bufferSupport } from './support.js';
import { bufferUsage, handleTypeBit, type VulkanHandleType } from './usage.js';

/** vkGetMemoryFdPropertiesKHR: not for opaque fds (VUID-vkGetMemoryFdPropertiesKHR-handleType-00674). */
export function fdMemoryTypes(device: Device, fd: number, handleType: VulkanHandleType): number {
  const { arena } = device;
  return arena.scoped(() => {
    const out = write(arena, VkMemoryFdPropertiesKHR);
    const call = 'vkGetMemoryFdPropertiesKHR';
    check(device.call(call, handleTypeBit(handleType), fd, out), call);
    return read(arena, VkMemoryFdPropertiesKHR, out).memoryTypeBits;
  });
}

export interface ToImport {
  /** Stays the caller's. */
  readonly fd: number;
  readonly handleType: VulkanHandleType;
  /** Bytes. */
  readonly size: bigint;
  /** memoryTypeBits that the resource can be bound to. */
  readonly allowed: number;
  /** VkMemoryPropertyFlags that are preferred, the first most. */
  readonly preferred: readonly number[];
}

/** Imports memory; the result is the caller's to free. */
export function importMemory(device: Device, what: ToImport): bigint {
  const { fd, handleType, size } = what;
  const types = what.allowed & fdMemoryTypes(device, fd, handleType);
  const { preferred } = what;
  const [type] = suitableTypes(device.memory.types, types, { required: 0, preferred });
  if (!type)
    throw new BrokerError('internal', 'no memory type of the device can import this memory');
  const copy = copyOf(fd);
  try {
    return allocateMemory(device, {
      size,
      typeIndex: type.index,
      imported: { handleType, fd: copy },
    });
  } catch (error) {
    // The specification leaves it ours; lavapipe has closed it, and the number may be in use again.
    if (sameFile(copy, fd)) closeSync(copy);
    throw error;
  }
}

function copyOf(fd: number): number {
  try {
    return duplicate(fd);
  } catch {
    throw outOfFds();
  }
}

/** False, too, where one of them is not open. */
function sameFile(a: number, b: number): boolean {
  try {
    return identity(a) === identity(b);
  } catch {
    return false;
  }
}

/** A buffer over imported memory; both are the caller's, to be given to `destroyImported`. */
export interface Imported {
  readonly buffer: bigint;
  readonly memory: bigint;
}

const USAGE =
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_DST_BIT;

/** Why the device imports no dma_bufs into buffers, or null where it does. */
export function importProblem(device: Device): string | null {
  if (!device.enabled('VK_EXT_external_memory_dma_buf')) {
    return 'VK_EXT_external_memory_dma_buf is missing';
  }
  const { importable, flags } = bufferSupport(device, USAGE, 'dma_buf');
  return importable ? null : `externalMemoryFeatures 0x${flags.toString(16)} has no import`;
}

/** Imports a dma_buf of `size` bytes and binds a VkBuffer to all of it. */
export function importBuffer(device: Device, fd: number, size: bigint): Imported {
  // VUID-VkBufferCreateInfo-size-06409
  const { maxBufferSize } = device.physical.limits;
  if (maxBufferSize !== null && size > maxBufferSize) {
    throw new BrokerError('internal', `the device's buffers have at most ${maxBufferSize} bytes`);
  }
  const buffer = createBuffer(device, size, USAGE, 'dma_buf');
  let memory = 0n;
  try {
    const needs = bufferRequirements(device, buffer);
    // VUID-vkBindBufferMemory-size-01037: a buffer that needs more than there is cannot be bound.
    if (needs.size > size)
      throw new BrokerError('internal', `a buffer would need ${needs.size} bytes`);
    memory = importMemory(device, {
      fd,
      handleType: 'dma_buf',
      size,
      allowed: needs.types,
      preferred: [],
    });
    bindBuffer(device, buffer, memory);
    return { buffer, memory };
  } catch (error) {
    destroyImported(device, { buffer, memory });
    throw error;
  }
}

/**
 * Imports an opaque fd that this device and driver have exported, and binds a VkBuffer of `size` bytes to it:
 * with the allocation's own size and type, and where it is dedicated for a buffer as that one was
 * (VUID-VkMemoryAllocateInfo-allocationSize-01742, VUID-VkMemoryDedicatedAllocateInfo-buffer-01879).
 */
export function importOpaque(
  device: Device,
  fd: number,
  size: bigint,
  { bytes, memoryType, dedicated, usage }: OpaqueTerms,
): Imported {
  const handleType = 'opaque_fd';
  const buffer = createBuffer(device, size, bufferUsage(usage), handleType);
  let memory = 0n;
  try {
    memory = importOpaqueMemory(device, fd, {
      size: BigInt(bytes),
      typeIndex: memoryType,
      ...(dedicated && { dedicated: { buffer } }),
    });
    bindBuffer(device, buffer, memory);
    return { buffer, memory };
  } catch (error) {
    destroyImported(device, { buffer, memory });
    throw error;
  }
}

/** Imports an opaque fd, which stays the caller's; the memory is the caller's to free. */
export function importOpaqueMemory(
  device: Device,
  fd: number,
  what: Pick<MemoryRequest, 'size' | 'typeIndex' | 'dedicated'>,
): bigint {
  const copy = copyOf(fd);
  try {
    return allocateMemory(device, { ...what, imported: { handleType: 'opaque_fd', fd: copy } });
  } catch (error) {
    if (sameFile(copy, fd)) closeSync(copy);
    throw error;
  }
}

export function destroyImported(device: Device, { buffer, memory }: Imported): void {
  destroyBuffer(device, buffer);
  freeMemory(device, memory);
}
