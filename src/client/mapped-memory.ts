/**
 * Memory of a buffer that this process has mapped, with the calls that keep caches coherent.
 *
 * Owns: the mapping, until `unmap`. The fd that it synchronises with is its buffer's.
 */
import { sync } from '../native/dmabuf.js';
import type { Mapping } from '../native/libc/memory.js';

/** Mapped memory. Access through `read` and `write`, which keep caches coherent. */
export class MappedMemory {
  constructor(
    private readonly mapping: Mapping,
    /** The dma_buf to synchronise with, or null where that is not needed (memfd). */
    private readonly dmaBuf: number | null,
  ) {}

  /** The memory. Outside `read` and `write` a device may see or show other bytes. */
  get bytes(): Buffer {
    return this.mapping.bytes;
  }

  #between<T>(access: { read: boolean; write: boolean }, body: (bytes: Buffer) => T): T {
    if (this.dmaBuf === null) return body(this.bytes);
    sync(this.dmaBuf, 'start', access);
    try {
      return body(this.bytes);
    } finally {
      sync(this.dmaBuf, 'end', access);
    }
  }

  /** Runs `body` between DMA_BUF_IOCTL_SYNC's start and end for reading. */
  read<T>(body: (bytes: Buffer) => T): T {
    return this.#between({ read: true, write: false }, body);
  }

  /** Runs `body` between DMA_BUF_IOCTL_SYNC's start and end for reading and writing. */
  write<T>(body: (bytes: Buffer) => T): T {
    return this.#between({ read: true, write: true }, body);
  }

  /** Drops the mapping; `bytes` shows private zeroes from then on. */
  unmap(): void {
    this.mapping.release();
  }
}
