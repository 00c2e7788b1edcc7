/**
 * What the kernel does with a dma_buf that somebody holds: name it, bracket CPU access, and tell who
 * exported it. include/uapi/linux/dma-buf.h, Documentation/driver-api/dma-buf.rst.
 *
 * Owns nothing: every fd stays its caller's.
 */
import { readFileSync } from 'node:fs';
import { addressOf, callInt, callLong, lastErrno, symbol, transientString } from './ffi.js';
import { EAGAIN, EINTR } from './libc/errno.js';

const ioctl = symbol('ioctl');
const lseek = symbol('lseek');

/** `_IOW('b', 0, struct dma_buf_sync)`, of one u64. */
const DMA_BUF_IOCTL_SYNC = 0x4008_6200;
/** `_IOW('b', 1, u64)`: on 64 bits the same number as DMA_BUF_SET_NAME with a pointer's size. */
const DMA_BUF_SET_NAME_B = 0x4008_6201;
/** DMA_BUF_NAME_LEN less the NUL. */
export const MAX_NAME = 31;

/** dma_buf_llseek knows only these. */
const SEEK_SET = 0;
const SEEK_END = 2;

const SYNC_READ = 1;
const SYNC_WRITE = 2;
const SYNC_END = 4;

/**
 * Names a dma_buf for fdinfo and debugfs: at most 31 bytes. Any holder can change it, so a name
 * identifies nothing. Throws RangeError for a longer one, Error with errno where the kernel refuses.
 */
export function setName(fd: number, name: string): void {
  const length = Buffer.byteLength(name);
  if (length > MAX_NAME) throw new RangeError(`a dma_buf's name has at most ${MAX_NAME} bytes`);
  if (callInt(ioctl, fd, DMA_BUF_SET_NAME_B, transientString(name)) < 0) {
    throw new Error(`DMA_BUF_SET_NAME on fd ${fd}: errno ${lastErrno()}`);
  }
}

/** What the CPU does between `start` and `end`. */
export interface Access {
  readonly read?: boolean;
  readonly write?: boolean;
}

const syncFlags = new BigUint64Array(1);
const syncAddress = addressOf(new Uint8Array(syncFlags.buffer));

/**
 * DMA_BUF_IOCTL_SYNC: brackets CPU access to a mapping, `start` before and `end` after with the same
 * access. It gives cache coherency, not exclusion. Repeated where it is interrupted, as the header
 * demands ("restart the ioctl on EINTR and EAGAIN").
 */
export function sync(fd: number, when: 'start' | 'end', access: Access): void {
  const flags = (access.read ? SYNC_READ : 0) | (access.write ? SYNC_WRITE : 0);
  if (flags === 0) throw new TypeError('neither read nor write');
  syncFlags[0] = BigInt(flags | (when === 'end' ? SYNC_END : 0));
  while (callInt(ioctl, fd, DMA_BUF_IOCTL_SYNC, syncAddress) < 0) {
    const errno = lastErrno();
    if (errno !== EINTR && errno !== EAGAIN) {
      throw new Error(`DMA_BUF_IOCTL_SYNC on fd ${fd}: errno ${errno}`);
    }
  }
}

/** Bytes in it, which may be more than the allocation that was exported. Asks the file: not for what may be none. */
export function dmaBufSize(fd: number): bigint {
  const size = callLong(lseek, fd, 0, SEEK_END);
  callLong(lseek, fd, 0, SEEK_SET);
  return BigInt(Math.max(size, 0));
}

export interface DmaBufInfo {
  /** Bytes. */
  readonly size: number;
  /** References to the file: exact for fds, a lower bound of who uses the memory. */
  readonly count: number;
  /** The exporter's name (`exp_name`), e.g. `udmabuf`, `system`, `amdgpu`. */
  readonly exporter: string;
  /** What DMA_BUF_SET_NAME gave it; empty without. */
  readonly name: string;
}

/** Parses /proc/self/fdinfo of a dma_buf; null for any other file. Throws where fd is not open. */
export function info(fd: number): DmaBufInfo | null {
  return parseInfo(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
}

/** The rest of the first line that begins with the key; undefined without one. Each allocation reads some. */
function fieldOf(text: string, key: string): string | undefined {
  const line = `\n${text}`.indexOf(`\n${key}:\t`);
  if (line < 0) return undefined;
  const from = line + key.length + 2;
  const end = text.indexOf('\n', from);
  return text.slice(from, end < 0 ? undefined : end);
}

/** The text of fdinfo, as dma_buf_show_fdinfo (drivers/dma-buf/dma-buf.c) writes it. */
export function parseInfo(text: string): DmaBufInfo | null {
  const field = (key: string) => fieldOf(text, key);
  const exporter = field('exp_name');
  if (exporter === undefined) return null;
  return {
    size: Number(field('size')),
    count: Number(field('count')),
    exporter,
    name: field('name') ?? '',
  };
}
