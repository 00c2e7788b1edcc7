/**
 * Whether two threads have one table of file descriptors (kcmp(2)): clone(2) and unshare(2) give a thread of
 * a process one of its own. Takes the same rights as reading /proc/PID/fd.
 */
import { callLong, lastErrno, symbol } from '../ffi.js';
import { SystemError } from './errno.js';

/** x86 numbers its calls differently from asm-generic/unistd.h, which all others of 64 bits follow. */
const SYS_kcmp = process.arch === 'x64' ? 312 : 272;
/** linux/kcmp.h */
const KCMP_FILES = 2;

const syscall = symbol('syscall');

/** Throws SystemError: ESRCH where one of them has gone, ENOSYS where the kernel compares none. */
export function shareFds(tid: number, other: number): boolean {
  const order = callLong(syscall, SYS_kcmp, tid, other, KCMP_FILES, 0, 0);
  if (order >= 0) return order === 0;
  const errno = lastErrno();
  throw new SystemError('kcmp', errno, `${tid} and ${other}`);
}
