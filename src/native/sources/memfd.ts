/**
 * The memfd source: sealed shared memory for developing clients on a machine that has no exporter
 * of dma_bufs. It is never called a dma_buf: its handle type says memfd, and it is only taken where
 * a request accepts that type.
 */
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
      createNow: (bytes, name) => sealedMemfd(name, bytes),
      // biome-ignore lint/correctness/useYield: there is no call in it that takes long
      create: function* (bytes, name) {
        return sealedMemfd(name, bytes);
      },
      close: () => {},
    });
  }
}
