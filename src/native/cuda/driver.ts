/**
 * The door to CUDA: the driver's library, by its functions' names. Nothing here links against it: a machine without
 * it gets a reason, not a crash.
 *
 * Owns: the loaded library, which stays for the life of the process.
 */
import { messageOf, type Refusal } from '../../memory/errors.js';
import { Arena } from '../arena.js';
import { type Address, type Argument, callInt, Library, readCString } from '../ffi.js';
import { CUDA_SUCCESS, cudaError } from './result.js';

/** It comes with NVIDIA's driver, and has the driver's version. */
const SONAME = 'libcuda.so.1';

export class Cuda {
  /** Scratch memory for the structs of one call; every use is inside `arena.scoped`. */
  readonly arena = new Arena(1024);
  readonly #known = new Map<string, Address>();

  private constructor(private readonly library: Library) {}

  /**
   * Opens the library and initialises the driver, which makes no context. Throws, with a sentence for the
   * administrator, where there is none or it has no device.
   */
  static open(path = SONAME): Cuda {
    let library: Library;
    try {
      library = Library.open(path);
    } catch (cause) {
      const detail = messageOf(cause);
      throw new Error(
        detail.includes('No such file')
          ? `${path} is not installed (it comes with NVIDIA's driver)`
          : `${path} cannot be loaded: ${detail}`,
        { cause },
      );
    }
    const cuda = new Cuda(library);
    cuda.call('cuInit', [0]);
    return cuda;
  }

  /** Whether the driver, which may be an older one, has the function. */
  has(name: string): boolean {
    try {
      this.#find(name);
      return true;
    } catch {
      return false;
    }
  }

  #find(name: string): Address {
    let address = this.#known.get(name);
    if (address === undefined) {
      address = this.library.symbol(name);
      this.#known.set(name, address);
    }
    return address;
  }

  /** Calls a function; its CUresult, unchecked. */
  result(name: string, args: readonly Argument[]): number {
    return callInt(this.#find(name), ...args);
  }

  /** Calls a function; throws for every CUresult but CUDA_SUCCESS. */
  call(name: string, args: readonly Argument[], refusal?: Refusal): void {
    const result = this.result(name, args);
    if (result !== CUDA_SUCCESS) throw cudaError(result, this.#nameOf(result), name, refusal);
  }

  /** The same of a function that writes 64 bits (a handle, a pointer, a size_t) at its first parameter. */
  out64(name: string, args: readonly Argument[], refusal?: Refusal): bigint {
    return this.#out(8, name, args, (at) => this.arena.view.getBigUint64(at, true), refusal);
  }

  /** The same of an `int`. */
  out32(name: string, args: readonly Argument[], refusal?: Refusal): number {
    return this.#out(4, name, args, (at) => this.arena.view.getInt32(at, true), refusal);
  }

  #out<T>(
    size: number,
    name: string,
    args: readonly Argument[],
    read: (at: number) => T,
    refusal?: Refusal,
  ): T {
    const { arena } = this;
    return arena.scoped(() => {
      const at = arena.reserve(size);
      this.call(name, [arena.address + at, ...args], refusal);
      return read(at);
    });
  }

  #nameOf(result: number): string {
    const { arena } = this;
    return arena.scoped(() => {
      const at = arena.reserve(8);
      const unknown = `CUresult ${result}`;
      if (this.result('cuGetErrorName', [result, arena.address + at]) !== CUDA_SUCCESS) {
        return unknown;
      }
      const text = Number(arena.view.getBigUint64(at, true));
      return text === 0 ? unknown : readCString(text);
    });
  }
}
