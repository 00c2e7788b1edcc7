/**
 * dma-heaps: dma_bufs from the kernel without any GPU (include/uapi/linux/dma-heap.h). `system` is
 * ordinary pages; CMA heaps, physically contiguous, are what V4L2 codecs on ARM boards want.
 *
 * Owns: the open heap device.
 */
import { closeSync, openSync } from 'node:fs';
import { BrokerError } from '../../memory/errors.js';
import { isMainline } from '../../memory/heaps.js';
import { PIECE_BYTES } from '../../memory/limits.js';
import type { Steps } from '../../memory/steps.js';
import { regionMemory } from '../cma-regions.js';
import { info, setName, sync } from '../dmabuf.js';
import { ioctlCall } from '../later.js';
import { check } from '../libc/errno.js';
import { owning } from '../libc/fd.js';
import { cut, Windows } from '../transfer/windows.js';
import type { MemoryLimit } from '../udmabuf-limits.js';
import type { Exporter } from './linear.js';

/** `_IOWR('H', 0, struct dma_heap_allocation_data)`: u64 len, u32 fd, u32 fd_flags, u64 heap_flags. */
const DMA_HEAP_IOCTL_ALLOC = 0xc018_4800;
const ALLOCATION_DATA = { size: 24, len: 0, fd: 8, fdFlags: 12 };
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;

export const HEAPS = '/dev/dma_heap';

interface HeapOptions {
  readonly folder?: string;
  /** What it takes from, where the kernel counts that (SourceState). */
  readonly region?: string | undefined;
}

/** Opens `/dev/dma_heap/<heap>`; throws where that cannot be. What may not be zeroed is cleared here. */
export function heapExporter(heap: string, { folder = HEAPS, region }: HeapOptions = {}): Exporter {
  // Read access suffices (dma_heap_ioctl asks for no more); Node opens everything with O_CLOEXEC.
  const device = openSync(`${folder}/${heap}`, 'r');
  return {
    name: `dma-heap:${heap}`,
    handleType: 'dma_buf',
    // dma_heap_get_name is every mainline heap's exp_name.
    exporter: heap,
    committed: true,
    limit: () => null,
    ...(region !== undefined && { room: () => roomOf(region) }),
    create: function* (bytes, name) {
      const data = argumentOf(bytes);
      const made = yield ioctlCall(device, DMA_HEAP_IOCTL_ALLOC, data);
      check('ioctl', made, 'DMA_HEAP_IOCTL_ALLOC');
      return owning(data.readUInt32LE(ALLOCATION_DATA.fd), (fd) => {
        // The kernel has just given it: it is nobody else's file.
        if (info(fd) === null) throw new BrokerError('internal', `${heap} gave something else`);
        setName(fd, name);
        return fd;
      });
    },
    ...(!isMainline(heap) && { clear }),
    close: () => closeSync(device),
  };
}

function roomOf(region: string): MemoryLimit | null {
  const memory = regionMemory(region);
  if (memory === null) return null;
  const { size, available } = memory;
  return { bytes: available, reason: `of its ${size} bytes ${available} are free` };
}

function argumentOf(bytes: number): Buffer {
  const data = Buffer.alloc(ALLOCATION_DATA.size);
  data.writeBigUInt64LE(BigInt(bytes), ALLOCATION_DATA.len);
  data.writeUInt32LE(O_RDWR | O_CLOEXEC, ALLOCATION_DATA.fdFlags);
  return data;
}

/** Clears memory by the CPU, caches included. */
export function* clear(fd: number, bytes: number): Steps<void> {
  const windows = new Windows(fd, bytes, true);
  try {
    for (const { offset, size } of cut(0, bytes, PIECE_BYTES)) {
      if (offset > 0) yield;
      sync(fd, 'start', { read: false, write: true });
      windows.at(offset, size).fill(0);
      sync(fd, 'end', { read: false, write: true });
    }
  } finally {
    windows.close();
  }
}
