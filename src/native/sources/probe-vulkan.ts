/**
 * What a Vulkan device can export: one source for each handle type that a trial allocation proves.
 */

import { closeSync } from 'node:fs';
import { checked } from '../../memory/check-spec.js';
import type { OpenDescription } from '../../memory/device.js';
import { messageOf } from '../../memory/errors.js';
import type { SourceState } from '../../memory/source.js';
import { describeDevice } from '../vulkan/describe.js';
import type { Device } from '../vulkan/device.js';
import { openDevice } from '../vulkan/open.js';
import { bufferSupport } from '../vulkan/support.js';
import { bufferUsage, type VulkanHandleType } from '../vulkan/usage.js';
import { type VulkanOptions, VulkanSource } from './vulkan.js';

export interface VulkanProbe {
  /** One for each handle type, in order of preference. */
  readonly states: readonly SourceState[];
  /** Null where no device could be opened. */
  readonly device: OpenDescription | null;
  /** The usable ones; closing the last of them destroys the device. */
  readonly sources: readonly VulkanSource[];
}

/**
 * Opens the device that `selection` names (`chooseDevice` has the forms; undefined takes the best)
 * and proves by one small allocation what it exports. Never throws for what a machine lacks: that is
 * the reason in the states.
 */
export function probeVulkan(selection?: string, options: VulkanOptions = {}): VulkanProbe {
  const handleTypes = ['dma_buf', 'opaque_fd'] as const;
  let device: Device;
  try {
    device = openDevice(selection);
  } catch (error) {
    const reason = messageOf(error);
    const state = { name: 'vulkan', usable: false, reason } as const;
    return {
      states: handleTypes.map((handleType) => ({ ...state, handleType })),
      device: null,
      sources: [],
    };
  }
  device.retain();
  const description = describeDevice(device);
  const sources: VulkanSource[] = [];
  const states = handleTypes.map((handleType): SourceState => {
    const found = tryHandleType(device, handleType, options);
    const usable = typeof found !== 'string';
    if (usable) sources.push(found);
    return { name: 'vulkan', handleType, usable, reason: usable ? device.physical.name : found };
  });
  device.release();
  return { states, device: description, sources };
}

/** A source that has allocated once, or the reason why there is none. */
function tryHandleType(
  device: Device,
  handleType: VulkanHandleType,
  options: VulkanOptions,
): VulkanSource | string {
  const needed = ['VK_KHR_external_memory_fd'];
  if (handleType === 'dma_buf') needed.push('VK_EXT_external_memory_dma_buf');
  const missing = needed.find((extension) => !device.enabled(extension));
  if (missing) return `${missing} is missing`;

  const { exportable, flags } = bufferSupport(device, bufferUsage(0), handleType);
  if (!exportable) {
    const hint = device.physical.driver.name === 'llvmpipe' ? ': no /dev/udmabuf' : '';
    return `the driver cannot export ${handleType} memory (externalMemoryFeatures 0x${flags.toString(16)})${hint}`;
  }
  const source = new VulkanSource(device, handleType, options);
  try {
    const trial = source.allocate(checked({ kind: 'buffer', size: 4096, usage: 0 }), 'trial');
    for (const { fd } of trial.planes) closeSync(fd);
    source.free(trial.key);
    return source;
  } catch (error) {
    source.close();
    return `a trial allocation failed: ${messageOf(error)}`;
  }
}
