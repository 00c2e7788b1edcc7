/**
 * The door to Vulkan: the system's loader (libvulkan.so.1) and the functions that it hands out as
 * pointers. Nothing here links against Vulkan: a machine without it gets a reason, not a crash.
 *
 * Owns: the loaded library, which stays for the life of the process.
 */
import { messageOf } from '../../memory/errors.js';
import {
  type Address,
  type Argument,
  callInt,
  callLong,
  Library,
  named,
  transientString,
} from '../ffi.js';

/** Functions of one dispatch level (global, instance or device), looked up once by name. */
export class Functions {
  readonly #known = new Map<string, Address>();

  constructor(
    private readonly lookUp: (name: string) => Address,
    private readonly level: string,
  ) {}

  /** The function's address; 0 where the level has none of that name. */
  find(name: string): Address {
    let address = this.#known.get(name);
    if (address === undefined) {
      address = named(name, this.lookUp(name));
      this.#known.set(name, address);
    }
    return address;
  }

  /**
   * Calls a function that returns VkResult, which is returned unchecked, or nothing. Parameters are
   * integers, handles and addresses in C's order.
   */
  call(name: string, ...args: Argument[]): number {
    const address = this.find(name);
    if (address === 0) throw new Error(`Vulkan's ${this.level} has no ${name}`);
    return callInt(address, ...args);
  }
}

/** The soname that every Linux Vulkan loader has (LoaderApplicationInterface.md). */
const SONAME = 'libvulkan.so.1';

export class Loader {
  /** Functions that need no instance: vkCreateInstance, vkEnumerateInstanceVersion. */
  readonly global: Functions;

  private constructor(private readonly getInstanceProcAddr: Address) {
    this.global = this.instanceFunctions(0n, 'loader');
  }

  /** Throws, with what to do about it, where the machine has no Vulkan loader. */
  static open(): Loader {
    let library: Library;
    try {
      library = Library.open(SONAME);
    } catch (cause) {
      const detail = messageOf(cause);
      throw new Error(
        detail.includes('No such file')
          ? `${SONAME} is not installed (Debian: libvulkan1 and a driver)`
          : `${SONAME} cannot be loaded: ${detail}`,
        { cause },
      );
    }
    return new Loader(library.symbol('vkGetInstanceProcAddr'));
  }

  instanceFunctions(instance: bigint, level = 'instance'): Functions {
    const get = this.getInstanceProcAddr;
    return new Functions((name) => callLong(get, instance, transientString(name)), level);
  }
}

/** Functions of a device, past the loader's own dispatch ("Command Function Pointers"). */
export function deviceFunctions(instance: Functions, device: bigint): Functions {
  const get = instance.find('vkGetDeviceProcAddr');
  return new Functions((name) => callLong(get, device, transientString(name)), 'device');
}
