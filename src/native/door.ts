/**
 * The only file that touches ffi-rs and the shim's Node-API addon: the two doors to C. Through either one
 * shim function (`dmab_call`) is called, whose single parameter is the address of an argument block
 * (block.ts). ffi-rs aborts the process when a parameter has a type that it does not expect; here
 * only one type ever reaches it.
 *
 * Node-API is the door for what is called often (hot.ts), ffi-rs for all the rest, and for everything
 * where the addon cannot be loaded. With `DMABROKER_DOOR=ffi-rs` in the environment it is not tried:
 * for tests, and for who wants to know whether it is to blame.
 *
 * Owns: the shim library.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import type * as FfiRs from 'ffi-rs';
import type { Address } from './block.js';
import { GLIBC, requireSupported, thisPlatform, unloadable } from './platform.js';

/** 0: what is polled keeps no process alive; 1: it does; 2: it is polled no longer. */
export type PollControl = (what: 0 | 1 | 2) => void;

/** What shim/door.c makes of the shim. */
export interface Addon {
  /** A function that makes the call of the block, which it keeps. */
  readonly bind: (block: Uint8Array) => () => void;
  readonly address: (bytes: Uint8Array) => Address;
  /** Without a copy; undefined where the process may have no such Buffer. */
  readonly view: (address: Address, length: number) => Buffer | undefined;
  /** A collection of this thread's heap that gives back what it can. */
  readonly collect: () => void;
  /** libuv's poll (shim/poll.c); a number is -errno. Null where the process lends no libuv. */
  readonly poll: ((fd: number, readable: () => void) => PollControl | number) | null;
}

/** bin/dmabrokerd.js knows it by its code: a wrong configuration, told without a stack. */
class DoorError extends Error {
  override readonly name = 'DoorError';
  readonly code = 'ERR_DMABROKER_DOOR';
}

const SHIM = 'dmabroker-shim';
requireSupported(thisPlatform());
const wantsAddon = readChoice(process.env.DMABROKER_DOOR);
const native = loadNative();
export const { shimPath } = native;
const { createExternalBuffer, DataType, load } = native.ffiRs;
/** Null where ffi-rs serves everything. */
export const addon = wantsAddon ? loadAddon() : null;

function readChoice(choice: string | undefined): boolean {
  if (choice === undefined || choice === '') return true;
  if (choice === 'ffi-rs') return false;
  throw new DoorError(
    `DMABROKER_DOOR is ${JSON.stringify(choice)}; set it to ffi-rs, or not at all for Node-API with ` +
      'ffi-rs behind it',
  );
}

/** ffi-rs has a package with its binary for each platform; an installation can lack it, too. */
function loadNative(): { readonly shimPath: string; readonly ffiRs: typeof FfiRs } {
  try {
    const ffiRs = unasked(() => createRequire(import.meta.url)('ffi-rs') as typeof FfiRs);
    const shimPath = findShim();
    ffiRs.open({ library: SHIM, path: shimPath });
    return { shimPath, ffiRs };
  } catch (error) {
    throw unloadable(error, thisPlatform());
  }
}

/**
 * ffi-rs has Node make a report of the process, for the one line that names the C library: some milliseconds and a megabyte
 * in each thread. It is glibc, or what it loads cannot be loaded, which `unloadable` explains.
 */
function unasked<T>(load: () => T): T {
  const { report } = process;
  const { getReport } = report;
  report.getReport = () => ({ header: { glibcVersionRuntime: GLIBC } });
  try {
    return load();
  } finally {
    report.getReport = getReport;
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

/** Not `require`, which wants another suffix. Each thread has an addon of its own. */
function loadAddon(): Addon | null {
  const module = { exports: {} as Partial<Addon> };
  try {
    process.dlopen(module, shimPath);
  } catch {
    return null;
  }
  const { bind, address, view, collect, poll = null } = module.exports;
  if (bind === undefined || address === undefined || view === undefined) return null;
  if (collect === undefined) return null;
  return { bind, address, view, collect, poll };
}

function addressByFfiRs(bytes: Uint8Array): Address {
  if (!types.isUint8Array(bytes)) throw new TypeError('addressOf wants a Uint8Array');
  return load({
    library: SHIM,
    funcName: 'dmab_address',
    retType: DataType.I64,
    paramsType: [DataType.U8Array],
    paramsValue: [bytes],
    freeResultMemory: false,
  }) as number;
}

/**
 * The address of a Buffer's (or Uint8Array's) memory: valid for as long as that is reachable. A TypeError
 * for everything else.
 */
export const addressOf: (bytes: Uint8Array) => Address = addon?.address ?? addressByFfiRs;

function bindByFfiRs(block: Uint8Array): () => void {
  const params = {
    library: SHIM,
    funcName: 'dmab_call',
    retType: DataType.Void,
    paramsType: [DataType.I64],
    paramsValue: [addressOf(block)],
    freeResultMemory: false,
  };
  return () => {
    load(params);
  };
}

/** A function that makes the call that a block has, by each door. The caller keeps the block. */
export function doorsFor(block: Uint8Array): {
  readonly hot: () => void;
  readonly all: () => void;
} {
  const all = bindByFfiRs(block);
  return { hot: addon?.bind(block) ?? all, all };
}

/** dlsym(3) in what the process has loaded; 0 where there is no such name. */
export function lookUp(name: string): Address {
  return load({
    library: SHIM,
    funcName: 'dmab_symbol',
    retType: DataType.I64,
    paramsType: [DataType.String],
    paramsValue: [name],
    freeResultMemory: false,
  }) as number;
}

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
  const view = addon?.view(address, length);
  if (view !== undefined) return view;
  idParams.paramsValue[0] = address;
  return createExternalBuffer(load(idParams) as unknown as FfiRs.JsExternal, length);
}
