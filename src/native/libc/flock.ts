/**
 * Locks on open files (flock(2)): the kernel keeps one for as long as the file is open, and no longer,
 * whatever becomes of the process. The fd stays its caller's.
 */
import { callInt, lastErrno, symbol } from '../ffi.js';
import { EAGAIN, SystemError } from './errno.js';

const LOCK_EX = 2;
const LOCK_NB = 4;

const flock = symbol('flock');

/** Whether nobody else has the lock; then it is this open file's until that is closed. */
export function lock(fd: number): boolean {
  if (callInt(flock, fd, LOCK_EX | LOCK_NB) === 0) return true;
  if (lastErrno() === EAGAIN) return false;
  throw new SystemError('flock', lastErrno(), `fd ${fd}`);
}
