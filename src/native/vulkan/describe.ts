/** The device as JSON: what the REST API and the log say about it. */
import type { Device } from './device.js';
import type { ExtensionReport } from './extensions.js';
import { type JsonNumber, jsonNumber } from './json-number.js';
import { memoryProperties } from './memory-properties.js';
import { flagNames } from './memory-type.js';
import type { DeviceType, PhysicalDevice } from './physical-device.js';
import { versionText } from './version.js';

/** What is known of a device without opening it. */
export interface PhysicalDescription {
  readonly name: string;
  readonly type: DeviceType;
  readonly vendor_id: number;
  readonly device_id: number;
  /** E.g. `1.4.305`: what the device offers. */
  readonly api_version: string;
  readonly driver: { readonly name: string; readonly info: string };
  /** 32 hexadecimal digits. */
  readonly device_uuid: string;
  readonly driver_uuid: string;
  readonly drm: PhysicalDevice['drm'];
}

export interface DeviceDescription extends PhysicalDescription {
  readonly extensions: readonly ExtensionReport[];
  /** Sizes in bytes. */
  readonly heaps: readonly {
    readonly index: number;
    readonly size: JsonNumber;
    readonly device_local: boolean;
    readonly budget: JsonNumber | null;
    readonly usage: JsonNumber | null;
  }[];
  readonly memory_types: readonly {
    readonly index: number;
    readonly heap: number;
    readonly flags: readonly string[];
  }[];
  readonly limits: {
    readonly max_allocations: number;
    readonly max_allocation_size: JsonNumber;
    readonly max_image_dimension_2d: number;
  };
}

export function describePhysical(physical: PhysicalDevice): PhysicalDescription {
  return {
    name: physical.name,
    type: physical.type,
    vendor_id: physical.vendorId,
    device_id: physical.deviceId,
    api_version: versionText(physical.apiVersion),
    driver: physical.driver,
    device_uuid: physical.deviceUuid,
    driver_uuid: physical.driverUuid,
    drm: physical.drm,
  };
}

/** Heap budgets are those of this moment; everything else stays as it was at start. */
export function describeDevice(device: Device): DeviceDescription {
  const { physical } = device;
  const { heaps, types } = memoryProperties(device);
  const orNull = (value: bigint | null) => (value === null ? null : jsonNumber(value));
  return {
    ...describePhysical(physical),
    extensions: device.extensions,
    heaps: heaps.map((heap) => ({
      index: heap.index,
      size: jsonNumber(heap.size),
      device_local: heap.deviceLocal,
      budget: orNull(heap.budget),
      usage: orNull(heap.usage),
    })),
    memory_types: types.map(({ index, heap, flags }) => ({
      index,
      heap,
      flags: flagNames(flags),
    })),
    limits: {
      max_allocations: physical.limits.maxAllocations,
      max_allocation_size: jsonNumber(physical.limits.maxAllocationSize),
      max_image_dimension_2d: physical.limits.maxImageDimension2d,
    },
  };
}
