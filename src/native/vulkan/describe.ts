/** The device as JSON: what the REST API and the log say about it. */
import type { Device } from './device.js';
import type { ExtensionReport } from './extensions.js';
import { VkMemoryPropertyFlagBits } from './layout.gen.js';
import { memoryProperties } from './memory-properties.js';
import type { DeviceType, PhysicalDevice } from './physical-device.js';
import { versionText } from './version.js';

/** What JSON can carry exactly; larger numbers are shown as 2^53 - 1 (openapi.yaml). */
export type JsonNumber = number;

export interface DeviceDescription {
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

export function jsonNumber(value: bigint): JsonNumber {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value < max ? value : max);
}

/** `VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT` → `device_local` */
const flagNames = Object.entries(VkMemoryPropertyFlagBits).map(([name, bit]) => ({
  bit,
  name: name
    .replace('VK_MEMORY_PROPERTY_', '')
    .replace(/_BIT(_[A-Z]+)?$/, '')
    .toLowerCase(),
}));

/** Heap budgets are those of this moment; everything else stays as it was at start. */
export function describeDevice(device: Device): DeviceDescription {
  const { physical } = device;
  const { heaps, types } = memoryProperties(device);
  const orNull = (value: bigint | null) => (value === null ? null : jsonNumber(value));
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
      flags: flagNames.filter(({ bit }) => (flags & bit) !== 0).map(({ name }) => name),
    })),
    limits: {
      max_allocations: physical.limits.maxAllocations,
      max_allocation_size: jsonNumber(physical.limits.maxAllocationSize),
      max_image_dimension_2d: physical.limits.maxImageDimension2d,
    },
  };
}
