/** poll(2): of one fd without waiting, or of some for as long as it takes. The fds stay their caller's. */
import { addressOf, callInt, lastErrno, symbol } from '../ffi.js';
import { EINTR, SystemError } from './errno.js';

export const POLLIN = 1;
export const POLLOUT = 4;

const poll = symbol('poll');
/** struct pollfd: int fd; short events; short revents. */
const pollfd = new Int32Array(2);
const pollfdAddress = addressOf(new Uint8Array(pollfd.buffer));
const shorts = new Int16Array(pollfd.buffer);

/** Whether one of `events` (or an error, which is always told) is there now. */
export function isReady(fd: number, events: number): boolean {
  pollfd[0] = fd;
  shorts[2] = events;
  const ready = callInt(poll, pollfdAddress, 1, 0);
  if (ready >= 0) return ready > 0;
  const errno = lastErrno();
  if (errno === EINTR) return false;
  throw new SystemError('poll', errno, `fd ${fd}`);
}

/**
 * Waits for one of the fds, each with its events, or until so many milliseconds have passed (-1: for ever). Returns those
 * that are ready: none when the time is over, null where a signal came. It blocks the thread.
 */
export function waitFor(
  fds: readonly (readonly [fd: number, events: number])[],
  ms: number,
): ReadonlySet<number> | null {
  const words = new Int32Array(2 * fds.length);
  const halves = new Int16Array(words.buffer);
  for (const [index, [fd, events]] of fds.entries()) {
    words[2 * index] = fd;
    halves[4 * index + 2] = events;
  }
  if (callInt(poll, addressOf(new Uint8Array(words.buffer)), fds.length, ms) < 0) {
    const errno = lastErrno();
    if (errno === EINTR) return null;
    throw new SystemError('poll', errno);
  }
  return new Set(fds.filter((_, index) => halves[4 * index + 3] !== 0).map(([fd]) => fd));
}
