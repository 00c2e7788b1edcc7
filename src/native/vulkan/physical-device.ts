/** What a VkPhysicalDevice is: identity, driver, DRM nodes, extensions, limits. Read once. */
import type { DeviceType, DrmNodes, PhysicalDescription } from '../../memory/device.js';
import { Arena } from '../arena.js';
import { enumerate } from './call.js';
import type { Instance } from './instance.js';
import {
  VkExtensionProperties,
  VkPhysicalDeviceDriverProperties,
  VkPhysicalDeviceDrmPropertiesEXT,
  VkPhysicalDeviceIDProperties,
  VkPhysicalDeviceMaintenance3Properties,
  VkPhysicalDeviceMaintenance4Properties,
  VkPhysicalDeviceProperties,
  VkPhysicalDeviceProperties2,
  VkPhysicalDeviceType,
} from './layout.gen.js';
import { read, write } from './struct.js';
import { apiVersion, OLDEST } from './version.js';

const types: Readonly<Record<number, DeviceType>> = {
  [VkPhysicalDeviceType.VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU]: 'discrete_gpu',
  [VkPhysicalDeviceType.VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU]: 'integrated_gpu',
  [VkPhysicalDeviceType.VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU]: 'virtual_gpu',
  [VkPhysicalDeviceType.VK_PHYSICAL_DEVICE_TYPE_CPU]: 'cpu',
};

export interface PhysicalDevice extends Omit<PhysicalDescription, 'apiVersion'> {
  readonly handle: bigint;
  /** What the device offers; what may be used of it is `min(this, instance.apiVersion)`. */
  readonly apiVersion: number;
  readonly extensions: ReadonlySet<string>;
  readonly limits: {
    /** maxMemoryAllocationCount: VkDeviceMemory objects that may exist at once. */
    readonly maxAllocations: number;
    /** Bytes in one allocation (VkPhysicalDeviceMaintenance3Properties). */
    readonly maxAllocationSize: bigint;
    /** Bytes in one VkBuffer; null where the driver does not say (before maintenance4). */
    readonly maxBufferSize: bigint | null;
    /** Pixels. */
    readonly maxImageDimension2d: number;
  };
}

/** The instance's devices of Vulkan 1.1 and later, in the drivers' order. */
export function physicalDevices(instance: Instance): PhysicalDevice[] {
  return instance
    .physicalDevices()
    .filter((handle) => basicVersion(instance, handle) >= OLDEST)
    .map((handle) => describe(instance, handle));
}

/** vkGetPhysicalDeviceProperties2 is not for devices of Vulkan 1.0 (VUID-…-apiVersion). */
function basicVersion({ functions }: Instance, device: bigint): number {
  const arena = new Arena();
  const properties = write(arena, VkPhysicalDeviceProperties);
  functions.call('vkGetPhysicalDeviceProperties', device, properties);
  return read(arena, VkPhysicalDeviceProperties, properties).apiVersion;
}

function extensionsOf({ functions }: Instance, device: bigint): Set<string> {
  const call = 'vkEnumerateDeviceExtensionProperties';
  const found = enumerate(VkExtensionProperties, call, (count, array) =>
    functions.call(call, device, 0, count, array),
  );
  return new Set(found.map((extension) => extension.extensionName));
}

function describe(instance: Instance, handle: bigint): PhysicalDevice {
  const arena = new Arena();
  const extensions = extensionsOf(instance, handle);
  const version = Math.min(instance.apiVersion, basicVersion(instance, handle));
  const has = (since: number, extension: string) => version >= since || extensions.has(extension);

  // A struct may be chained only where its version or extension is there ("Valid Usage" of pNext).
  const id = write(arena, VkPhysicalDeviceIDProperties);
  const maintenance3 = write(arena, VkPhysicalDeviceMaintenance3Properties, { pNext: id });
  let pNext = maintenance3;
  const driver = has(apiVersion(1, 2), 'VK_KHR_driver_properties')
    ? write(arena, VkPhysicalDeviceDriverProperties, { pNext })
    : null;
  pNext = driver ?? pNext;
  const maintenance4 = has(apiVersion(1, 3), 'VK_KHR_maintenance4')
    ? write(arena, VkPhysicalDeviceMaintenance4Properties, { pNext })
    : null;
  pNext = maintenance4 ?? pNext;
  const drm = extensions.has('VK_EXT_physical_device_drm')
    ? write(arena, VkPhysicalDeviceDrmPropertiesEXT, { pNext })
    : null;
  pNext = drm ?? pNext;
  const all = write(arena, VkPhysicalDeviceProperties2, { pNext });
  instance.functions.call('vkGetPhysicalDeviceProperties2', handle, all);

  const { properties } = read(arena, VkPhysicalDeviceProperties2, all);
  const ids = read(arena, VkPhysicalDeviceIDProperties, id);
  const says = driver === null ? null : read(arena, VkPhysicalDeviceDriverProperties, driver);
  return {
    handle,
    name: properties.deviceName,
    type: types[properties.deviceType] ?? 'other',
    vendorId: properties.vendorID,
    deviceId: properties.deviceID,
    apiVersion: properties.apiVersion,
    driver: { name: says?.driverName ?? '', info: says?.driverInfo ?? '' },
    deviceUuid: ids.deviceUUID.toString('hex'),
    driverUuid: ids.driverUUID.toString('hex'),
    drm: drm === null ? null : drmNodes(arena, drm),
    extensions,
    limits: {
      maxAllocations: properties.limits.maxMemoryAllocationCount,
      maxAllocationSize: read(arena, VkPhysicalDeviceMaintenance3Properties, maintenance3)
        .maxMemoryAllocationSize,
      maxBufferSize:
        maintenance4 === null
          ? null
          : read(arena, VkPhysicalDeviceMaintenance4Properties, maintenance4).maxBufferSize,
      maxImageDimension2d: properties.limits.maxImageDimension2D,
    },
  };
}

function drmNodes(arena: Arena, address: number): DrmNodes {
  const drm = read(arena, VkPhysicalDeviceDrmPropertiesEXT, address);
  const node = (has: boolean, major: bigint, minor: bigint) =>
    has ? { major: Number(major), minor: Number(minor) } : null;
  return {
    primary: node(drm.hasPrimary, drm.primaryMajor, drm.primaryMinor),
    render: node(drm.hasRender, drm.renderMajor, drm.renderMinor),
  };
}
