/**
 * The thread that writes lines to a descriptor and may wait for it (shim/writer.c). There is one in the
 * process.
 */
import { addressOf, callLong, shim } from './ffi.js';

const startFn = shim.symbol('dmab_writer_start');
const addFn = shim.symbol('dmab_writer_add');
const doneFn = shim.symbol('dmab_writer_done');
const failedFn = shim.symbol('dmab_writer_failed');
const waitFn = shim.symbol('dmab_writer_wait');

export class Writer {
  readonly #numbers = new BigUint64Array(64);
  readonly #address = addressOf(new Uint8Array(this.#numbers.buffer));

  /** `fd` stays the caller's, and stays open for as long as the process. Throws where there is a writer. */
  constructor(fd: number) {
    const answer = callLong(startFn, fd);
    if (answer < 0) throw new Error(`the log's thread cannot be started: errno ${-answer}`);
  }

  /** Adds a line; the bytes are copied. Returns false where there is no memory for it. */
  add(line: Uint8Array): boolean {
    return callLong(addFn, addressOf(line), line.length) === 0;
  }

  /** How many lines are over, written or not, in the order in which they were added. */
  done(): number {
    return callLong(doneFn);
  }

  /** The numbers, from 0, of those that could not be written since the last call. */
  failed(): number[] {
    const all: number[] = [];
    for (;;) {
      const count = callLong(failedFn, this.#address, this.#numbers.length);
      all.push(...Array.from(this.#numbers.subarray(0, count), Number));
      if (count < this.#numbers.length) return all;
    }
  }

  /** Waits until all lines are over, but not longer. Returns how many are not. */
  wait(milliseconds: number): number {
    return callLong(waitFn, milliseconds);
  }
}
