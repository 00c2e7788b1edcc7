/**
 * pidfds: a process that no other can be taken for, whatever becomes of its number (pidfd_open(2)).
 * Each is CLOEXEC and its caller's.
 */
import { callLong, symbol } from '../ffi.js';
import { isReady, POLLIN } from './poll.js';

/** The same number on every architecture (asm-generic/unistd.h). */
const SYS_pidfd_open = 434;

const syscall = symbol('syscall');

/** A pidfd of whoever has this number now; null where nobody has. */
export function openPidfd(pid: number): number | null {
  const fd = callLong(syscall, SYS_pidfd_open, pid, 0);
  return fd < 0 ? null : fd;
}

/** Whether the process has ended: a pidfd is readable from then on. */
export const hasExited = (pidfd: number): boolean => isReady(pidfd, POLLIN);
