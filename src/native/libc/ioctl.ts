/** ioctl(2) with a struct that the kernel reads and writes. The fd stays its caller's. */
import { addressOf, callInt, lastErrno, symbol } from '../ffi.js';
import { SystemError } from './errno.js';

const ioctlFn = symbol('ioctl');

/** Returns what the call returns (an fd, for some). `name` is the request's, for the error. */
export function ioctl(fd: number, name: string, request: number, struct: Uint8Array): number {
  const result = callInt(ioctlFn, fd, request, addressOf(struct));
  if (result < 0) throw new SystemError('ioctl', lastErrno(), name);
  return result;
}
