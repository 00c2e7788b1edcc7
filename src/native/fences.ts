/**
 * Fences that others have attached to a dma_buf: work of theirs on its memory that has not ended
 * (implicit synchronisation; Documentation/driver-api/dma-buf.rst, "Implicit Fence Poll Support").
 */
import { EMFILE, ENFILE, ENOTTY, SystemError } from './libc/errno.js';
import { close } from './libc/fd.js';
import { ioctl } from './libc/ioctl.js';
import { isReady, POLLIN, POLLOUT } from './libc/poll.js';

/** `_IOWR('b', 2, struct dma_buf_export_sync_file)`: u32 flags, s32 fd (linux/dma-buf.h, Linux 6.0). */
const DMA_BUF_IOCTL_EXPORT_SYNC_FILE = 0xc008_6202;
const EXPORT_SYNC_FILE = { size: 8, flags: 0, fd: 4 };
/** DMA_BUF_SYNC_READ waits for writers, DMA_BUF_SYNC_WRITE for readers as well. */
const FLAGS = { read: 1, write: 2 } as const;

export interface Fence {
  signalled(): boolean;
  close(): void;
}

/**
 * The fences that are there now and that matter for what is about to be done, as one; null where all
 * have signalled. The dma_buf stays the caller's, and open until `close`.
 */
export function pendingFence(dmaBuf: number, access: 'read' | 'write'): Fence | null {
  const fence = exported(dmaBuf, access);
  let signalled = true;
  try {
    signalled = fence.signalled();
  } finally {
    if (signalled) fence.close();
  }
  return signalled ? null : fence;
}

function exported(dmaBuf: number, access: 'read' | 'write'): Fence {
  const struct = Buffer.alloc(EXPORT_SYNC_FILE.size);
  struct.writeUInt32LE(FLAGS[access], EXPORT_SYNC_FILE.flags);
  try {
    ioctl(dmaBuf, 'DMA_BUF_IOCTL_EXPORT_SYNC_FILE', DMA_BUF_IOCTL_EXPORT_SYNC_FILE, struct);
  } catch (error) {
    const without = [ENOTTY, EMFILE, ENFILE];
    if (!(error instanceof SystemError) || !without.includes(error.errno)) throw error;
    // An older kernel, or no fd left: then the dma_buf itself, which also tells of later fences.
    const events = access === 'read' ? POLLIN : POLLOUT;
    return { signalled: () => isReady(dmaBuf, events), close: () => {} };
  }
  const syncFile = struct.readInt32LE(EXPORT_SYNC_FILE.fd);
  return { signalled: () => isReady(syncFile, POLLIN), close: () => close(syncFile) };
}
