/**
 * Whose memory spares are: the machine's, or a device's own. Each has a limit of its own, for they are
 * not missed by the same: what lies ready in a GPU's memory takes none of the machine's, and a GPU of
 * 141 GiB is asked for larger pieces than a machine's screens are.
 */
import type { Allocation } from '../../memory/source.js';
import { DEVICE_POOL_BYTES, DEVICE_POOL_PART, type PoolLimits } from './limits.js';

/** The UUID of the device whose own memory it is; null: the machine's. */
export type Home = string | null;

/** Of each device that has memory of its own, how much: bytes, by UUID. */
export type OwnMemories = ReadonlyMap<string, number>;

export class Homes {
  constructor(private readonly own: () => OwnMemories) {}

  /** The devices that have memory of their own. */
  get devices(): string[] {
    return [...this.own().keys()];
  }

  of({ device, placement }: Pick<Allocation, 'device' | 'placement'>): Home {
    if (device === undefined || !placement.includes('device_local')) return null;
    return this.own().has(device) ? device : null;
  }

  /** Bytes of all spares that are there together. */
  limit(home: Home, { bytes, deviceBytes }: PoolLimits): number {
    if (home === null) return bytes;
    if (deviceBytes !== null) return deviceBytes;
    const part = Math.floor((this.own().get(home) ?? 0) / DEVICE_POOL_PART);
    return bytes === 0 ? 0 : Math.max(part, DEVICE_POOL_BYTES);
  }

  /** The largest limit: what takes more has no spares anywhere. */
  largest(limits: PoolLimits): number {
    let most = limits.bytes;
    for (const device of this.own().keys()) most = Math.max(most, this.limit(device, limits));
    return most;
  }
}
