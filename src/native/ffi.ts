/**
 * Calling C. Every function, libc's and Vulkan's alike, is called by its address; its arguments are checked as
 * they are written into this thread's argument block, and the block goes through one of the two
 * doors (door.ts): through Node-API where the function was found by a name of hot.ts, else ffi-rs.
 *
 * Owns: this thread's argument block, the table of resolved symbols, the set of hot addresses.
 */
import { type Address, type Argument, ArgumentBlock } from './block.js';
import { addon, addressOf, doorsFor, lookUp, shimPath } from './door.js';
import { HOT } from './hot.js';

export type { Address, Argument } from './block.js';
export { addressOf, viewOf } from './door.js';

const block = new ArgumentBlock();
const doors = doorsFor(block.bytes);
/** Whose errno is asked for. */
let last = block;
const hot = new Set<Address>();

/**
 * Notes which function an address is, where it was asked for by name elsewhere than here; returns it. An address
 * that nobody has named goes through ffi-rs.
 */
export function named(name: string, address: Address): Address {
  if (addon !== null && address !== 0 && HOT.has(name)) hot.add(address);
  return address;
}

/** The door that a function's calls go through. */
export function doorOf(fn: Address): 'node-api' | 'ffi-rs' {
  return hot.has(fn) ? 'node-api' : 'ffi-rs';
}

function invoke(fn: Address, args: readonly Argument[]): void {
  block.write(fn, args);
  last = block;
  if (hot.has(fn)) doors.hot();
  else doors.all();
}

/** Calls a C function that returns an `int` (or nothing). */
export function callInt(fn: Address, ...args: Argument[]): number {
  invoke(fn, args);
  return block.int();
}

/** Calls a C function that returns a `long`, `ssize_t` or pointer below 2^53. */
export function callLong(fn: Address, ...args: Argument[]): number {
  invoke(fn, args);
  return block.long();
}

/** Calls a C function that returns a `uint64_t` (a non-dispatchable Vulkan handle, say). */
export function callU64(fn: Address, ...args: Argument[]): bigint {
  invoke(fn, args);
  return block.u64();
}

/**
 * A call whose arguments never change, with a block of its own: nothing is checked or written when it is
 * made. Returns what `callLong` would. Memory that arguments point to is the caller's to keep.
 */
export function prepared(fn: Address, ...args: Argument[]): () => number {
  const own = new ArgumentBlock();
  own.write(fn, args);
  const { hot: byAddon, all } = doorsFor(own.bytes);
  const call = hot.has(fn) ? byAddon : all;
  return () => {
    last = own;
    call();
    return own.long();
  };
}

/** errno after the last call of this thread; it means something only after a failure. */
export function lastErrno(): number {
  return last.errno();
}

const symbols = new Map<string, Address>();

/** The address of a C function in what the process has loaded (libc). Throws if there is none. */
export function symbol(name: string): Address {
  const known = symbols.get(name);
  if (known !== undefined) return known;
  const address = named(name, lookUp(name));
  if (address === 0) throw new Error(`no C function ${name}`);
  symbols.set(name, address);
  return address;
}

// Resolved at once: a later dlsym would free the sentence that dlerror has just returned.
const memcpy = symbol('memcpy');
const strnlen = symbol('strnlen');
const dlopen = symbol('dlopen');
const dlsym = symbol('dlsym');
const dlerror = symbol('dlerror');

const scratch = Buffer.alloc(4096);
const scratchAddress = addressOf(scratch);

/** A string as C wants it, valid until the next one: for functions that do not keep it. */
export function transientString(text: string): Address {
  if (text.includes('\0')) throw new TypeError('a C string cannot contain NUL');
  if (Buffer.byteLength(text) >= scratch.length) throw new RangeError('string too long');
  scratch[scratch.write(text, 'utf8')] = 0;
  return scratchAddress;
}

function checkReadable(address: Address): void {
  if (!(address > 0)) throw new TypeError('cannot read at a null address');
}

/** Copies `length` bytes from an address that C gave. */
export function readBytes(address: Address, length: number): Buffer {
  checkReadable(address);
  const copy = Buffer.alloc(Math.max(length, 1));
  callLong(memcpy, addressOf(copy), address, length);
  return copy.subarray(0, length);
}

/** Copies a NUL-terminated string of at most `max` bytes from an address that C gave. */
export function readCString(address: Address, max = 4096): string {
  checkReadable(address);
  const length = callLong(strnlen, address, max);
  return readBytes(address, length).toString('utf8');
}

const RTLD_NOW = 2;

/** A shared library, opened with dlopen(3) and kept for the life of the process. */
export class Library {
  private constructor(
    readonly path: string,
    private readonly handle: Address,
  ) {}

  /** Throws with dlerror(3)'s sentence where the library cannot be opened. */
  static open(path: string): Library {
    const handle = callLong(dlopen, transientString(path), RTLD_NOW);
    if (handle === 0) throw new Error(readCString(callLong(dlerror)));
    return new Library(path, handle);
  }

  symbol(name: string): Address {
    const address = named(name, callLong(dlsym, this.handle, transientString(name)));
    if (address === 0) throw new Error(`${this.path} has no ${name}`);
    return address;
  }
}

/** The shim's own functions (it is loaded with RTLD_LOCAL, so `symbol` does not see them). */
export const shim = Library.open(shimPath);
