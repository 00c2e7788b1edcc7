/**
 * Memory for C structs: a block with a known address, filled by hand and thrown away as a whole.
 *
 * Owns: its block. Whoever takes addresses from it keeps the arena reachable while C uses them.
 */
import { type Address, addressOf } from './ffi.js';

export class Arena {
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly address: Address;
  #used = 0;

  constructor(size = 16 * 1024) {
    this.bytes = Buffer.alloc(size);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size);
    this.address = addressOf(this.bytes);
  }

  /** Reserves zeroed bytes; returns their offset in `bytes`. 16-byte aligned, as malloc(3) is. */
  reserve(size: number): number {
    const offset = (this.#used + 15) & ~15;
    if (offset + size > this.bytes.length) {
      throw new RangeError(`arena of ${this.bytes.length} bytes is full`);
    }
    this.#used = offset + size;
    this.bytes.fill(0, offset, offset + size);
    return offset;
  }

  /** A NUL-terminated string in the arena. */
  string(text: string): Address {
    if (text.includes('\0')) throw new TypeError('a C string cannot contain NUL');
    const length = Buffer.byteLength(text);
    const offset = this.reserve(length + 1);
    this.bytes.write(text, offset, 'utf8');
    return this.address + offset;
  }

  /** Runs `body`, then takes back everything that it reserved. */
  scoped<T>(body: () => T): T {
    const used = this.#used;
    try {
      return body();
    } finally {
      this.#used = used;
    }
  }
}
