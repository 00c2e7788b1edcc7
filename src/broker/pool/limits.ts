/** How much lies ready: as it is configured, and where nothing is. */

export interface PoolLimits {
  /** Of all spares of the machine's memory together; 0: there are none. */
  readonly bytes: number;
  /** The same of each device's own memory; null: as large as the device lets it be (homes.ts). */
  readonly deviceBytes: number | null;
  readonly sparesPerSpec: number;
  /**
   * A spec that is asked for several times in this time gets spares; one that nobody has asked for in
   * it is forgotten, and its spares are freed.
   */
  readonly idleSeconds: number;
}

export const NO_POOL: PoolLimits = { bytes: 0, deviceBytes: 0, sparesPerSpec: 0, idleSeconds: 0 };

/**
 * Unless configured, spares may have this part of the machine's memory, which nobody misses; and no more than seven
 * frames of 4K.
 */
export const POOL_PART = 64;
export const MAX_DEFAULT_POOL_BYTES = 256 * 1024 * 1024;

/**
 * And of a device's own memory this part, two buffers of 1 GiB of the largest ones; and no less than was so little to the
 * machine.
 */
export const DEVICE_POOL_PART = 64;
export const DEVICE_POOL_BYTES = MAX_DEFAULT_POOL_BYTES;
