/** A Vulkan device of the machine as the broker and requests know it. */
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
  /** Why it cannot be opened; null where it can, or where that is not known yet. */
  readonly problem: string | null;
}
