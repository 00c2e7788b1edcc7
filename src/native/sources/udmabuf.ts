/**
 * udmabuf: a memfd's pages as a dma_buf (include/uapi/linux/udmabuf.h, drivers/dma-buf/udmabuf.c).
 * For machines without a GPU driver or a dma-heap that the daemon may open.
 *
 * Owns: the open device.
 */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setName } from '../dmabuf.js';
import { ioctlCall } from '../later.js';
import { check } from '../libc/errno.js';
import { close, owning } from '../libc/fd.js';
import { sealedMemfd, sealFromWriters, sizedMemfd } from '../libc/memory.js';
import { sampled } from '../sampled.js';
import type { Creation, Exporter, MemoryLimit } from './linear.js';

/** `_IOW('u', 0x42, struct udmabuf_create)`: u32 memfd, u32 flags, u64 offset, u64 size. */
const UDMABUF_CREATE = 0x4018_7542;
const CREATE = { size: 24, memfd: 0, flags: 4, length: 16 };
const UDMABUF_FLAGS_CLOEXEC = 1;

export const UDMABUF_PARAMETERS = '/sys/module/udmabuf/parameters';

/** How old an administrator's setting may be. */
const LIMIT_MS = 1000;

export interface UdmabufLimits {
  /** Bytes in one dma_buf: `size_limit_mb`, 64 MiB by default. */
  readonly size: number;
  /** memfds in one dma_buf: `list_limit`; one is used here. */
  readonly list: number;
}

/** The module's parameters as they are now; null where the kernel does not show them. */
export function udmabufLimits(folder = UDMABUF_PARAMETERS): UdmabufLimits | null {
  const read = (name: string) => Number(readFileSync(`${folder}/${name}`, 'utf8').trim());
  try {
    return { size: read('size_limit_mb') * 2 ** 20, list: read('list_limit') };
  } catch {
    return null;
  }
}

const limit = sampled((): MemoryLimit | null => {
  const found = udmabufLimits();
  if (found === null) return null;
  const parameter = `${UDMABUF_PARAMETERS}/size_limit_mb`;
  const reason = `an administrator can raise ${parameter} (now ${found.size / 2 ** 20})`;
  return { bytes: found.size, reason };
}, LIMIT_MS);

/** Opens /dev/udmabuf; throws where that cannot be. */
export function udmabufExporter(path = '/dev/udmabuf'): Exporter {
  const device = openSync(path, 'r+');
  return {
    name: 'udmabuf',
    handleType: 'dma_buf',
    exporter: 'udmabuf',
    // udmabuf_create takes every page of the memfd; fresh ones are zeroed (mm/shmem.c).
    committed: true,
    limit,
    create: function* (bytes, name) {
      const memfd = sealedMemfd(name, bytes);
      try {
        return yield* made(device, memfd, bytes, name);
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
        fd = yield* made(device, memfd, bytes, name);
        sealFromWriters(memfd);
        isDone = true;
        return { fd, memfd };
      } finally {
        if (!isDone) for (const each of [fd, memfd]) if (each >= 0) close(each);
      }
    },
    close: () => closeSync(device),
  };
}

/** It demands F_SEAL_SHRINK and refuses F_SEAL_WRITE (check_memfd_seals). The memfd stays the caller's. */
function* made(device: number, memfd: number, bytes: number, name: string): Creation<number> {
  const result = yield ioctlCall(device, UDMABUF_CREATE, argumentOf(memfd, bytes));
  return owning(check('ioctl', result, 'UDMABUF_CREATE'), (fd) => {
    setName(fd, name);
    return fd;
  });
}

function argumentOf(memfd: number, bytes: number): Buffer {
  const data = Buffer.alloc(CREATE.size);
  data.writeUInt32LE(memfd, CREATE.memfd);
  data.writeUInt32LE(UDMABUF_FLAGS_CLOEXEC, CREATE.flags);
  data.writeBigUInt64LE(BigInt(bytes), CREATE.length);
  return data;
}
