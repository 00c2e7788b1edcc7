/**
 * udmabuf: a memfd's pages as a dma_buf (include/uapi/linux/udmabuf.h, drivers/dma-buf/udmabuf.c).
 * For machines without a GPU driver or a dma-heap that the daemon may open.
 *
 * Owns: the open device.
 */
import { closeSync, openSync } from 'node:fs';
import { notOwnMemory } from '../../memory/own-memory.js';
import type { OwnMemory } from '../../memory/source.js';
import { setName } from '../dmabuf.js';
import { ioctlCall } from '../later.js';
import { check, SystemError } from '../libc/errno.js';
import { close, owning } from '../libc/fd.js';
import { sealedMemfd, sealFromWriters, sizedMemfd } from '../libc/memory.js';
import { udmabufLimit } from '../udmabuf-limits.js';
import type { Creation, Exporter } from './linear.js';

/** `_IOW('u', 0x42, struct udmabuf_create)`: u32 memfd, u32 flags, u64 offset, u64 size. */
const UDMABUF_CREATE = 0x4018_7542;
const CREATE = { size: 24, memfd: 0, flags: 4, offset: 8, length: 16 };
const UDMABUF_FLAGS_CLOEXEC = 1;

/** Opens /dev/udmabuf; throws where that cannot be. */
export function udmabufExporter(path = '/dev/udmabuf'): Exporter {
  const device = openSync(path, 'r+');
  return {
    name: 'udmabuf',
    handleType: 'dma_buf',
    exporter: 'udmabuf',
    // udmabuf_create takes every page of the memfd; fresh ones are zeroed (mm/shmem.c).
    committed: true,
    limit: udmabufLimit,
    create: function* (bytes, name) {
      const memfd = sealedMemfd(name, bytes);
      try {
        return yield* made(device, bytes, name, { fd: memfd, offset: 0 });
      } finally {
        close(memfd);
      }
    },
    // The memfd is for reading: who could write by it could take pages out of it (FALLOC_FL_PUNCH_HOLE), and have others in
    // their place that are not the dma_buf's, and that nobody is charged for. It is sealed when the udmabuf is there, which
    // newer kernels make of no memfd that is sealed so.
    createWithMemfd: function* (bytes, name) {
      const memfd = sizedMemfd(name, bytes);
      let fd = -1;
      let isDone = false;
      try {
        fd = yield* made(device, bytes, name, { fd: memfd, offset: 0 });
        sealFromWriters(memfd);
        isDone = true;
        return { fd, memfd };
      } finally {
        if (!isDone) for (const each of [fd, memfd]) if (each >= 0) close(each);
      }
    },
    // Waits for whoever holds the inode's lock, which a client can for as long as it likes (a write(2) from a FUSE file).
    wrap: function* (bytes, name, memory) {
      try {
        return yield* made(device, bytes, name, memory);
      } catch (error) {
        // memfd_pin_folios: its end; check_memfd_seals: what was sealed since.
        if (!(error instanceof SystemError) || error.code !== 'EINVAL') throw error;
        throw notOwnMemory(`the memfd has no ${bytes} bytes at ${memory.offset}, or is sealed`);
      }
    },
    close: () => closeSync(device),
  };
}

/** It demands F_SEAL_SHRINK and refuses F_SEAL_WRITE (check_memfd_seals). The memfd stays the caller's. */
function* made(
  device: number,
  bytes: number,
  name: string,
  { fd: memfd, offset }: OwnMemory,
): Creation<number> {
  const result = yield ioctlCall(device, UDMABUF_CREATE, argumentOf(memfd, offset, bytes));
  return owning(check('ioctl', result, 'UDMABUF_CREATE'), (fd) => {
    setName(fd, name);
    return fd;
  });
}

function argumentOf(memfd: number, offset: number, bytes: number): Buffer {
  const data = Buffer.alloc(CREATE.size);
  data.writeUInt32LE(memfd, CREATE.memfd);
  data.writeUInt32LE(UDMABUF_FLAGS_CLOEXEC, CREATE.flags);
  data.writeBigUInt64LE(BigInt(offset), CREATE.offset);
  data.writeBigUInt64LE(BigInt(bytes), CREATE.length);
  return data;
}
