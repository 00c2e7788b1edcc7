/** What the kernel's exporter of a dma_buf tells and demands, beyond Vulkan. */
import { readFileSync } from 'node:fs';
import { callLong, symbol } from '../ffi.js';

const lseek = symbol('lseek');
const SEEK_SET = 0;
const SEEK_END = 2;

/** A dma_buf's size in bytes: its file may be larger than the allocation (dma_buf_llseek knows only these). */
export function dmaBufSize(fd: number): bigint {
  const size = callLong(lseek, fd, 0, SEEK_END);
  callLong(lseek, fd, 0, SEEK_SET);
  return BigInt(Math.max(size, 0));
}

const UDMABUF_LIMIT = '/sys/module/udmabuf/parameters/size_limit_mb';

/**
 * drivers/dma-buf/udmabuf.c refuses more in one dma_buf, 64 MiB by default. Null where it does not say.
 */
export function udmabufLimit(): { bytes: bigint; hint: string } | null {
  try {
    const megabytes = BigInt(readFileSync(UDMABUF_LIMIT, 'utf8').trim());
    return {
      bytes: megabytes << 20n,
      hint: `: an administrator can raise ${UDMABUF_LIMIT} (now ${megabytes})`,
    };
  } catch {
    return null;
  }
}
