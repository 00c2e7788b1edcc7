/** A device as the rest of the daemon is told of it (memory/device.ts). */
import type { OpenDescription, PhysicalDescription } from '../../memory/device.js';
import type { Device } from './device.js';
import { jsonNumber } from './json-number.js';
import { memoryProperties } from './memory-properties.js';
import { flagNames } from './memory-type.js';
import type { PhysicalDevice } from './physical-device.js';
import { versionText } from './version.js';

export function describePhysical({
  handle: _,
  extensions: __,
  limits: ___,
  apiVersion,
  ...known
}: PhysicalDevice): PhysicalDescription {
  return { ...known, apiVersion: versionText(apiVersion) };
}

/** Heap budgets are those of this moment; everything else stays as it was at start. */
export function describeDevice(device: Device): OpenDescription {
  const { physical, extensions } = device;
  const { maxAllocations, maxAllocationSize, maxImageDimension2d } = physical.limits;
  const { heaps, types } = memoryProperties(device);
  const orNull = (value: bigint | null) => (value === null ? null : jsonNumber(value));
  return {
    ...describePhysical(physical),
    extensions,
    heaps: heaps.map(({ size, budget, usage, ...heap }) => ({
      ...heap,
      size: jsonNumber(size),
      budget: orNull(budget),
      usage: orNull(usage),
    })),
    memoryTypes: types.map(({ flags, ...type }) => ({ ...type, flags: flagNames(flags) })),
    limits: {
      maxAllocations,
      maxAllocationSize: jsonNumber(maxAllocationSize),
      maxImageDimension2d,
    },
  };
}
