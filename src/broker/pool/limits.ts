/** How much lies ready, as it is configured. */

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
