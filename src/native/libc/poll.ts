/** poll(2) of one fd without waiting. The fd stays its caller's. */
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
