/**
 * A memory as the CPU sees it, a part at a time: a Buffer has at most 4 GiB, and of a large memory mostly
 * a small range is wanted.
 *
 * Owns: one mapping, until the next one takes its place, or `close`. The fd is the caller's.
 */
import { PIECE_BYTES } from '../../memory/limits.js';
import { type Mapping, map, PAGE_SIZE } from '../libc/memory.js';

/** Mapped at once: a piece of work, wherever in a page it begins. */
const WINDOW_BYTES = PIECE_BYTES + PAGE_SIZE;

/** What one call of `at` can give: its offset need not be a page's. */
export const MOST_AT_ONCE = WINDOW_BYTES - PAGE_SIZE;

/** A range as pieces of at most so many bytes. */
export function* cut(
  offset: number,
  size: number,
  most: number,
): Generator<{ offset: number; size: number }> {
  for (let done = 0; done < size; done += most) {
    yield { offset: offset + done, size: Math.min(most, size - done) };
  }
}

export class Windows {
  #mapping: Mapping;
  #start = 0;

  /** Maps the first page, so that what cannot be mapped is known: throws as `map` does. */
  constructor(
    private readonly fd: number,
    private readonly size: number,
    private readonly write: boolean,
  ) {
    this.#mapping = map(fd, Math.min(size, PAGE_SIZE), { write });
  }

  /** Bytes of the memory, MOST_AT_ONCE at most; good until the next call. */
  at(offset: number, length: number): Buffer {
    const from = offset - this.#start;
    if (from >= 0 && from + length <= this.#mapping.bytes.length) {
      return this.#mapping.bytes.subarray(from, from + length);
    }
    const start = offset - (offset % PAGE_SIZE);
    const bytes = Math.min(this.size - start, WINDOW_BYTES);
    const next = map(this.fd, bytes, { write: this.write, offset: start });
    this.#mapping.release();
    this.#mapping = next;
    this.#start = start;
    return next.bytes.subarray(offset - start, offset - start + length);
  }

  close(): void {
    this.#mapping.release();
  }
}
