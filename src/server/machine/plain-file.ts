/**
 * Opens and reads a file of the state folder without waiting for what may be in its place: a FIFO's open(2)
 * waits for its other end, a device's read(2) may never end, and so would the start. What is no regular
 * file, or far larger than any that the daemon has written, is refused as a system call refuses it.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { SystemError } from '../../native/libc/errno.js';

const { EFBIG, EINVAL } = osConstants.errno;

/** Far more than as many quotas as anybody sets; a file is read as a whole. */
export const MAX_STATE_BYTES = 16 * 1024 * 1024;

/** The fd is the caller's. Throws a system error, EINVAL where it is no regular file. */
export function openPlain(path: string, flags: number, mode?: number): number {
  const fd = openSync(path, flags | constants.O_NONBLOCK, mode);
  try {
    if (!fstatSync(fd).isFile()) throw new SystemError('open', EINVAL, `${path} is no file`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Throws a system error; EFBIG where it is larger than `MAX_STATE_BYTES`. */
export function readPlain(path: string): string {
  const fd = openPlain(path, constants.O_RDONLY);
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_STATE_BYTES) {
      throw new SystemError('read', EFBIG, `${path} has ${size} bytes, ${MAX_STATE_BYTES} at most`);
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
