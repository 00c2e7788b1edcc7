/**
 * The VkInstance. No layer is enabled from here: the validation layer comes with the environment
 * (VK_INSTANCE_LAYERS), so that a release runs what a test ran.
 *
 * Owns: the VkInstance.
 */
import { Arena } from '../arena.js';
import { enumerateHandles, outHandle } from './call.js';
import { VkApplicationInfo, VkInstanceCreateInfo, VkResult } from './layout.gen.js';
import type { Functions, Loader } from './loader.js';
import { resultName } from './result.js';
import { write } from './struct.js';
import { NEWEST, OLDEST, versionText } from './version.js';

export class Instance {
  private constructor(
    readonly handle: bigint,
    readonly functions: Functions,
    /** The version that we announced: what a device offers beyond it is not ours to use. */
    readonly apiVersion: number,
  ) {}

  /** vkCreateInstance. Throws where the loader is too old or no driver is installed. */
  static create(loader: Loader): Instance {
    const offered = loaderVersion(loader.global);
    if (offered < OLDEST) {
      throw new Error(`the Vulkan loader offers ${versionText(offered)}; 1.1 is the oldest in use`);
    }
    const version = Math.min(offered, NEWEST);
    const arena = new Arena();
    let failure = 0;
    let handle = 0n;
    try {
      const application = write(arena, VkApplicationInfo, {
        pApplicationName: arena.string('dmabroker'),
        pEngineName: arena.string('dmabroker'),
        apiVersion: version,
      });
      const info = write(arena, VkInstanceCreateInfo, { pApplicationInfo: application });
      handle = outHandle(arena, 'vkCreateInstance', (out) => {
        failure = loader.global.call('vkCreateInstance', info, 0, out);
        return failure;
      });
    } catch (cause) {
      throw new Error(
        failure === VkResult.VK_ERROR_INCOMPATIBLE_DRIVER
          ? 'no Vulkan driver is installed (Debian: mesa-vulkan-drivers)'
          : `vkCreateInstance: ${resultName(failure)}`,
        { cause },
      );
    }
    return new Instance(handle, loader.instanceFunctions(handle), version);
  }

  physicalDevices(): bigint[] {
    const call = 'vkEnumeratePhysicalDevices';
    return enumerateHandles(call, (count, array) =>
      this.functions.call(call, this.handle, count, array),
    );
  }

  /** External synchronisation: the instance, and everything made from it must be gone. */
  destroy(): void {
    this.functions.call('vkDestroyInstance', this.handle, 0);
  }
}

/** Loaders for Vulkan 1.0 do not have the function ("vkEnumerateInstanceVersion"). */
function loaderVersion(global: Functions): number {
  if (global.find('vkEnumerateInstanceVersion') === 0) return 1 << 22;
  const arena = new Arena(64);
  const version = arena.reserve(4);
  global.call('vkEnumerateInstanceVersion', arena.address + version);
  return arena.view.getUint32(version, true);
}
