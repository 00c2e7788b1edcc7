/** File descriptors by number: closing, duplicating, identity. Whoever calls owns what it gets. */
import { addressOf, callInt, lastErrno, symbol, transientString } from '../ffi.js';
import { SystemError } from './errno.js';

// fcntl(2), from <fcntl.h>; the same on every Linux architecture that Node runs on.
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const O_ACCMODE = 3;
const O_RDWR = 2;

const closeFn = symbol('close');
const fcntl = symbol('fcntl');

function fcntlOrThrow(fd: number, command: number, argument: number): number {
  const result = callInt(fcntl, fd, command, argument);
  if (result < 0) throw new SystemError('fcntl', lastErrno(), `fd ${fd}`);
  return result;
}

/** close(2). An fd is gone even where close reports an error, so none is thrown but EBADF. */
export function close(fd: number): void {
  if (callInt(closeFn, fd) < 0 && lastErrno() === 9) throw new SystemError('close', 9, `fd ${fd}`);
}

/**
 * Runs what comes between an fd's making and its having an owner: where that throws, the fd is closed.
 * Else it is the caller's.
 */
export function owning<T>(fd: number, body: (fd: number) => T): T {
  try {
    return body(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** A second descriptor for the same open file, CLOEXEC; the caller's to close. */
export function duplicate(fd: number): number {
  return fcntlOrThrow(fd, F_DUPFD_CLOEXEC, 3);
}

export function setCloexec(fd: number): void {
  fcntlOrThrow(fd, F_SETFD, fcntlOrThrow(fd, F_GETFD, 0) | FD_CLOEXEC);
}

/** Of the open file, which whoever else has it shares. */
export function setNonBlocking(fd: number): void {
  fcntlOrThrow(fd, F_SETFL, fcntlOrThrow(fd, F_GETFL, 0) | O_NONBLOCK);
}

export function isCloexec(fd: number): boolean {
  return (fcntlOrThrow(fd, F_GETFD, 0) & FD_CLOEXEC) !== 0;
}

/** Whether it was opened for reading and writing; of the open file, as it is for whoever else has it. */
export function isWritable(fd: number): boolean {
  return (fcntlOrThrow(fd, F_GETFL, 0) & O_ACCMODE) === O_RDWR;
}

// statx(2), <linux/stat.h>; the same on every architecture.
const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_INO = 0x100;
const STATX_SIZE = 256;
const INO_AT = 32;
const DEV_MAJOR_AT = 136;
const DEV_MINOR_AT = 140;
const statx = symbol('statx');

/** What statx finds, and behind it an empty path. */
const found = Buffer.alloc(STATX_SIZE + 1);
const foundAddress = addressOf(found);
const nothing = foundAddress + STATX_SIZE;

/** st_dev:st_ino, which identifies the file (a dma_buf's too) across processes. */
export function identity(fd: number): string {
  if (callInt(statx, fd, nothing, AT_EMPTY_PATH, STATX_INO, foundAddress) < 0) {
    throw new SystemError('statx', lastErrno(), `fd ${fd}`);
  }
  return identityFound();
}

/** What statx has found. */
function identityFound(): string {
  const major = found.readUInt32LE(DEV_MAJOR_AT);
  const minor = found.readUInt32LE(DEV_MINOR_AT);
  const [low, high] = [found.readUInt32LE(INO_AT), found.readUInt32LE(INO_AT + 4)];
  // Without BigInt where a double has room for it, which is always but for a few file systems' inodes.
  const inode = high < 2 ** 21 ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
  if (major !== device.major || minor !== device.minor) {
    device = { major, minor, text: `${makedev(major, minor)}` };
  }
  return `${device.text}:${inode}`;
}

/** The last one: most files that are asked about are of one file system, the kernel's own. */
let device = { major: 0, minor: 0, text: '0' };

/**
 * The same of a path, such as `/proc/PID/fd/N`, without asking whoever serves the file: a FUSE file, which may be
 * called as one likes, would answer stat(2) when its owner pleases. Throws SystemError: ENOENT, EACCES.
 */
export function identityOf(path: string): string {
  const about = transientString(path);
  if (callInt(statx, AT_FDCWD, about, AT_STATX_DONT_SYNC, STATX_INO, foundAddress) < 0) {
    throw new SystemError('statx', lastErrno(), path);
  }
  return identityFound();
}

/** makedev(3), as glibc and the kernel's 64-bit stat encode a dev_t. */
export function makedev(major: number, minor: number): bigint {
  const [a, i] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffn) << 8n) | ((a & ~0xfffn) << 32n) | (i & 0xffn) | ((i & ~0xffn) << 12n);
}
