/**
 * The memories of one buffer as a transfer reaches them: as VkBuffers, or mapped by the CPU.
 *
 * An end owns what it opened (imports, mappings) until `close`; the fds are the caller's.
 */
import { fstatSync } from 'node:fs';
import { BrokerError } from '../../memory/errors.js';
import { NOTHING_KEPT } from '../../memory/source.js';
import type { MemoryReference } from '../../memory/work.js';
import { dmaBufSize, sync } from '../dmabuf.js';
import { SystemError } from '../libc/errno.js';
import { identity } from '../libc/fd.js';
import type { VulkanSource } from '../sources/vulkan.js';
import type { Device } from '../vulkan/device.js';
import {
  destroyImported,
  type Imported,
  importBuffer,
  importOpaque,
  importProblem,
} from '../vulkan/import.js';
import type { TransferBuffer } from '../vulkan/transfer.js';
import { Windows } from './windows.js';

export interface Memory {
  readonly fd: number;
  /** Bytes. */
  readonly size: number;
  /** The same for whoever has this memory, and for nothing else. */
  readonly name: string;
}

/** The distinct memories of a buffer, and in which of them each plane lies. */
export interface Memories {
  readonly all: readonly Memory[];
  readonly ofPlane: readonly number[];
}

/** Opaque fds may all be of one file (/dev/nvidiactl); keys are unique over all devices. */
export const opaqueName = (key: number) => `opaque ${key}`;

/** Of what an earlier daemon has made there is no key: of a buffer's memory the data plane has one fd. */
const opaqueNameOf = (key: number, fd: number) =>
  key === NOTHING_KEPT ? `opaque fd ${fd}` : opaqueName(key);

export function memoriesOf({ handleType, key, fds, size }: MemoryReference): Memories {
  const all: Memory[] = [];
  const ofPlane = fds.map((fd) => {
    const name = handleType === 'opaque_fd' ? opaqueNameOf(key, fd) : identity(fd);
    const known = all.findIndex((memory) => memory.name === name);
    if (known >= 0) return known;
    const bytes = () => (handleType === 'dma_buf' ? Number(dmaBufSize(fd)) : fstatSync(fd).size);
    return all.push({ fd, name, size: handleType === 'opaque_fd' ? size : bytes() }) - 1;
  });
  return { all, ofPlane };
}

/** One entry for each memory. */
export interface DeviceEnd {
  readonly buffers: readonly TransferBuffer[];
  close(): void;
}

/** Null where the device cannot take the memory. */
export function openOnDevice(
  device: Device,
  opaque: VulkanSource | null,
  { handleType, key, size, again }: MemoryReference,
  { all }: Memories,
): DeviceEnd | null {
  if (handleType === 'memfd') return null;
  if (handleType === 'opaque_fd') {
    const [memory] = all;
    if (again !== undefined && memory !== undefined) {
      const objects = importOpaque(device, memory.fd, BigInt(size), again);
      const close = () => destroyImported(device, objects);
      return { buffers: [{ buffer: objects.buffer, handleType }], close };
    }
    // Importing it again would want the allocation's type and, where dedicated, its very VkBuffer
    // (VUID-VkMemoryAllocateInfo-allocationSize-01742): the source has that one.
    const buffer = opaque?.bufferOf(key) ?? null;
    return buffer === null ? null : { buffers: [{ buffer, handleType }], close: () => {} };
  }
  if (importProblem(device) !== null) return null;
  const imported: Imported[] = [];
  const close = () => {
    for (const objects of imported) destroyImported(device, objects);
  };
  try {
    for (const { fd, size } of all) imported.push(importBuffer(device, fd, BigInt(size)));
  } catch (error) {
    close();
    // No memory type takes it (vkGetMemoryFdPropertiesKHR), say; a lost device takes nothing any more.
    if (error instanceof BrokerError && error.code !== 'device_lost') return null;
    throw error;
  }
  return { buffers: imported.map(({ buffer }) => ({ buffer, handleType })), close };
}

export interface CpuEnd {
  /** Bytes of a memory, MOST_AT_ONCE at most; good until the next call for the same memory. */
  at(memory: number, offset: number, size: number): Buffer;
  close(): void;
}

/**
 * Maps the memories, between DMA_BUF_IOCTL_SYNC's start and (in `close`) end. Null where the CPU
 * cannot: an opaque fd, an exporter without mmap.
 */
export function openOnCpu(
  { handleType }: MemoryReference,
  { all }: Memories,
  access: 'read' | 'write',
): CpuEnd | null {
  if (handleType === 'opaque_fd') return null;
  const write = access === 'write';
  const open: Windows[] = [];
  const begun: number[] = [];
  const close = () => {
    try {
      for (const fd of begun.splice(0)) sync(fd, 'end', { read: !write, write });
    } finally {
      for (const windows of open.splice(0)) windows.close();
    }
  };
  try {
    for (const { fd, size } of all) {
      open.push(new Windows(fd, size, write));
      if (handleType !== 'dma_buf') continue;
      sync(fd, 'start', { read: !write, write });
      begun.push(fd);
    }
  } catch (error) {
    close();
    if (error instanceof SystemError && error.syscall === 'mmap') return null;
    throw error;
  }
  const at = (memory: number, offset: number, size: number) => {
    const windows = open[memory];
    if (windows === undefined) throw new Error(`there is no memory ${memory}`);
    return windows.at(offset, size);
  };
  return { at, close };
}

/** Runs `body` and closes what it has told to keep. */
export function withEnds<T>(
  body: (keep: <E extends { close(): void } | null>(end: E) => E) => T,
): T {
  const open: { close(): void }[] = [];
  try {
    return body((end) => {
      if (end !== null) open.push(end);
      return end;
    });
  } finally {
    for (const end of open) end.close();
  }
}
