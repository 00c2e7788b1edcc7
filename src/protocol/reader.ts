/**
 * Cuts what was received into messages and reads their arguments. It owns no file descriptor: those that an
 * argument names are the caller's, whose list they are taken from when the whole message is read.
 */
import { endianness } from 'node:os';
import { HEADER_SIZE, MAX_MESSAGE_SIZE, type UntypedNewId, WireError } from './format.js';

const LITTLE = endianness() === 'LE';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const padded = (length: number) => (length + 3) & ~3;

export class Reader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #fds: number[] = [];
  #taken = 0;
  /** Of the message. */
  object = 0;
  opcode = 0;
  /** Its bytes, header included. */
  size = 0;

  /**
   * Looks at the message that begins at `at`. Returns false where it has not come whole; throws WireError for a
   * size that no message can have.
   */
  header(bytes: Buffer, at: number, end: number): boolean {
    if (end - at < HEADER_SIZE) return false;
    this.object = wordOf(bytes, at);
    const word = wordOf(bytes, at + 4);
    const size = word >>> 16;
    if (size < HEADER_SIZE || size > MAX_MESSAGE_SIZE || size % 4 !== 0) {
      throw new WireError(`message of ${size} bytes`);
    }
    this.opcode = word & 0xffff;
    this.size = size;
    return end - at >= size;
  }

  /** The arguments are between `at` and `end`; file descriptors come from the front of `fds`. */
  begin(bytes: Buffer, at: number, end: number, fds: number[]): this {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#fds = fds;
    this.#taken = 0;
    return this;
  }

  /** All arguments are read: the fds among them are taken. Throws WireError where there is more. */
  end(): void {
    if (this.#at !== this.#end) throw new WireError('bytes are left over');
    if (this.#taken > 0) this.#fds.splice(0, this.#taken);
  }

  uint(): number {
    const at = this.#at;
    if (at + 4 > this.#end) throw new WireError('arguments are cut short');
    this.#at = at + 4;
    return wordOf(this.#bytes, at);
  }

  /** Also `fixed`. */
  int(): number {
    return this.uint() | 0;
  }

  /** An object that must be there. */
  objectId(name: string): number {
    return this.uint() || fail(`${name} is null`);
  }

  newId(name: string): number {
    return this.uint() || fail(`${name} is 0`);
  }

  string(): string {
    return this.#text(this.uint());
  }

  stringOrNull(): string | null {
    const length = this.uint();
    return length === 0 ? null : this.#text(length);
  }

  #text(length: number): string {
    if (length === 0) fail('a string is null');
    const from = this.#block(length);
    const end = from + length - 1;
    const bytes = this.#bytes;
    let all = 0;
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === 0) break;
      all |= byte;
    }
    if (at !== end || bytes[end] !== 0) fail('a string does not end with its only NUL');
    if (all < 0x80) return bytes.toString('latin1', from, end);
    try {
      return utf8.decode(bytes.subarray(from, end));
    } catch {
      return fail('a string is not UTF-8');
    }
  }

  array(): Buffer {
    const length = this.uint();
    const from = this.#block(length);
    return Buffer.from(this.#bytes.subarray(from, from + length));
  }

  /** Where so many bytes begin. */
  #block(length: number): number {
    const from = this.#at;
    if (padded(length) > this.#end - from || length > this.#end - from)
      fail('a length is too large');
    this.#at = from + padded(length);
    return from;
  }

  fd(): number {
    return this.#fds[this.#taken++] ?? fail('a file descriptor is missing');
  }

  untypedNewId(): UntypedNewId {
    return { interface: this.string(), version: this.uint(), id: this.uint() };
  }
}

function wordOf(bytes: Buffer, at: number): number {
  return LITTLE ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

function fail(why: string): never {
  throw new WireError(why);
}
