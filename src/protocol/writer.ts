/**
 * Messages as bytes, one behind the other, with the fds that go with them. What it writes in stays its own
 * until somebody takes it.
 *
 * Its memory is lent: a writer that has nothing to say has none, so that thousands of idle connections cost
 * nothing.
 */
import { HEADER_SIZE, MAX_MESSAGE_SIZE, type UntypedNewId } from './format.js';

/** What a writer begins with: room for the longest message. */
const LENT_BYTES = 2 * MAX_MESSAGE_SIZE;
/** So many are kept for the next ones. */
const MAX_SPARE = 64;

/** The same memory, twice. */
export interface Memory {
  readonly bytes: Buffer;
  /** The same as words of the host's byte order. */
  readonly words: Uint32Array;
}

const NONE: Memory = { bytes: Buffer.alloc(0), words: new Uint32Array(0) };
const spare: Memory[] = [];

function lend(size: number): Memory {
  const memory = size === LENT_BYTES ? spare.pop() : undefined;
  if (memory !== undefined) return memory;
  const words = new Uint32Array(size / 4);
  return { bytes: Buffer.from(words.buffer), words };
}

function giveBack(memory: Memory): void {
  if (memory.bytes.length === LENT_BYTES && spare.length < MAX_SPARE) spare.push(memory);
}

export class Writer {
  #memory = NONE;
  /** The first byte that nobody has taken. */
  #from = 0;
  #end = 0;
  /** Where the message that is being written begins; it ends before `#limit`. */
  #start = 0;
  #limit = 0;
  #fds: number[] = [];
  /** How many of them were there when it began. */
  #fdsBefore = 0;

  /** Where the next message will stand, in bytes from the first one that was not taken. */
  get length(): number {
    return this.#end - this.#from;
  }

  /** A message begins; its arguments are written in their order, then `end`. */
  begin(object: number): void {
    if (this.#end + MAX_MESSAGE_SIZE > this.#memory.bytes.length) this.#grow();
    this.#start = this.#end;
    this.#limit = this.#start + MAX_MESSAGE_SIZE;
    this.#fdsBefore = this.#fds.length;
    this.#memory.words[this.#start >> 2] = object;
    this.#end = this.#start + HEADER_SIZE;
  }

  end(opcode: number): void {
    this.#memory.words[(this.#start >> 2) + 1] = ((this.#end - this.#start) << 16) | opcode;
  }

  /** Appends messages that were written before, each as of this object: words of the host's byte order. */
  append(messages: Uint32Array, object: number): void {
    const { length } = messages;
    if (this.#end + 4 * length > this.#memory.bytes.length) this.#grow(4 * length);
    const { words } = this.#memory;
    const start = this.#end >> 2;
    for (let i = 0; i < length; i++) words[start + i] = messages[i] as number;
    for (let at = 0; at < length; at += (messages[at + 1] as number) >>> 18) {
      words[start + at] = object;
    }
    this.#end += 4 * length;
  }

  /** Also for `int`, `fixed`, `object` and a typed `new_id`: a word modulo 2^32. */
  uint(value: number): void {
    if (this.#end >= this.#limit) this.#tooLong();
    this.#memory.words[this.#end >> 2] = value;
    this.#end += 4;
  }

  /** Throws TypeError for a text with a NUL, which would end it on the other side; RangeError as all do. */
  string(text: string | null): void {
    if (text === null) this.uint(0);
    else if (!this.#ascii(text)) this.#utf8(text);
  }

  /** Most texts are short and ASCII, for which a call to write them would cost more than the writing. */
  #ascii(text: string): boolean {
    const { length } = text;
    if (length > 64 || this.#end + length + 8 > this.#limit) return false;
    const { bytes } = this.#memory;
    const at = this.#end + 4;
    // The last word is zero first: the NUL, and what fills it up.
    this.#memory.words[(at + length) >> 2] = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0 || code > 0x7f) return false;
      bytes[at + i] = code;
    }
    this.#memory.words[this.#end >> 2] = length + 1;
    this.#end = (at + length + 4) & ~3;
    return true;
  }

  #utf8(text: string): void {
    if (text.includes('\0')) {
      this.#undo();
      throw new TypeError('a text with a NUL');
    }
    const length = Buffer.byteLength(text) + 1;
    this.#block(length);
    this.#memory.bytes.write(text, this.#end - padded(length), 'utf8');
  }

  array(content: Uint8Array): void {
    this.#block(content.length);
    this.#memory.bytes.set(content, this.#end - padded(content.length));
  }

  /** A length, and zeroed room for so many bytes. */
  #block(length: number): void {
    if (this.#end + 4 + padded(length) > this.#limit) this.#tooLong();
    this.uint(length);
    this.#memory.bytes.fill(0, this.#end, this.#end + padded(length));
    this.#end += padded(length);
  }

  /** It is no part of the bytes; it stays the caller's, and open until it has been sent. */
  fd(fd: number): void {
    this.#fds.push(fd);
  }

  untypedNewId({ interface: name, version, id }: UntypedNewId): void {
    this.string(name);
    this.uint(version);
    this.uint(id);
  }

  #tooLong(): never {
    this.#undo();
    throw new RangeError(`longer than ${MAX_MESSAGE_SIZE} bytes`);
  }

  #undo(): void {
    this.#end = this.#start;
    this.#fds = this.#fds.slice(0, this.#fdsBefore);
  }

  /** Copies `length` bytes of those that nobody has taken, behind the first `skip` of them. */
  copyTo(target: Memory, at: number, skip: number, length: number): void {
    const { bytes, words } = this.#memory;
    const from = this.#from + skip;
    const areWords = ((at | from | length) & 3) === 0;
    // A subarray costs more than some hundred words do.
    if (!areWords || length > 2048) target.bytes.set(bytes.subarray(from, from + length), at);
    else {
      const end = length >> 2;
      for (let i = 0; i < end; i++) target.words[(at >> 2) + i] = words[(from >> 2) + i] as number;
    }
  }

  /** The bytes that nobody has taken; what is written next may be in their place. */
  pending(): Buffer {
    return this.#memory.bytes.subarray(this.#from, this.#end);
  }

  /** The first `count` bytes are taken. */
  take(count: number): void {
    this.#from += count;
    if (this.#from === this.#end) this.clear();
  }

  /** The fds of what was written since they were taken last. */
  takeFds(): readonly number[] {
    if (this.#fds.length === 0) return NO_FDS;
    const fds = this.#fds;
    this.#fds = [];
    return fds;
  }

  clear(): void {
    giveBack(this.#memory);
    this.#memory = NONE;
    this.#from = 0;
    this.#end = 0;
    // To set a length costs V8 a call of its run time.
    if (this.#fds.length > 0) this.#fds = [];
  }

  /** What was written and not taken is moved to where it has room. */
  #grow(more = MAX_MESSAGE_SIZE): void {
    const before = this.#memory;
    if (before === NONE && more <= LENT_BYTES) {
      this.#memory = lend(LENT_BYTES);
      return;
    }
    // Words stay words.
    const from = this.#from & ~3;
    const used = this.#end - from;
    const wanted = used + more;
    let size = LENT_BYTES;
    while (size < wanted) size *= 2;
    if (size <= before.bytes.length) before.bytes.copyWithin(0, from, this.#end);
    else {
      this.#memory = lend(size);
      this.#memory.bytes.set(before.bytes.subarray(from, this.#end));
      giveBack(before);
    }
    this.#from -= from;
    this.#end = used;
  }
}

const NO_FDS: readonly number[] = [];
const padded = (length: number) => (length + 3) & ~3;
