/**
 * What is in a memfd that somebody else has made and sealed: it stays what it was found to be, and the kernel alone
 * serves it, so that to read it waits for nobody.
 *
 * Owns nothing.
 */
import { fstatSync, readSync } from 'node:fs';
import { isSealed } from './libc/memory.js';

/** A copy of its `size` bytes; or why there is none, as the rest of a sentence about it. The fd is a memfd (kind.ts). */
export function sealedContent(fd: number, size: number): Uint8Array | string {
  if (!isSealed(fd)) return 'it can be changed: seal it (F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE)';
  try {
    const { size: has } = fstatSync(fd);
    if (has !== size) return `it has ${has} bytes and not ${size}`;
    const bytes = Buffer.alloc(size);
    const read = readSync(fd, bytes, 0, size, 0);
    return read === size ? bytes : `${read} of its ${size} bytes can be read`;
  } catch {
    return 'it cannot be read by this descriptor';
  }
}
