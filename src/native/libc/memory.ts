/**
 * memfds and mappings (memfd_create(2), mmap(2)).
 *
 * A mapping is a Buffer that C may take away. Unmapping it under a live Buffer would turn a read
 * into SIGSEGV, so `release` replaces the pages by private zeroes at the same address (which drops
 * the kernel's reference to the file at once) and the address range itself goes when the Buffer is
 * collected.
 */
import { constants } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { onePiece, type Steps, toEnd } from '../../memory/steps.js';
import {
  type Address,
  callInt,
  callLong,
  lastErrno,
  symbol,
  transientString,
  viewOf,
} from '../ffi.js';
import { SystemError } from './errno.js';
import { close, owning } from './fd.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FAILED = -1;

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW: the size can be relied on, the content stays free. */
const SEAL_SIZE = 1 | 2 | 4;
/** F_SEAL_SHRINK | F_SEAL_GROW: the size alone, so that more can be sealed. */
const SEAL_LENGTH = 2 | 4;
const F_SEAL_SEAL = 1;
const F_SEAL_WRITE = 8;
/** F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE: nobody can change it any more. */
const SEAL_ALL = SEAL_LENGTH | F_SEAL_WRITE;
/** Since Linux 5.1. */
const F_SEAL_FUTURE_WRITE = 16;

const mmap = symbol('mmap');
const munmap = symbol('munmap');
const memfdCreate = symbol('memfd_create');
const fcntl = symbol('fcntl');
const ftruncate = symbol('ftruncate');

/** Bytes of a page: what memfds, dma_bufs and mappings are made of. */
export const PAGE_SIZE = callInt(symbol('getpagesize'));

const collected = new FinalizationRegistry<{ address: Address; length: number }>((range) => {
  callInt(munmap, range.address, range.length);
});

export interface Mapping {
  /** The memory itself; writes go to the file. After `release` it is a private page of zeroes. */
  readonly bytes: Buffer;
  release(): void;
}

/** A Buffer has no more bytes than this (4 GiB with Node 20). */
export const MAX_MAPPED = constants.MAX_LENGTH;

export interface MapTerms {
  readonly write: boolean;
  /** Where in the file it begins; 0 by default, and any byte will do. */
  readonly offset?: number;
}

/**
 * Maps `length` bytes of a file. The fd may be closed afterwards. Throws RangeError, and maps nothing, for
 * more than MAX_MAPPED.
 */
export function map(fd: number, length: number, { write, offset = 0 }: MapTerms): Mapping {
  if (!Number.isSafeInteger(length) || length <= 0) throw new RangeError('not a length to map');
  if (!Number.isSafeInteger(offset) || offset < 0) throw new RangeError('not an offset to map at');
  const skipped = offset % PAGE_SIZE;
  const whole = skipped + length;
  if (whole > MAX_MAPPED) {
    const text = `${length} bytes are more than a Buffer can have (${MAX_MAPPED})`;
    throw new RangeError(`${text}: map a part at a time`);
  }
  const protection = write ? PROT_READ | PROT_WRITE : PROT_READ;
  const address = callLong(mmap, 0, whole, protection, MAP_SHARED, fd, offset - skipped);
  if (address === MAP_FAILED) throw new SystemError('mmap', lastErrno(), `${length} bytes`);
  const { bytes, release } = viewed(address, whole);
  return { bytes: bytes.subarray(skipped), release };
}

/** Takes ownership of the address range, also where it throws. */
function viewed(address: Address, length: number): Mapping {
  let bytes: Buffer;
  try {
    bytes = viewOf(address, length);
    // Views made with subarray() keep the ArrayBuffer alive, not this Buffer object.
    collected.register(bytes.buffer, { address, length });
  } catch (error) {
    callInt(munmap, address, length);
    throw error;
  }
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
    // Writable, whatever it was before: a stray write into a view must not become SIGSEGV.
    const now = callLong(mmap, address, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (now === MAP_FAILED) throw new SystemError('mmap', lastErrno(), 'releasing a mapping');
  };
  return { bytes, release };
}

function emptyMemfd(name: string): number {
  const fd = callInt(memfdCreate, transientString(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) throw new SystemError('memfd_create', lastErrno());
  return fd;
}

function seal(fd: number, seals: number): void {
  if (callInt(fcntl, fd, F_ADD_SEALS, seals) < 0) {
    throw new SystemError('fcntl', lastErrno(), 'F_ADD_SEALS');
  }
}

/** Bits of F_SEAL_*: what holds for a memfd. Looks at the open file alone. */
export function sealsOf(fd: number): number {
  const seals = callInt(fcntl, fd, F_GET_SEALS, 0);
  if (seals < 0) throw new SystemError('fcntl', lastErrno(), 'F_GET_SEALS');
  return seals;
}

/** The memfd is the caller's once it is returned; until then it goes with whatever ends the steps. */
function* memfd(name: string, seals: number, fill: (fd: number) => Steps<void>): Steps<number> {
  const fd = emptyMemfd(name);
  let done = false;
  try {
    yield* fill(fd);
    seal(fd, seals);
    done = true;
    return fd;
  } finally {
    if (!done) close(fd);
  }
}

/** A memfd of fixed size, zeroed by the kernel, CLOEXEC. The caller owns it. */
export function sealedMemfd(name: string, size: number): number {
  return sized(name, size, SEAL_SIZE);
}

/** The same, of which more is to be sealed. */
export function sizedMemfd(name: string, size: number): number {
  return sized(name, size, SEAL_LENGTH);
}

function sized(name: string, size: number, seals: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`not a size: ${size}`);
  return owning(emptyMemfd(name), (fd) => {
    if (callInt(ftruncate, fd, size) < 0) throw new SystemError('ftruncate', lastErrno());
    seal(fd, seals);
    return fd;
  });
}

/**
 * From now on nobody writes to a memfd by its fd, maps it to write, or takes pages out of it (fallocate(2)); it is sealed
 * for good. What has its pages otherwise goes on writing to them.
 */
export function sealFromWriters(memfd: number): void {
  seal(memfd, F_SEAL_SEAL | F_SEAL_FUTURE_WRITE);
}

/** A memfd whose content `fill` writes (write(2), no mapping) and nobody can change afterwards. */
export function sealedContent(name: string, fill: (fd: number) => Steps<void>): Steps<number> {
  return memfd(name, SEAL_SIZE | F_SEAL_WRITE, fill);
}

/** The same of bytes that are there, e.g. for a table that every client maps. */
export function sealedBytes(name: string, bytes: Uint8Array | string): number {
  return toEnd(sealedContent(name, (fd) => onePiece(() => writeFileSync(fd, bytes))));
}

/** Whether a memfd is sealed against every change of its content and size. */
export function isSealed(fd: number): boolean {
  const seals = callInt(fcntl, fd, F_GET_SEALS, 0);
  return seals >= 0 && (seals & SEAL_ALL) === SEAL_ALL;
}
