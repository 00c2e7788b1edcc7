/**
 * A TCP socket whose close(2) waits: it lingers (SO_LINGER, socket(7)), its send buffer is full, and its
 * peer does not read.
 */
import { addressOf, callInt, callLong, lastErrno, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close } from '../../src/native/libc/fd.js';

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_LINGER = 13;
const MSG_DONTWAIT = 0x40;
const LOOPBACK = [127, 0, 0, 1];

function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, lastErrno());
  return result;
}

const tcp = () =>
  check('socket', callInt(symbol('socket'), AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));

/** A socket that listens on a port of the loopback interface. The caller owns the fd. */
export function listenTcp(): { fd: number; address: Buffer } {
  // struct sockaddr_in: family, port, address (ip(7))
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.set(LOOPBACK, 4);
  const fd = tcp();
  check('bind', callInt(symbol('bind'), fd, addressOf(address), address.length));
  check('listen', callInt(symbol('listen'), fd, 1));
  const size = new Uint32Array([address.length]);
  const sizeAddress = addressOf(new Uint8Array(size.buffer));
  check('getsockname', callInt(symbol('getsockname'), fd, addressOf(address), sizeAddress));
  return { fd, address };
}

export interface SlowSocket {
  /** The caller's. */
  readonly fd: number;
  /** Its peer goes: whoever closes it waits no more. */
  letGo(): void;
}

/** Closing it takes `seconds`, or until it is let go. */
export function slowSocket(seconds = 3600): SlowSocket {
  const listener = listenTcp();
  const fd = tcp();
  check('connect', callInt(symbol('connect'), fd, addressOf(listener.address), 16));
  const peer = check('accept4', callInt(symbol('accept4'), listener.fd, 0, 0, SOCK_CLOEXEC));
  close(listener.fd);
  const chunk = Buffer.alloc(1 << 16);
  while (callLong(symbol('send'), fd, addressOf(chunk), chunk.length, MSG_DONTWAIT) > 0);
  // struct linger: on, seconds
  const linger = new Int32Array([1, seconds]);
  const lingerAddress = addressOf(new Uint8Array(linger.buffer));
  check('setsockopt', callInt(symbol('setsockopt'), fd, SOL_SOCKET, SO_LINGER, lingerAddress, 8));
  return { fd, letGo: () => close(peer) };
}
