/**
 * udmabuf: a memfd's pages as a dma_buf (include/uapi/linux/udmabuf.h, drivers/dma-buf/udmabuf.c).
 * For machines without a GPU driver or a dma-heap that the daemon may open.
 *
 * Owns: the open device.
 */
import { closeSync, openSync } from 'node:fs';
import { setName } from '../dmabuf.js';
import { ioctlCall } from '../later.js';
import { check } from '../libc/errno.js';
import { close, owning } from '../libc/fd.js';
import { sealedMemfd } from '../libc/memory.js';
import { udmabufLimit } from '../udmabuf-limits.js';
import type { Exporter } from './linear.js';

/** `_IOW('u', 0x42, struct udmabuf_create)`: u32 memfd, u32 flags, u64 offset, u64 size. */
const UDMABUF_CREATE = 0x4018_7542;
const CREATE = { size: 24, memfd: 0, flags: 4, length: 16 };
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
      // It demands F_SEAL_SHRINK and refuses F_SEAL_WRITE (check_memfd_seals).
      const memfd = sealedMemfd(name, bytes);
      try {
        const made = yield ioctlCall(device, UDMABUF_CREATE, argumentOf(memfd, bytes));
        return owning(check('ioctl', made, 'UDMABUF_CREATE'), (fd) => {
          setName(fd, name);
          return fd;
        });
      } finally {
        close(memfd);
      }
    },
    close: () => closeSync(device),
  };
}

function argumentOf(memfd: number, bytes: number): Buffer {
  const data = Buffer.alloc(CREATE.size);
  data.writeUInt32LE(memfd, CREATE.memfd);
  data.writeUInt32LE(UDMABUF_FLAGS_CLOEXEC, CREATE.flags);
  data.writeBigUInt64LE(BigInt(bytes), CREATE.length);
  return data;
}
