/** Unix sockets for tests of what travels on them. */
import { callInt, lastErrno, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close } from '../../src/native/libc/fd.js';
import { connectUnix, listenUnix } from '../../src/native/libc/socket.js';

const SOCK_NONBLOCK_CLOEXEC = 0o2004000;

/** Takes a client that has connected. The caller owns the fd. */
export function accept(listener: number): number {
  const fd = callInt(symbol('accept4'), listener, 0, 0, SOCK_NONBLOCK_CLOEXEC);
  if (fd < 0) throw new SystemError('accept4', lastErrno());
  return fd;
}

/** Both ends of a connection over a socket at `path`. The caller owns the fds. */
export function connectedPair(path: string): [server: number, client: number] {
  const listener = listenUnix(path);
  const client = connectUnix(path);
  const server = accept(listener);
  close(listener);
  return [server, client];
}
