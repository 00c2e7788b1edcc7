/**
 * Unix stream sockets whose messages carry file descriptors (unix(7), cmsg(3)).
 *
 * Sockets made here are CLOEXEC and the caller's. Received fds are the caller's; sent ones stay so.
 */
import { readFileSync } from 'node:fs';
import { MAX_FDS } from '../../memory/limits.js';
import { type Address, addressOf, callInt, callLong, lastErrno, shim, symbol } from '../ffi.js';
import { check, EAGAIN, ECONNABORTED, EINTR, ENOPROTOOPT, ERANGE, SystemError } from './errno.js';
import { owning } from './fd.js';
import { ioctl } from './ioctl.js';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SHUT_RDWR = 2;
/** net.core.somaxconn as it is by default. */
const LONGEST_QUEUE = 4096;
const SIOCOUTQ = 0x5411;
/** struct sockaddr_un: sun_family, then sun_path of 108 bytes (unix(7)). */
const SUN_PATH = 108;

const socketFn = symbol('socket');
const bindFn = symbol('bind');
const connectFn = symbol('connect');
const listenFn = symbol('listen');
const acceptFn = symbol('accept4');
const shutdownFn = symbol('shutdown');
const sendFn = shim.symbol('dmab_send');
const receiveFn = shim.symbol('dmab_receive');

function unixAddress(path: string): Buffer {
  if (Buffer.byteLength(path) >= SUN_PATH) {
    throw new RangeError(`a socket's path has at most ${SUN_PATH - 1} bytes: ${path}`);
  }
  const address = Buffer.alloc(2 + SUN_PATH);
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX;
  address.write(path, 2, 'utf8');
  return address;
}

function withUnixSocket(flags: number, path: string, use: (fd: number, address: Buffer) => void) {
  const address = unixAddress(path);
  const fd = callInt(socketFn, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  if (fd < 0) throw new SystemError('socket', lastErrno());
  return owning(fd, () => {
    use(fd, address);
    return fd;
  });
}

/**
 * Connects to a listening socket. Where the peer's backlog is full it blocks, or with `wait: false` throws
 * EAGAIN (connect(2)).
 */
export function connectUnix(path: string, { wait = true } = {}): number {
  return withUnixSocket(wait ? 0 : SOCK_NONBLOCK, path, (fd, address) => {
    if (callInt(connectFn, fd, addressOf(address), address.length) < 0) {
      throw new SystemError('connect', lastErrno(), path);
    }
  });
}

/** Binds and listens. Publishing the file with its mode is socket-file.ts's. */
export function listenUnix(path: string, backlog = 128): number {
  return withUnixSocket(SOCK_NONBLOCK, path, (fd, address) => {
    if (callInt(bindFn, fd, addressOf(address), address.length) < 0) {
      throw new SystemError('bind', lastErrno(), path);
    }
    if (callInt(listenFn, fd, backlog) < 0) throw new SystemError('listen', lastErrno(), path);
  });
}

/** A connection that waits at a listening socket, which does not block; it is the caller's. Null where there is none. */
export function accept(listener: number): number | null {
  const fd = callInt(acceptFn, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) return fd;
  const errno = lastErrno();
  if (errno === EAGAIN || errno === ECONNABORTED || errno === EINTR) return null;
  throw new SystemError('accept4', errno);
}

/**
 * Ends the connections that wait at a listening socket, which does not block. For a process that will serve nobody: what
 * they have sent is closed, and that may wait for whose it is.
 */
export function turnAway(listener: number): void {
  for (let left = LONGEST_QUEUE; left > 0; left--) {
    const fd = callInt(acceptFn, listener, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    callInt(symbol('close'), fd);
  }
}

/** Ends both directions: readers, ours included, see the end of the stream. */
export function shutdown(fd: number): void {
  callInt(shutdownFn, fd, SHUT_RDWR);
}

/** Who connected: struct ucred of SO_PEERCRED (unix(7)). */
export interface Credentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;
const SO_PEERGROUPS = 59;
const SO_PEERPIDFD = 77;
const SO_PASSRIGHTS = 83;
/** The kernel's NGROUPS_MAX. */
const MAX_GROUPS = 65_536;
const getsockopt = symbol('getsockopt');
const setsockopt = symbol('setsockopt');
const getsockname = symbol('getsockname');
const option = new Uint32Array(64);
const optionAddress = addressOf(new Uint8Array(option.buffer));
const optionSize = new Uint32Array(1);
const optionSizeAddress = addressOf(new Uint8Array(optionSize.buffer));

/** getsockopt(2) of SOL_SOCKET; returns the bytes written, or -errno (`optionSize`: bytes needed). */
function socketOption(fd: number, name: number, address: Address, length: number): number {
  optionSize[0] = length;
  const result = callInt(getsockopt, fd, SOL_SOCKET, name, address, optionSizeAddress);
  return result < 0 ? -lastErrno() : (optionSize[0] as number);
}

/**
 * Where a listening Unix stream socket is bound, `@name` for one without a file; null for every other fd. Asks the
 * socket alone (getsockname(2)), and no file.
 */
export function listeningPath(fd: number): string | null {
  const asked = [
    [SO_DOMAIN, AF_UNIX],
    [SO_TYPE, SOCK_STREAM],
    [SO_ACCEPTCONN, 1],
  ] as const;
  for (const [name, wanted] of asked) {
    if (socketOption(fd, name, optionAddress, 4) < 0 || option[0] !== wanted) return null;
  }
  const address = Buffer.alloc(2 + SUN_PATH);
  optionSize[0] = address.length;
  if (callInt(getsockname, fd, addressOf(address), optionSizeAddress) < 0) {
    throw new SystemError('getsockname', lastErrno(), `fd ${fd}`);
  }
  const name = address.subarray(2, Math.min(optionSize[0], address.length));
  if (name[0] === 0) return `@${name.toString('utf8', 1)}`;
  const end = name.indexOf(0);
  return name.toString('utf8', 0, end < 0 ? name.length : end);
}

/** The peer of a connected Unix socket, as it was when it connected. */
export function peerCredentials(fd: number): Credentials {
  check('getsockopt', socketOption(fd, SO_PEERCRED, optionAddress, 12), 'SO_PEERCRED');
  const [pid, uid, gid] = option as unknown as [number, number, number];
  return { pid, uid, gid };
}

/** Its supplementary groups, as they were when it connected. */
export function peerGroups(fd: number): number[] {
  let groups = option;
  let size = socketOption(fd, SO_PEERGROUPS, optionAddress, option.byteLength);
  if (size === -ERANGE) {
    groups = new Uint32Array(MAX_GROUPS);
    const address = addressOf(new Uint8Array(groups.buffer));
    size = socketOption(fd, SO_PEERGROUPS, address, groups.byteLength);
  }
  return [...groups.subarray(0, check('getsockopt', size, 'SO_PEERGROUPS') / 4)];
}

/** SO_PEERPIDFD (Linux 6.5): a pidfd of the peer, CLOEXEC and the caller's, or -errno. */
export function peerPidfd(fd: number): number {
  const size = socketOption(fd, SO_PEERPIDFD, optionAddress, 4);
  return size < 0 ? size : (option[0] as number);
}

/**
 * SO_PASSRIGHTS, off (Linux 6.16): nobody can send file descriptors to this socket, nor to those that are
 * accepted from it. Returns false where the kernel knows no such thing.
 */
export function refuseFds(fd: number): boolean {
  option[0] = 0;
  if (callInt(setsockopt, fd, SOL_SOCKET, SO_PASSRIGHTS, optionAddress, 4) >= 0) return true;
  const errno = lastErrno();
  if (errno === ENOPROTOOPT) return false;
  throw new SystemError('setsockopt', errno, 'SO_PASSRIGHTS');
}

/**
 * How many fds lie in what a Unix socket has received and nobody has read (unix(7)'s line of fdinfo,
 * Linux 5.11). 0 where the kernel does not tell.
 */
export function queuedFds(fd: number): number {
  return queuedFdsOf(`/proc/self/fdinfo/${fd}`);
}

/** The same of any process's socket, by its file in /proc/PID/fdinfo. */
export function queuedFdsOf(fdinfo: string): number {
  const text = readFileSync(fdinfo, 'utf8');
  return Number(/^scm_fds:\s*(\d+)$/m.exec(text)?.[1] ?? 0);
}

const sendFds = new Int32Array(MAX_FDS);
const sendFdsAddress = addressOf(new Uint8Array(sendFds.buffer));

/** Sends bytes and up to 28 fds without waiting. Returns bytes sent, or null if the peer is full. */
export function send(fd: number, bytes: Buffer, fds: readonly number[]): number | null {
  if (fds.length > MAX_FDS) throw new RangeError(`more than ${MAX_FDS} fds in a message`);
  sendFds.set(fds);
  const sent = callLong(sendFn, fd, addressOf(bytes), bytes.length, sendFdsAddress, fds.length);
  return sent === -EAGAIN ? null : check('sendmsg', sent);
}

export interface Received {
  /** A copy; empty at the end of the stream. */
  readonly bytes: Buffer;
  readonly fds: readonly number[];
  /** There were more, for which this process had no descriptor left. */
  readonly lost: boolean;
}

/** So many bytes at once. */
export const RECEIVE_SIZE = 64 * 1024;
const inBytes = Buffer.alloc(RECEIVE_SIZE);
const inBytesAddress = addressOf(inBytes);
/** As many as a message can carry (the kernel's SCM_MAX_FD, MAX_IN_FDS of the shim). */
const MAX_IN_FDS = 253;
// fds, then their number, then whether some were lost: the three outputs of dmab_receive
const inWords = new Int32Array(MAX_IN_FDS + 2);
const inWordsAddress = addressOf(new Uint8Array(inWords.buffer));

/** Receives what is there without waiting; null if there is nothing yet. */
export function receive(fd: number): Received | null {
  const n = callLong(
    receiveFn,
    fd,
    inBytesAddress,
    RECEIVE_SIZE,
    inWordsAddress,
    inWordsAddress + MAX_IN_FDS * 4,
    inWordsAddress + (MAX_IN_FDS + 1) * 4,
  );
  if (n === -EAGAIN) return null;
  check('recvmsg', n);
  const bytes = Buffer.allocUnsafe(n);
  inBytes.copy(bytes, 0, 0, n);
  const fds: number[] = [];
  for (let i = 0; i < (inWords[MAX_IN_FDS] as number); i++) fds.push(inWords[i] as number);
  return { bytes, fds, lost: inWords[MAX_IN_FDS + 1] === 1 };
}

/** Bytes that a socket's peer has not read, with their headers (SIOCOUTQ, unix(7)); 0: it has read all. */
export function unread(fd: number): number {
  const bytes = new Uint8Array(4);
  ioctl(fd, 'SIOCOUTQ', SIOCOUTQ, bytes);
  return new DataView(bytes.buffer).getInt32(0, true);
}
