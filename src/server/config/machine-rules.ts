/** The built-in limits that follow from the machine's memory and the process's file descriptors. */
import { fdParts } from '../../broker/fd-parts.js';
import { DEFAULT_RULES } from '../../broker/quota/policy.js';
import type { Rules } from '../../broker/quota/rules.js';
import { type DeviceDescription, ownBytes } from '../../memory/device.js';

/**
 * The daemon may have half of the machine's memory, as tmpfs(5) allows itself (most sources are
 * shared memory, and none of it can be swapped while a device uses it), and beside it what a
 * discrete GPU has of its own, by Vulkan or by CUDA. (Each heap may have its size: broker/quota/heaps.ts.)
 */
export function machineRules(
  memory: number,
  maxFds: number,
  device: DeviceDescription | null,
  /** Of the GPU that CUDA's memory is of where a request names none. */
  cudaBytes = 0,
): Rules {
  const rules = new Map(DEFAULT_RULES);
  const own = device === null ? 0 : ownBytes(device);
  rules.set('daemon/default', {
    bytes: Math.floor(memory / 2) + Math.max(own, cudaBytes),
    fds: fdParts(maxFds).buffers,
  });
  return rules;
}
