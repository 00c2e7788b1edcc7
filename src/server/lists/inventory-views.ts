/** What the allocator found, in the shapes of openapi.yaml. */
import { contiguityOf } from '../../memory/contiguity.js';
import type {
  DeviceDescription,
  ListedDevice,
  OpenDescription,
  PhysicalDescription,
  WithCuda,
} from '../../memory/device.js';
import { fourccName, MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import type { FormatOffer, RegionMemory, SourceState } from '../../memory/source.js';
import type { DeviceInfo, FormatInfo, ListedDeviceInfo, SourceInfo } from '../../rest/contract.js';
import type { Inventory } from '../words/messages.js';
import { type GpuBuffer, gpuMemory } from './gpu-memory.js';

export function formatView({
  format,
  modifier,
  planes,
  source,
  handleType,
  made,
}: FormatOffer): FormatInfo {
  return {
    format: fourccName(format),
    modifier: modifierText(modifier),
    modifier_name: modifier === MOD_LINEAR ? 'LINEAR' : null,
    planes,
    source,
    handle_type: handleType,
    made,
  };
}

/** `region`: what there is of its memory now, where the kernel counts that. */
export function sourceView(source: SourceState, region: RegionMemory | null = null): SourceInfo {
  const { name, handleType, usable, reason, maxBytes = null, also = [], aliases = [] } = source;
  const limits = { max_bytes: maxBytes };
  const further = also.length > 0 ? { further_handle_types: [...also] } : {};
  const contiguous = contiguityOf(name);
  return {
    ...{ name, handle_type: handleType, ...further, contiguous, usable, reason, limits },
    ...(aliases.length > 0 && { aliases: [...aliases] }),
    ...(region !== null && { region }),
  };
}

export function deviceView(
  device: DeviceDescription,
  buffers: Iterable<GpuBuffer> = [],
): DeviceInfo {
  return {
    ...physicalView(device),
    ...openView(device),
    ...cudaView(device, buffers),
    ...lossesView(device),
  };
}

export function listedDeviceView(
  device: ListedDevice,
  buffers: Iterable<GpuBuffer> = [],
): ListedDeviceInfo {
  const { main, opened, reason, sources } = device;
  return {
    ...physicalView(device),
    ...(opened === null ? NOT_OPEN : openView(opened)),
    ...cudaView(device, buffers),
    ...lossesView(device),
    main,
    open: opened !== null,
    reason,
    sources: sources.map((source) => sourceView(source)),
  };
}

function physicalView<D extends PhysicalDescription | ListedDevice>(device: D) {
  const { name, type, vendorId, deviceId, apiVersion, driver, deviceUuid, driverUuid, drm } =
    device;
  return {
    ...{ name, type },
    vendor_id: vendorId as D['vendorId'],
    device_id: deviceId as D['deviceId'],
    api_version: apiVersion as D['apiVersion'],
    driver: driver as D['driver'],
    device_uuid: deviceUuid,
    driver_uuid: driverUuid as D['driverUuid'],
    drm,
  };
}

const NOT_OPEN = { extensions: null, heaps: null, memory_types: null, limits: null };

function openView({ extensions, heaps, memoryTypes, limits }: OpenDescription) {
  return {
    extensions,
    heaps: heaps.map(({ index, size, deviceLocal, budget, usage }) => ({
      index,
      size,
      device_local: deviceLocal,
      budget,
      usage,
    })),
    memory_types: memoryTypes,
    limits: {
      max_allocations: limits.maxAllocations,
      max_allocation_size: limits.maxAllocationSize,
      max_image_dimension_2d: limits.maxImageDimension2d,
    },
  };
}

const cudaView = ({ cuda }: WithCuda, buffers: Iterable<GpuBuffer>) => ({
  cuda: cuda && gpuMemory(cuda, buffers),
});

function lossesView({ losses, lastLostAt }: ListedDevice | DeviceDescription) {
  return { losses, last_lost_at: lastLostAt };
}

/** What an administrator should know about this daemon's sources. */
export function warnings({ sources }: Inventory): string[] {
  const exporters = sources.filter((source) => source.handleType === 'dma_buf');
  if (exporters.some((source) => source.usable)) return [];
  const why = exporters.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return [`no dma_buf can be exported here (${why}); other handle types must be asked for`];
}
