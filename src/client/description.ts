/** What the daemon says of a buffer, as the library tells it. */
import type { PlanePlace } from '../memory/plane.js';
import type { HandleType, VulkanMemory } from '../memory/source.js';
import type { UsageName } from '../memory/usage.js';
import type { OrUnknown } from './enums.js';

/** A memory of a buffer; which one it is, its place in the list says. */
export interface ReceivedMemory {
  /** Bytes: as many can be mapped. */
  readonly size: number;
}

/** Planes in one memory have an fd each. */
export interface ReceivedPlane extends PlanePlace {
  /** Belongs to the ClientBuffer; duplicate it to keep it longer. */
  readonly fd: number;
  /** The same plane as other types of fd, where the buffer was made as several; the buffer's, too. */
  readonly further?: readonly { readonly handleType: HandleType; readonly fd: number }[];
}

export interface BufferDescription {
  readonly id: string;
  readonly generation: number;
  /** Of the planes' `fd`. */
  readonly handleType: OrUnknown<HandleType>;
  readonly source: string;
  /** Bytes of all memories together. */
  readonly size: number;
  /** DRM fourcc as text, or null for linear memory. */
  readonly format: string | null;
  readonly modifier: bigint | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly memories: readonly ReceivedMemory[];
  readonly planes: readonly ReceivedPlane[];
  /** The UUID of the Vulkan device that made the memory or has imported it; null where none did. */
  readonly device: string | null;
  /**
   * For the importer of memory: whether the Vulkan device took it (`device`) or only the planes'
   * places were checked (`layout`), and the device's name or why it did not.
   */
  readonly checked: {
    readonly how: OrUnknown<'device' | 'layout'>;
    readonly reason: string;
  } | null;
  /** For an opaque_fd, what a Vulkan or CUDA importer must be told, with `size`; null otherwise. */
  readonly vulkan: VulkanMemory | null;
  /**
   * Why it is not of the source that was wanted first (`source` had no more; or, null, it is another reason), in a
   * sentence; null where it is.
   */
  readonly fellBack: {
    readonly reason: OrUnknown<'out_of_memory' | 'not_contiguous' | 'display_refused'>;
    readonly source: string | null;
    readonly message: string;
  } | null;
  /** The usages asked for that no device was asked about, e.g. `scanout`. */
  readonly unverifiedUsage: readonly UsageName[];
}
