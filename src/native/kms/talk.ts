/**
 * A conversation with a card, an ioctl at a time: a driver may keep each waiting, for as long as a lock is held or a monitor
 * does not answer, so that whoever resumes it has the calls made in threads that may wait (native/later.ts).
 */
import { addressOf, symbol } from '../ffi.js';
import { ioctlCall, type LongCall } from '../later.js';
import { check, EAGAIN, EINTR } from '../libc/errno.js';

/** Resumed with what each call has returned, or -errno; always to its end, where it closes what it has opened. */
export type Talk<T> = Generator<LongCall, T, number>;

// open(2), <fcntl.h>.
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const openFn = symbol('open');

/** The call returns an fd, of which whoever resumes with it has told the talk: it is the talk's. */
export function openCall(path: string): LongCall {
  const text = Buffer.from(`${path}\0`);
  return { fn: openFn, args: [addressOf(text), O_RDWR | O_CLOEXEC | O_NONBLOCK], keeps: text };
}

/** A driver that was interrupted asks to be asked again (libdrm's drmIoctl does, without an end). */
const TRIES = 100;

/** Throws SystemError. */
export function* ioctl(fd: number, name: string, request: number, argument: Buffer): Talk<number> {
  let result = 0;
  for (let tries = 0; tries < TRIES; tries++) {
    result = yield ioctlCall(fd, request, argument);
    if (result !== -EINTR && result !== -EAGAIN) break;
  }
  return check('ioctl', result, name);
}

/** One without an argument. */
export function* command(fd: number, name: string, request: number): Talk<void> {
  yield* ioctl(fd, name, request, Buffer.alloc(8));
}

const WORD = 8;

/** A struct, with room behind it for the arrays that it points to. */
export class Argument {
  readonly bytes: Buffer;
  #end: number;

  constructor(size: number, room = 0) {
    this.#end = Math.ceil(size / WORD) * WORD;
    // Rounded up for each of a few arrays.
    this.bytes = Buffer.alloc(this.#end + room + 8 * WORD);
  }

  /** Has a field point to so many bytes; where in `bytes` they are. */
  point(field: number, length: number): number {
    const at = this.#end;
    this.#end += Math.ceil(length / WORD) * WORD;
    if (this.#end > this.bytes.length) throw new RangeError('no room for the array');
    this.bytes.writeBigUInt64LE(BigInt(addressOf(this.bytes) + at), field);
    return at;
  }

  /** The same of numbers of 32 bits, or of 64 bits each. */
  put(field: number, values: readonly number[], size: 4 | 8): void {
    const at = this.point(field, values.length * size);
    for (const [i, value] of values.entries()) {
      if (size === 4) this.bytes.writeUInt32LE(value, at + i * size);
      else this.bytes.writeBigUInt64LE(BigInt(value), at + i * size);
    }
  }

  u32(field: number): number {
    return this.bytes.readUInt32LE(field);
  }

  set(field: number, value: number): this {
    this.bytes.writeUInt32LE(value, field);
    return this;
  }

  /** So many numbers of 32 bits. */
  list(at: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.u32(at + 4 * i));
  }
}
