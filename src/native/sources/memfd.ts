/**
 * The memfd source: sealed shared memory for developing clients on a machine that has no exporter
 * of dma_bufs. It is never called a dma_buf: its handle type says memfd, and it is only taken where
 * a request accepts that type.
 */
import { close, reopen } from '../libc/fd.js';
import { sealedMemfd } from '../libc/memory.js';
import { LinearSource } from './linear.js';

export class MemfdSource extends LinearSource {
  constructor() {
    super({
      name: 'memfd',
      handleType: 'memfd',
      exporter: null,
      // shmem's pages come when they are touched, and zeroed (mm/shmem.c, shmem_get_folio_gfp).
      committed: false,
      limit: () => null,
      create: (bytes, name) => {
        const memfd = sealedMemfd(name, bytes);
        try {
          // A description that the kernel counts as opened, so that remains.ts can tell when it is gone.
          return reopen(memfd);
        } finally {
          close(memfd);
        }
      },
      close: () => {},
    });
  }
}
