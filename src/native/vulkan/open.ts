/** From nothing to the one device that the daemon uses: loader, instance, choice, device. */
import { statSync } from 'node:fs';
import type { DrmNode } from '../../memory/device.js';
import { chooseDevice } from './choose.js';
import { Device } from './device.js';
import { Instance } from './instance.js';
import { Loader } from './loader.js';
import { type PhysicalDevice, physicalDevices } from './physical-device.js';

/**
 * Opens the device that `selection` names (see `chooseDevice`). The result has no user yet: retain
 * it. Throws, with a sentence for the administrator, where there is none.
 */
export function openDevice(selection?: string): Device {
  const instance = Instance.create(Loader.open());
  try {
    const physical = chooseDevice(physicalDevices(instance), selection, nodeOf);
    return Device.create(instance, physical);
  } catch (error) {
    instance.destroy();
    throw error;
  }
}

/** The machine's devices, in the drivers' order; opens none. Throws where there is no Vulkan at all. */
export function listDevices(): PhysicalDevice[] {
  const instance = Instance.create(Loader.open());
  try {
    return physicalDevices(instance);
  } finally {
    instance.destroy();
  }
}

/** The device number of a device file; null where there is no such file. */
function nodeOf(path: string): DrmNode | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (!found?.isCharacterDevice()) return null;
  // gnu_dev_major and gnu_dev_minor, glibc's sysmacros.h
  const { rdev } = found;
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)),
  };
}
