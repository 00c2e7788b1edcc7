/** Every kind of file descriptor that a client could send, beside a dma_buf. */
import { closeSync, constants, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { addressOf, callInt, lastErrno, symbol, transientString } from '../../src/native/ffi.js';
import type { FdKind } from '../../src/native/kind.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { openPidfd } from '../../src/native/libc/process.js';
import { listenTcp, slowSocket } from './slow-socket.js';

const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const CLOCK_MONOTONIC = 1;
const MFD_CLOEXEC = 1;
const MFD_HUGETLB = 4;

export interface StrangeFd {
  /** The caller's. */
  readonly fd: number;
  /** Ends what belongs to it, the other end, say; a socket that lingers can be closed then. */
  readonly end?: () => void;
}

export interface Strange {
  readonly make: () => StrangeFd;
  readonly kind: FdKind;
}

function made(name: string, ...args: number[]): StrangeFd {
  const fd = callInt(symbol(name), ...args);
  if (fd < 0) throw new SystemError(name, lastErrno());
  return { fd };
}

function pairOf(name: string, ...before: number[]): () => StrangeFd {
  return () => {
    const ends = new Int32Array(2);
    const address = addressOf(new Uint8Array(ends.buffer));
    const rest = name === 'pipe2' ? [O_CLOEXEC] : [];
    const result = callInt(symbol(name), ...before, address, ...rest);
    if (result < 0) throw new SystemError(name, lastErrno());
    const [fd, other] = ends as unknown as [number, number];
    return { fd, end: () => close(other) };
  };
}

const file = (path: string, flags: string | number): (() => StrangeFd) => {
  return () => ({ fd: openSync(path, flags) });
};

function slow(): StrangeFd {
  const { fd, letGo } = slowSocket();
  return { fd, end: letGo };
}

/** signalfd of an empty set: struct signalfd's mask is 8 bytes for the kernel, 128 for libc. */
function signals(): StrangeFd {
  const mask = Buffer.alloc(128);
  return made('signalfd', -1, addressOf(mask), O_CLOEXEC);
}

/** By name. A hugetlb memfd is left out where the kernel makes none. */
export function strangeFds(): Map<string, Strange> {
  const tty = '/dev/ptmx';
  const all: [string, FdKind, () => StrangeFd][] = [
    ['a regular file', 'other', file('/proc/self/exe', 'r')],
    ['a file without a name', 'other', file(tmpdir(), constants.O_RDWR | 0o20200000)],
    ['a folder', 'other', file('/', 'r')],
    ['a file opened with O_PATH', 'other', file('/proc/self/exe', constants.O_RDONLY | O_PATH)],
    ['a file of /proc', 'other', file('/proc/self/status', 'r')],
    ['a pipe', 'other', pairOf('pipe2')],
    ['an eventfd', 'other', () => made('eventfd', 0, O_CLOEXEC)],
    ['an epoll instance', 'other', () => made('epoll_create1', O_CLOEXEC)],
    ['a pidfd', 'other', () => ({ fd: openPidfd(process.pid) ?? -1 })],
    ['a timerfd', 'other', () => made('timerfd_create', CLOCK_MONOTONIC, O_CLOEXEC)],
    ['a signalfd', 'other', signals],
    ['an inotify instance', 'other', () => made('inotify_init1', O_CLOEXEC)],
    ['a socket pair', 'socket', pairOf('socketpair', AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0)],
    ['a listening TCP socket', 'socket', () => listenTcp()],
    ['a TCP socket that lingers', 'socket', slow],
    ['a memfd that is sealed', 'memfd', () => ({ fd: sealedMemfd('strange', 4096) })],
    ['a memfd', 'memfd', () => memfd(MFD_CLOEXEC)],
    ['/dev/null', 'device', file('/dev/null', 'r+')],
    ['/dev/zero', 'device', file('/dev/zero', 'r+')],
    ['a terminal', 'device', file(tty, 'r+')],
  ];
  const found = new Map(all.map(([name, kind, make]): [string, Strange] => [name, { make, kind }]));
  const opened = memfdByPath();
  found.set('a memfd opened with O_PATH', { make: opened, kind: 'path' });
  if (hugePages()) {
    found.set('a memfd of huge pages', {
      make: () => memfd(MFD_CLOEXEC | MFD_HUGETLB),
      kind: 'other',
    });
  }
  return found;
}

const memfd = (flags: number) => made('memfd_create', transientString('strange'), flags);

function memfdByPath(): () => StrangeFd {
  return () => {
    const { fd } = memfd(MFD_CLOEXEC);
    const path = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | O_PATH);
    close(fd);
    return { fd: path };
  };
}

function hugePages(): boolean {
  try {
    closeSync(memfd(MFD_CLOEXEC | MFD_HUGETLB).fd);
    return true;
  } catch {
    return false;
  }
}
