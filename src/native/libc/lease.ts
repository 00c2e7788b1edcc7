/**
 * Leases (fcntl(2), F_SETLEASE), used to ask whether a file is open anywhere else: a write lease is
 * granted only where it is not. It is given back at once. The fds stay their caller's.
 */
import { constants } from 'node:os';
import { callInt, lastErrno, symbol } from '../ffi.js';
import { EAGAIN, SystemError } from './errno.js';

const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;

const fcntl = symbol('fcntl');

/**
 * Whether the file, opened for writing with open(2), is open through this one description alone. The
 * file must be the caller's user's own, or it must have CAP_LEASE.
 */
export function leasable(fd: number): boolean {
  // Who opens the file in between breaks the lease: SIGIO, the default, would end the process.
  callInt(fcntl, fd, F_SETSIG, constants.signals.SIGURG);
  if (callInt(fcntl, fd, F_SETLEASE, F_WRLCK) < 0) {
    if (lastErrno() === EAGAIN) return false;
    throw new SystemError('fcntl', lastErrno(), 'F_SETLEASE');
  }
  callInt(fcntl, fd, F_SETLEASE, F_UNLCK);
  return true;
}
