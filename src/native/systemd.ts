/**
 * Telling the service manager what the daemon is doing (sd_notify(3)): a datagram to the Unix
 * socket that NOTIFY_SOCKET names. Without one there is nobody to tell.
 */
import { addressOf, callInt, callLong, lastErrno, symbol } from './ffi.js';
import { SystemError } from './libc/errno.js';
import { close } from './libc/fd.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SUN_PATH = 108;
const SOL_SOCKET = 1;
const SO_SNDTIMEO = 21;
/** A manager that does not read is not waited for longer (struct timeval: seconds, microseconds). */
const SEND_TIMEOUT = new BigInt64Array([5n, 0n]);

/** struct sockaddr_un; a leading @ means the abstract namespace, whose names begin with NUL. */
export function managerAddress(path: string): Buffer {
  const name = Buffer.from(path, 'utf8');
  if (name.length >= SUN_PATH) throw new RangeError('NOTIFY_SOCKET is too long');
  if (name[0] === 0x40) name[0] = 0;
  const family = Buffer.from(Uint16Array.of(AF_UNIX).buffer);
  // For a path the terminating NUL may be counted, for an abstract name it may not.
  return Buffer.concat([family, name]);
}

/** Sends e.g. `READY=1`. Returns false where no manager listens; throws SystemError otherwise. */
export function notify(state: string, socket = process.env.NOTIFY_SOCKET): boolean {
  if (socket === undefined || socket === '') return false;
  const address = managerAddress(socket);
  const message = Buffer.from(state, 'utf8');
  const fd = callInt(symbol('socket'), AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemError('socket', lastErrno());
  try {
    const timeout = new Uint8Array(SEND_TIMEOUT.buffer);
    const option = [SOL_SOCKET, SO_SNDTIMEO, addressOf(timeout), timeout.length] as const;
    if (callInt(symbol('setsockopt'), fd, ...option) < 0) {
      throw new SystemError('setsockopt', lastErrno());
    }
    const sent = callLong(
      symbol('sendto'),
      fd,
      addressOf(message),
      message.length,
      0,
      addressOf(address),
      address.length,
    );
    if (sent < 0) throw new SystemError('sendto', lastErrno(), socket);
  } finally {
    close(fd);
  }
  return true;
}
