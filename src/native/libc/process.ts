/**
 * Processes and threads as the kernel tells them apart: a pidfd is a process that no other can be taken for,
 * whatever becomes of its number (pidfd_open(2)); it is CLOEXEC and its caller's.
 */
import { fstatSync } from 'node:fs';
import { callInt, callLong, lastErrno, symbol, transientString } from '../ffi.js';
import { check, SystemError } from './errno.js';
import { close } from './fd.js';
import { isReady, POLLIN } from './poll.js';

const syscall = symbol('syscall');
const EPOLL_CLOEXEC = 0o2000000;

/** The same number on every architecture (asm-generic/unistd.h). */
const SYS_pidfd_open = 434;

/** A pidfd of whoever has this number now; null where nobody has. */
export function openPidfd(pid: number): number | null {
  const fd = callLong(syscall, SYS_pidfd_open, pid, 0);
  return fd < 0 ? null : fd;
}

/**
 * What tells a process from every other for as long as the machine runs: its pidfd's inode (pidfs, Linux 6.9);
 * null before that, where all pidfds are of one file, as eventfds are.
 */
export function processName(pidfd: number): string | null {
  const { dev, ino } = fstatSync(pidfd, { bigint: true });
  anonymous ??= anonymousDevice();
  return dev === anonymous ? null : `${dev}:${ino}`;
}

/** A pidfd of the process that has this number and is called so; null where that has ended. */
export function openProcess(pid: number, name: string): number | null {
  if (pid <= 0) return null;
  const pidfd = openPidfd(pid);
  if (pidfd === null || processName(pidfd) === name) return pidfd;
  close(pidfd);
  return null;
}

/** st_dev of what has no file system of its own (anon_inodefs). */
let anonymous: bigint | null = null;

function anonymousDevice(): bigint {
  const fd = callInt(symbol('epoll_create1'), EPOLL_CLOEXEC);
  check('epoll_create1', fd < 0 ? -lastErrno() : fd);
  try {
    return fstatSync(fd, { bigint: true }).dev;
  } finally {
    close(fd);
  }
}

/** Whether the process has ended: a pidfd is readable from then on. */
export const hasExited = (pidfd: number): boolean => isReady(pidfd, POLLIN);

/** x86 numbers its calls differently from asm-generic/unistd.h, which all others of 64 bits follow. */
const SYS_kcmp = process.arch === 'x64' ? 312 : 272;
/** linux/kcmp.h */
const KCMP_FILES = 2;

/**
 * Whether two threads have one table of file descriptors (kcmp(2)): clone(2) and unshare(2) give a thread of
 * a process one of its own. Takes the same rights as reading /proc/PID/fd.
 * Throws SystemError: ESRCH where one of them has gone, ENOSYS where the kernel compares none.
 */
export function shareFds(tid: number, other: number): boolean {
  const order = callLong(syscall, SYS_kcmp, tid, other, KCMP_FILES, 0, 0);
  if (order >= 0) return order === 0;
  const errno = lastErrno();
  throw new SystemError('kcmp', errno, `${tid} and ${other}`);
}

const PR_SET_NAME = 15;
const prctl = symbol('prctl');

/** Names the calling thread for top(1): at most 15 bytes (prctl(2)); more are cut. */
export function nameThread(name: string): void {
  callInt(prctl, PR_SET_NAME, transientString(name));
}

const alarm = symbol('alarm');

/**
 * The kernel ends the process after so many seconds, whatever it is waiting for (alarm(2), SIGALRM's default);
 * 0: it does not.
 */
export function endAfter(seconds: number): void {
  callInt(alarm, seconds);
}
