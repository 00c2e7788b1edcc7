/**
 * What a client may ask for: memory to be allocated, or memory that it brings.
 */
import type { Alignment } from '../broker/alignment.js';
import type { HandleType, Placement, PlanePlace, Usage } from '../broker/source.js';
import type { ReceivedPlane } from './buffer.js';

export interface CommonRequest {
  /** `dma_buf` alone by default; nothing else is ever substituted. */
  readonly handleTypes?: readonly HandleType[];
  readonly usage?: readonly (keyof typeof Usage)[];
  /** `connection` by default; a lease is in seconds. */
  readonly lifetime?: 'connection' | 'until_released' | { readonly lease: number };
  /** For people, at most 64 bytes. */
  readonly name?: string;
  /** Where the memory must be; anywhere by default. */
  readonly placement?: Placement;
  /** The one source to allocate from, e.g. `dma-heap:system`; by default the daemon chooses. */
  readonly source?: string;
  /**
   * The one Vulkan device to allocate from or to import into, by its UUID (`client.devices`); the main
   * one by default.
   */
  readonly device?: string;
}

export interface LinearRequest extends CommonRequest {
  readonly kind: 'buffer';
  /** Bytes. */
  readonly size: number;
  readonly alignment?: Pick<Alignment, 'size'>;
}

export interface ImageRequest extends CommonRequest {
  readonly kind: 'image';
  readonly width: number;
  readonly height: number;
  /** DRM fourcc, e.g. `XR24`. */
  readonly format: string;
  /** DRM format modifiers that can be taken; DRM_FORMAT_MOD_LINEAR alone by default. */
  readonly modifiers?: readonly bigint[];
  /** Powers of two that strides, offsets, sizes and rows must be multiples of. */
  readonly alignment?: Alignment;
  /** Each plane of a multi-planar format in a memory of its own, as multi-planar V4L2 takes them. */
  readonly separatePlanes?: boolean;
  /**
   * Where each memory plane must lie, with exactly one modifier: the image gets this layout or is
   * refused (`unsupported_layout` says which one the driver would choose).
   */
  readonly layout?: readonly PlanePlace[];
}

type ImportTerms = 'lifetime' | 'name' | 'device';

/** Memory that was made elsewhere. The fds stay the caller's; keep them open until it is settled. */
export type ImportedMemory = (
  | Pick<LinearRequest, 'kind' | 'size' | ImportTerms>
  | (Pick<ImageRequest, 'kind' | 'width' | 'height' | 'format' | ImportTerms> & {
      /** The memory's DRM format modifier; DRM_FORMAT_MOD_LINEAR by default. */
      readonly modifier?: bigint;
    })
) & { readonly planes: readonly BroughtPlane[] };

/**
 * A plane of memory that is brought. Planes of the same file (st_dev and st_ino) lie in one memory,
 * whether they have one fd or several.
 */
export type BroughtPlane = Omit<ReceivedPlane, 'memory'>;
