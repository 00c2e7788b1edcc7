/**
 * Whether a memfd that a client gave can be made into a dma_buf for everybody: what the kernel's udmabuf demands
 * (check_memfd_seals), and that the client could write it anyhow. Only the open file is asked, never its inode, whose lock
 * its owner may hold (native/kind.ts says what else waits).
 *
 * Owns nothing.
 */
import type { BrokerError } from '../memory/errors.js';
import { notOwnMemory } from '../memory/own-memory.js';
import { isWritable } from './libc/fd.js';
import { PAGE_SIZE, sealsOf } from './libc/memory.js';

const F_SEAL_SHRINK = 2;
/** F_SEAL_WRITE and F_SEAL_FUTURE_WRITE: older kernels do not look at the second. */
const UNWRITABLE = 8 | 16;

/** Of a memfd; null: it can be. */
export function problemOf(memfd: number, offset: number): BrokerError | null {
  if (offset % PAGE_SIZE !== 0 || !Number.isSafeInteger(offset)) {
    return notOwnMemory(`a memory begins at a multiple of ${PAGE_SIZE}`, offset);
  }
  // Who can only read must not become one who writes.
  if (!isWritable(memfd)) return notOwnMemory('the memfd is not open for reading and writing');
  const seals = sealsOf(memfd);
  if ((seals & F_SEAL_SHRINK) === 0) return notOwnMemory('the memfd lacks F_SEAL_SHRINK');
  return (seals & UNWRITABLE) === 0 ? null : notOwnMemory('the memfd is sealed against writing');
}
