/**
 * pidfds: a process that no other can be taken for, whatever becomes of its number (pidfd_open(2)).
 * Each is CLOEXEC and its caller's.
 */
import { addressOf, callInt, callLong, lastErrno, symbol } from '../ffi.js';
import { SystemError } from './errno.js';

/** The same number on every architecture (asm-generic/unistd.h). */
const SYS_pidfd_open = 434;
const POLLIN = 1;

const syscall = symbol('syscall');
const poll = symbol('poll');
/** struct pollfd: int fd; short events; short revents (poll(2)). */
const pollfd = new Int32Array(2);
const pollfdAddress = addressOf(new Uint8Array(pollfd.buffer));
const shorts = new Int16Array(pollfd.buffer);

/** A pidfd of whoever has this number now; null where nobody has. */
export function openPidfd(pid: number): number | null {
  const fd = callLong(syscall, SYS_pidfd_open, pid, 0);
  return fd < 0 ? null : fd;
}

/** Whether the process has ended: a pidfd is readable from then on. */
export function hasExited(pidfd: number): boolean {
  pollfd[0] = pidfd;
  shorts[2] = POLLIN;
  const ready = callInt(poll, pollfdAddress, 1, 0);
  if (ready < 0) throw new SystemError('poll', lastErrno(), `pidfd ${pidfd}`);
  return ready > 0;
}
