/**
 * What a client may ask for: memory to be allocated, or memory that it brings; and the check of each
 * (check.ts).
 */
import type { Alignment } from '../memory/alignment.js';
import { MAX_MODIFIERS, MAX_NAME_BYTES, MAX_SOURCE_NAME_BYTES } from '../memory/limits.js';
import { MAX_PLANES, type PlaneLayout } from '../memory/plane.js';
import type { Contiguous, HandleType, Placement } from '../memory/source.js';
import { type UsageName, usageBits } from '../memory/usage.js';
import { dmabroker_params_v1 } from '../protocol/dmabroker-v1.gen.js';
import {
  bytes,
  type Check,
  type Fields,
  flag,
  listOf,
  oneOf,
  openFd,
  pattern,
  record,
  text,
  u32,
  u64,
} from './check.js';
import { someHandleTypes } from './enums.js';

export interface CommonRequest {
  /** `dma_buf` alone by default; nothing else is ever substituted. */
  readonly handleTypes?: readonly HandleType[];
  /** Whether the same memory is to be had as all of them, in place of any of them: `buffer.handleTypes`. */
  readonly allHandleTypes?: boolean;
  /** `transfer` by default. */
  readonly usage?: readonly UsageName[];
  /** `connection` by default; a lease is in seconds. */
  readonly lifetime?: 'connection' | 'until_released' | { readonly lease: number };
  /** For people, at most 64 bytes. */
  readonly name?: string;
  /**
   * By which other processes find it (`claim`), and unique among the user's: 1 to 64 of the ASCII letters and digits and
   * of `. _ : + / -`. For a lifetime that is not the connection's.
   */
  readonly lastingName?: string;
  /** Where the memory must be; anywhere by default. */
  readonly placement?: Placement;
  /** Whether the memory must be physically contiguous, as devices without an IOMMU want it; `any` by default. */
  readonly contiguous?: Contiguous;
  /** The one source to allocate from, e.g. `dma-heap:system`; by default the daemon chooses. */
  readonly source?: string;
  /**
   * The one Vulkan device to allocate from or to import into, by its UUID (`client.devices`); the main
   * one by default.
   */
  readonly device?: string;
  /** The program's own memory, in place of the daemon's: a dma_buf is made of it (the source `udmabuf`). */
  readonly memory?: OwnMemory;
  /**
   * Milliseconds to wait for memory where there is none now and may be some later, in place of a refusal: see
   * `onWaiting` of the call. A dry run does not wait.
   */
  readonly waitMs?: number;
}

/**
 * A part of a memfd that is sealed with F_SEAL_SHRINK, and not against writing. The kernel charges pages to whoever
 * touches them first: fill them before, or what is missing is taken in the daemon's name.
 */
export interface OwnMemory {
  /** It stays the caller's; keep it open until the buffer is there. */
  readonly fd: number;
  /** In bytes, a multiple of a page; 0 by default. */
  readonly offset?: number;
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
  readonly layout?: readonly PlaneLayout[];
}

/** What may be said of brought memory as of any other; `device`: the one that is to import it. */
export interface ImportTerms
  extends Pick<CommonRequest, 'lifetime' | 'name' | 'lastingName' | 'device'> {}

/**
 * A plane of memory that the client brings. Planes of the same file (st_dev and st_ino) lie in one memory,
 * whether they have one fd or several.
 */
export interface BroughtPlane extends PlaneLayout {
  /** A dma_buf; it stays the caller's. */
  readonly fd: number;
  /** As a received plane has it. It is not asked: the file says which memory it is. */
  readonly memory?: number;
  /** As a received plane may have it; what is imported is the dma_buf. */
  readonly further?: unknown;
}

export interface ImportedLinear extends ImportTerms, Pick<LinearRequest, 'kind' | 'size'> {
  readonly planes: readonly BroughtPlane[];
}

export interface ImportedImage
  extends ImportTerms,
    Pick<ImageRequest, 'kind' | 'width' | 'height' | 'format'> {
  /** The memory's DRM format modifier; DRM_FORMAT_MOD_LINEAR by default. */
  readonly modifier?: bigint;
  readonly planes: readonly BroughtPlane[];
}

/** Memory that was made elsewhere. The fds stay the caller's; keep them open until it is settled. */
export type ImportedMemory = ImportedLinear | ImportedImage;

/** A buffer of an earlier connection. */
export interface AdoptedBuffer {
  /** The buffer's, as it was told before. */
  readonly id: string;
  /** `client.session` of the connection that had it. */
  readonly session: string;
  /** Its memory, where the caller has it: for a daemon that does not have it (any more). */
  readonly memory?: ImportedMemory;
}

const lease: Check = record<{ lease: number }>({ lease: u32 }, ['lease']);
const lifetime: Check = (value, name) => {
  const known = Object.keys(dmabroker_params_v1.enums.lifetime);
  (typeof value === 'object' ? lease : oneOf(known))(value, name);
};

const kind: Check = oneOf(['buffer', 'image']);
const fourccText = pattern(/^[\x20-\x7e]{4}$/, 'a DRM fourcc, e.g. XR24');

const terms: Fields<ImportTerms> = {
  lifetime,
  name: text(0, MAX_NAME_BYTES),
  lastingName: pattern(/^[A-Za-z0-9._:+/-]{1,64}$/, 'a lasting name, e.g. llama-3/shard-0'),
  device: pattern(/^[0-9a-f]{32}$/i, 'a UUID of 32 hexadecimal digits'),
};

const common: Fields<CommonRequest> = {
  ...terms,
  handleTypes: someHandleTypes,
  usage: listOf(oneOf(Object.keys(usageBits)), 1, Object.keys(usageBits).length),
  placement: oneOf(Object.keys(dmabroker_params_v1.enums.placement)),
  contiguous: oneOf(Object.keys(dmabroker_params_v1.enums.contiguous)),
  source: text(1, MAX_SOURCE_NAME_BYTES),
  memory: record<OwnMemory>({ fd: openFd, offset: bytes }, ['fd']),
  waitMs: u32,
  allHandleTypes: flag,
};

const linear = record<LinearRequest>(
  { ...common, kind, size: bytes, alignment: record<Pick<Alignment, 'size'>>({ size: u32 }) },
  ['kind', 'size'],
);

const place: Fields<PlaneLayout> = { offset: u32, stride: u32 };
const dimensions = { kind, width: u32, height: u32, format: fourccText };

const image = record<ImageRequest>(
  {
    ...common,
    ...dimensions,
    modifiers: listOf(u64, 1, MAX_MODIFIERS),
    alignment: record<Alignment>({ stride: u32, offset: u32, size: u32, height: u32 }),
    separatePlanes: flag,
    layout: listOf(record<PlaneLayout>(place, ['offset', 'stride']), 1, MAX_PLANES),
  },
  ['kind', 'width', 'height', 'format'],
);

const planes = listOf(
  record<BroughtPlane>({ ...place, fd: openFd, memory: u32, further: () => {} }, [
    'fd',
    'offset',
    'stride',
  ]),
  1,
  MAX_PLANES,
);

const importedLinear = record<ImportedLinear>({ ...terms, kind, size: bytes, planes }, [
  'kind',
  'size',
  'planes',
]);

const importedImage = record<ImportedImage>({ ...terms, ...dimensions, modifier: u64, planes }, [
  'kind',
  'width',
  'height',
  'format',
  'planes',
]);

const kindOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;

/** Throws TypeError or RangeError. */
export function checkRequest(request: LinearRequest | ImageRequest): void {
  (kindOf(request) === 'image' ? image : linear)(request, '');
}

/** Throws TypeError or RangeError. */
export function checkImport(memory: ImportedMemory): void {
  (kindOf(memory) === 'image' ? importedImage : importedLinear)(memory, '');
}

/** Far longer than either is. */
const word = text(1, 1024);
const adopted = record<AdoptedBuffer>(
  {
    id: word,
    session: word,
    memory: (value) =>
      (kindOf(value) === 'image' ? importedImage : importedLinear)(value, 'memory'),
  },
  ['id', 'session'],
);

/** Throws TypeError or RangeError. */
export function checkAdopt(what: AdoptedBuffer): void {
  adopted(what, '');
}
