/** A Vulkan device of the machine: as the broker and requests know it, and as it is described. */
import type { FormatOffer, SourceState } from './source.js';

/** What can be had. */
export interface SourceTable {
  /** In order of preference. */
  readonly sources: readonly SourceState[];
  readonly offers: readonly FormatOffer[];
}

export interface DeviceState {
  /** VkPhysicalDeviceIDProperties::deviceUUID, 32 hexadecimal digits. */
  readonly uuid: string;
  readonly name: string;
  /** What can be had of this device alone; null until it is opened. */
  readonly table: SourceTable | null;
  /** Bytes of each of its memory heaps, once it was opened. */
  readonly heaps?: readonly number[];
  /** As of `ownBytes` below, or by CUDA; absent, or 0, where it has none or is not open. */
  readonly ownBytes?: number;
  /** Why it cannot be opened; null where it can, or where that is not known yet. */
  readonly problem: string | null;
}

export type DeviceType = 'discrete_gpu' | 'integrated_gpu' | 'virtual_gpu' | 'cpu' | 'other';

/** A device number, as makedev(3) takes it. */
export interface DrmNode {
  readonly major: number;
  readonly minor: number;
}

export interface DrmNodes {
  readonly primary: DrmNode | null;
  readonly render: DrmNode | null;
}

/** Which device it is: what is known without opening it. */
export interface PhysicalDescription {
  readonly name: string;
  readonly type: DeviceType;
  readonly vendorId: number;
  readonly deviceId: number;
  /** E.g. `1.4.305`: what the device offers. */
  readonly apiVersion: string;
  /** Empty strings where the driver does not say (Vulkan 1.1 without VK_KHR_driver_properties). */
  readonly driver: { readonly name: string; readonly info: string };
  /** 32 hexadecimal digits (VkPhysicalDeviceIDProperties). */
  readonly deviceUuid: string;
  readonly driverUuid: string;
  /** Null without VK_EXT_physical_device_drm. */
  readonly drm: DrmNodes | null;
}

/** An extension that the broker makes use of. */
export interface ExtensionReport {
  readonly name: string;
  readonly enabled: boolean;
  /** What it is used for, or why it is not enabled. */
  readonly reason: string;
}

/** What an open device tells, too. Sizes are bytes; what a double does not tell exactly is 2^53-1. */
export interface OpenDescription extends PhysicalDescription {
  readonly extensions: readonly ExtensionReport[];
  readonly heaps: readonly {
    readonly index: number;
    readonly size: number;
    readonly deviceLocal: boolean;
    /** Of the moment; null if unknown, as is `usage`. */
    readonly budget: number | null;
    readonly usage: number | null;
  }[];
  readonly memoryTypes: readonly {
    readonly index: number;
    readonly heap: number;
    /** VkMemoryPropertyFlags, by names as of Placement. */
    readonly flags: readonly string[];
  }[];
  readonly limits: {
    readonly maxAllocations: number;
    readonly maxAllocationSize: number;
    readonly maxImageDimension2d: number;
  };
}

/** Bytes that a device has of its own: of one that is part of the processor, all heaps are the machine's memory. */
export function ownBytes({ type, heaps }: Pick<OpenDescription, 'type' | 'heaps'>): number {
  const own = type === 'discrete_gpu' ? heaps.filter(({ deviceLocal }) => deviceLocal) : [];
  return own.reduce((sum, { size }) => sum + size, 0);
}

export interface Losses {
  readonly losses: number;
  /** RFC 3339; null where it never was lost. */
  readonly lastLostAt: string | null;
}

/** What CUDA has of the same GPU: bytes. */
export interface CudaUse extends Losses {
  readonly uuid: string;
  readonly total: number;
  /** As of now, for all processes; null while the daemon has allocated nothing of it. */
  readonly free: number | null;
  /** By this daemon. */
  readonly allocated: number;
  /** Of memory of which no file tells whether somebody has it: null where none was let go of yet. */
  readonly lastRelease: GpuRelease | null;
}

/** The daemon has let go of memory: how much, and how much more was free then than before. */
export interface GpuRelease {
  readonly bytes: number;
  readonly returned: number;
}

export interface WithCuda {
  /** Null where CUDA does not have this device. */
  readonly cuda: CudaUse | null;
}

export interface DeviceDescription extends OpenDescription, Losses, WithCuda {}

type OfVulkan = 'vendorId' | 'deviceId' | 'apiVersion' | 'driver' | 'driverUuid';

/** One of all of the machine's devices. Of one that CUDA alone has, there is nothing that Vulkan says. */
export interface ListedDevice
  extends Omit<PhysicalDescription, OfVulkan>,
    Losses,
    WithCuda,
    Readonly<{ [Field in OfVulkan]: PhysicalDescription[Field] | null }> {
  readonly main: boolean;
  /** Null unless it is open. */
  readonly opened: OpenDescription | null;
  /** Why it cannot be opened, or is not there any more; null where nothing is known against it. */
  readonly reason: string | null;
  readonly sources: readonly SourceState[];
}
