/**
 * The only file that touches ffi-rs. Every C function, libc's and Vulkan's alike, is called by its
 * address through one shim function (`dmab_call`) whose single parameter is the address of this
 * thread's argument block. ffi-rs aborts the process when a parameter has a type that it does not
 * expect; here only one type ever reaches it, and the arguments are checked as they are written
 * into the block.
 *
 * Owns: the shim library, this thread's argument block, the table of resolved symbols.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type * as FfiRs from 'ffi-rs';
import { requireSupported, thisPlatform, unloadable } from './platform.js';

/** An address in this process. User space ends below 2^47, so a double holds it exactly. */
export type Address = number;

const SHIM = 'dmabroker-shim';
requireSupported(thisPlatform());
const { shimPath, ffiRs } = loadNative();
const { createExternalBuffer, DataType, load } = ffiRs;

/** ffi-rs has a package with its binary for each platform; an installation can lack it, too. */
function loadNative(): { readonly shimPath: string; readonly ffiRs: typeof FfiRs } {
  try {
    const ffiRs = createRequire(import.meta.url)('ffi-rs') as typeof FfiRs;
    const shimPath = findShim();
    ffiRs.open({ library: SHIM, path: shimPath });
    return { shimPath, ffiRs };
  } catch (error) {
    throw unloadable(error, thisPlatform());
  }
}

/** `dist/native/linux-ARCH/dmabroker.so` stands beside every form that the code is compiled to. */
function findShim(): string {
  const file = join('native', `linux-${process.arch}`, 'dmabroker.so');
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, file);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) throw new Error(`${file} is missing: run \`npm run build\``);
  }
}

/** The address of a Buffer's (or typed array's) memory: valid for as long as that is reachable. */
export function addressOf(bytes: Uint8Array): Address {
  if (!(bytes instanceof Uint8Array)) throw new TypeError('addressOf wants a Uint8Array');
  return load({
    library: SHIM,
    funcName: 'dmab_address',
    retType: DataType.I64,
    paramsType: [DataType.U8Array],
    paramsValue: [bytes],
    freeResultMemory: false,
  }) as number;
}

// struct call of shim/dmabroker.c: fn, arg[12], ret, err
const MAX_ARGS = 12;
const RET = 1 + MAX_ARGS;
const block = new BigUint64Array(16);
const blockInts = new Int32Array(block.buffer);
const blockSigned = new BigInt64Array(block.buffer);
const callParams = {
  library: SHIM,
  funcName: 'dmab_call',
  retType: DataType.Void,
  paramsType: [DataType.I64],
  paramsValue: [addressOf(new Uint8Array(block.buffer))],
  freeResultMemory: false,
};

export type Argument = number | bigint;

function invoke(fn: Address, args: readonly Argument[]): void {
  if (!(fn > 0) || !Number.isSafeInteger(fn)) throw new TypeError(`not a function address: ${fn}`);
  if (args.length > MAX_ARGS) throw new TypeError(`more than ${MAX_ARGS} arguments`);
  block[0] = BigInt(fn);
  for (let i = 0; i < MAX_ARGS; i++) {
    // BigInt() throws on a fraction, NaN or undefined; a BigUint64Array wraps negatives as C does.
    block[1 + i] = i < args.length ? BigInt(args[i] as Argument) : 0n;
  }
  load(callParams);
}

/** Calls a C function that returns an `int` (or nothing). */
export function callInt(fn: Address, ...args: Argument[]): number {
  invoke(fn, args);
  return blockInts[RET * 2] as number;
}

/** Calls a C function that returns a `long`, `ssize_t` or pointer below 2^53. */
export function callLong(fn: Address, ...args: Argument[]): number {
  invoke(fn, args);
  return Number(blockSigned[RET]);
}

/** Calls a C function that returns a `uint64_t` (a non-dispatchable Vulkan handle, say). */
export function callU64(fn: Address, ...args: Argument[]): bigint {
  invoke(fn, args);
  return block[RET] as bigint;
}

/** errno after the last call of this thread; it means something only after a failure. */
export function lastErrno(): number {
  return blockInts[(RET + 1) * 2] as number;
}

const symbols = new Map<string, Address>();

/** The address of a C function in what the process has loaded (libc). Throws if there is none. */
export function symbol(name: string): Address {
  const known = symbols.get(name);
  if (known !== undefined) return known;
  const address = load({
    library: SHIM,
    funcName: 'dmab_symbol',
    retType: DataType.I64,
    paramsType: [DataType.String],
    paramsValue: [name],
    freeResultMemory: false,
  }) as number;
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
    const address = callLong(dlsym, this.handle, transientString(name));
    if (address === 0) throw new Error(`${this.path} has no ${name}`);
    return address;
  }
}

/** The shim's own functions (it is loaded with RTLD_LOCAL, so `symbol` does not see them). */
export const shim = Library.open(shimPath);

const idParams = {
  library: SHIM,
  funcName: 'dmab_address',
  retType: DataType.External,
  paramsType: [DataType.I64],
  paramsValue: [0],
  freeResultMemory: false,
};

/**
 * A Buffer over `length` bytes at an address, without a copy. The caller sees to it that the
 * address range stays mapped for as long as the view is reachable.
 */
export function viewOf(address: Address, length: number): Buffer {
  if (address <= 0 || !Number.isSafeInteger(address)) throw new TypeError('not an address');
  if (!Number.isSafeInteger(length) || length <= 0) throw new TypeError('not a length');
  idParams.paramsValue[0] = address;
  return createExternalBuffer(load(idParams) as unknown as FfiRs.JsExternal, length);
}
