/**
 * What a memory source is, to everyone who does not allocate: the shapes that a request, an
 * allocation and a source's state have. Sources themselves live in src/native/sources.
 */
import type { Alignment } from './alignment.js';
import type { Plane, PlaneLayout, PlanePlace } from './plane.js';
import type { Scanout } from './scanout.js';
import type { Steps } from './steps.js';

/** How the memory leaves the process. A `memfd` is never called a dma_buf. */
/** What sources are called (native/sources), as a pattern: a name that none has is a mistake, not a source to come. */
export const SOURCE_NAME = '^(?:vulkan|cuda|udmabuf|memfd|dma-heap:[^/\\s]{1,255})$';

export type HandleType = 'dma_buf' | 'opaque_fd' | 'memfd';

/** `dma-heap:` is followed by the heap's name in /dev/dma_heap; without one there is none at all. */
export type SourceName =
  | 'vulkan'
  | 'cuda'
  | `dma-heap:${string}`
  | 'dma-heap'
  | 'udmabuf'
  | 'memfd';

/** Where a buffer's memory comes from: a source, or a client that brought it. */
export type Origin = SourceName | 'import';

/** What the buffer will be used for; the bits of dmabroker-v1.xml's enum `usage`. */
export const Usage = {
  sample: 1,
  render: 2,
  transfer: 4,
  storage: 8,
  cpuRead: 16,
  cpuWrite: 32,
  scanout: 64,
  videoDecode: 128,
  videoEncode: 256,
} as const;

/**
 * Where the memory is to be, in the words of Vulkan's memory properties: `device_local` is the
 * device's own, `host_visible` can be mapped, `host_cached` mapped and read at full speed.
 */
export type Placement = 'any' | 'device_local' | 'host_visible' | 'host_cached';

/** What is said of the machine's own memory: no device's, and mapped through the CPU's caches. */
export const HOST_MEMORY = ['host_visible', 'host_cached'] as const satisfies Placement[];

/** Whether each memory's pages must follow one another in physical memory (contiguity.ts). */
export type Contiguous = 'any' | 'preferred' | 'required';

/** Linear memory of `size` bytes (a VkBuffer). */
export interface BufferSpec {
  readonly kind: 'buffer';
  /** Bytes, 1 … 2^53-1. */
  readonly size: number;
  readonly usage: number;
  /** Only `size` means something. */
  readonly alignment?: Alignment;
  /** `any` by default. */
  readonly placement?: Placement;
  /** `any` by default. */
  readonly contiguous?: Contiguous | undefined;
}

/** A two-dimensional image. */
export interface ImageSpec {
  readonly kind: 'image';
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** DRM fourcc (drm_fourcc.h). */
  readonly format: number;
  /** DRM format modifiers that the client can take; at least one. */
  readonly modifiers: readonly bigint[];
  readonly usage: number;
  readonly alignment?: Alignment;
  /** Each plane of a multi-planar format in a memory (and fd) of its own, e.g. for V4L2. */
  readonly separatePlanes?: boolean;
  /** One place for each memory plane, exactly these; then there is one modifier. */
  readonly layout?: readonly PlaneLayout[];
  /** `any` by default. */
  readonly placement?: Placement;
  /** `any` by default. */
  readonly contiguous?: Contiguous | undefined;
}

export type MemorySpec = BufferSpec | ImageSpec;

declare const checked: unique symbol;

/** A spec whose values are possible at all: only `checked` (check-spec.ts) makes one. */
export type Checked<S extends MemorySpec> = S & { readonly [checked]: true };
export type CheckedSpec = Checked<BufferSpec> | Checked<ImageSpec>;

/** Vulkan's own terms of a memory. */
export interface VulkanMemory {
  /** memoryTypeIndex */
  readonly memoryType: number;
  /** Whether it is for one VkBuffer alone (VkMemoryDedicatedAllocateInfo). */
  readonly dedicated: boolean;
}

/** One memory's place in a Vulkan device: `index` is VkMemoryType::heapIndex. */
export interface HeapPart {
  readonly index: number;
  readonly bytes: number;
}

/** Memory of a client's own: a memfd, and where in it the first page is. */
export interface OwnMemory {
  readonly fd: number;
  readonly offset: number;
}

/** What a source would allocate: everything that is known before there is memory. */
export interface Plan {
  readonly source: SourceName;
  readonly handleType: HandleType;
  /** What else it would be. */
  readonly also?: readonly HandleType[];
  /** As in Allocation. */
  readonly device?: string;
  /** Bytes of each memory (fd); the kernel may round one up to whole pages. */
  readonly memories: readonly number[];
  /** The chosen modifier, for images. */
  readonly modifier: bigint | null;
  readonly planes: readonly PlanePlace[];
  /** As in Allocation. */
  readonly placement: readonly string[];
  /** As in Allocation. */
  readonly heaps?: readonly HeapPart[];
  /** As in Allocation, of other memory like it; the broker's to say. */
  readonly scanout?: Scanout;
}

/** What was found out about an import, beside that its fds are dma_bufs of sufficient size. */
export interface ImportCheck {
  /** `device`: the Vulkan device has imported it. `layout`: only offsets and strides were checked. */
  readonly how: 'device' | 'layout';
  /** Why the device did not, or its name. */
  readonly reason: string;
}

/** The key of memory that an earlier daemon has allocated: what its source kept went with that process. */
export const NOTHING_KEPT = 0;

/** The same memory as another type. */
export interface Face {
  readonly handleType: HandleType;
  /** One for each memory, whosever the allocation is; none where the daemon has them no more: an earlier one had. */
  readonly fds: readonly number[];
}

/** Exported memory: zeroed, CLOEXEC, its fds owned by the receiver of this object. */
export interface Allocation {
  readonly source: Origin;
  readonly handleType: HandleType;
  /** The source's own number for what it keeps (Vulkan objects), to be given to `free`. */
  readonly key: number;
  /**
   * The deviceUUID (32 hexadecimal digits) of the Vulkan device that made the memory or has imported
   * it; absent where none did.
   */
  readonly device?: string;
  /** Bytes of each memory (fd): as many can be mapped, where it can be mapped at all. */
  readonly memories: readonly number[];
  /** The sum of `memories`: what is charged. */
  readonly size: number;
  /** The chosen modifier, for images. */
  readonly modifier: bigint | null;
  /**
   * Where the memory is: the names of its Vulkan memory type's properties, or what is the same of
   * the machine's own memory; empty for an import.
   */
  readonly placement: readonly string[];
  /** Where each memory is in the device that made it; absent where none did. */
  readonly heaps?: readonly HeapPart[];
  readonly planes: readonly Plane[];
  /** The same memory as other types of fd; absent where it is one alone. */
  readonly faces?: readonly Face[];
  /** The kernel's exporter (`exp_name` of fdinfo), for a dma_buf. */
  readonly exporter: string | null;
  /** For an opaque_fd, what its importer must know (VUID-VkMemoryAllocateInfo-allocationSize-01742). */
  readonly vulkan?: VulkanMemory;
  /** st_dev:st_ino of each memory; absent where files do not tell memories apart (opaque fds). */
  readonly identities?: readonly string[];
  /** The same of its further faces, as far as they are files of their own. */
  readonly faceIdentities?: readonly string[];
  /** For an import, how it was checked; such memory is not zeroed. */
  readonly check?: ImportCheck;
  /** Whose pages they are, where they are not the daemon's: its owner's, who has the memfd, too. Not zeroed. */
  readonly funding?: 'client';
  /** Why it is of this source, where another was wanted first; the broker's to say. */
  readonly fellBack?: FellBack;
  /** What displays said when they were shown it; absent where none was asked. The broker's to say. */
  readonly scanout?: Scanout;
}

/** Why memory is not of the source that was wanted first; the reasons are those of dmabroker-v1.xml's enum `fall_back`. */
export interface FellBack {
  readonly reason: 'out_of_memory' | 'not_contiguous' | 'display_refused';
  /** The source that had no more, or whose memory a display has refused; null for another reason. */
  readonly source: SourceName | null;
  /** A sentence for people. */
  readonly message: string;
}

/** An allocation by which it can be told from every other: memory that went with its device. */
export type LostAllocation = Pick<Allocation, 'source' | 'handleType' | 'key'>;

/** What was found out about a source, at start or when its device was made anew. */
export interface SourceState {
  readonly name: SourceName;
  readonly handleType: HandleType;
  readonly usable: boolean;
  /** As what else it gives the same memory, where that is asked for. */
  readonly also?: readonly HandleType[];
  /** Why not, where it is not usable; otherwise what it is (e.g. the device's name). */
  readonly reason: string;
  /** Bytes that one of its memories may have, where the source itself has a limit, as of the start. */
  readonly maxBytes?: number;
  /** What else the same memory is called: it is one source with one quota, by whichever name. */
  readonly aliases?: readonly SourceName[];
  /** The region of contiguous memory that it has, by the kernel's name for that, where the kernel counts it. */
  readonly region?: string;
}

/** Whether a source is meant by a name. */
export const isCalled = ({ name, aliases }: Named, called: string): boolean =>
  name === called || (aliases?.some((alias) => alias === called) ?? false);

type Named = { readonly name: string; readonly aliases?: readonly string[] };

/** A region of contiguous memory, in bytes: what is available may be in pieces. */
export interface RegionMemory {
  readonly size: number;
  readonly available: number;
}

/** A format that a source allocates, with one modifier. */
export interface FormatOffer {
  readonly format: number;
  readonly modifier: bigint;
  /** Memory planes. */
  readonly planes: number;
  readonly source: SourceName;
  readonly handleType: HandleType;
  /**
   * `image`: the driver made it as an image, for the usage that was asked for. `layout`: linear
   * memory that the broker laid out; whether a device takes it is for its importer to try.
   */
  readonly made: 'image' | 'layout';
}

/** A memory source; all its methods run in the allocator thread. Errors are BrokerErrors. */
export interface MemorySource {
  readonly name: SourceName;
  readonly handleType: HandleType;
  formats(): readonly FormatOffer[];
  /** What `allocate` would do: the same checks, by the same code, and no memory. */
  plan(spec: CheckedSpec): Plan;
  /**
   * `id` names the memory where the kernel can name it (DMA_BUF_SET_NAME). Clearing much memory takes
   * more than one piece. `also`: further types of fd that it is to have, of those that its state names.
   */
  allocating(spec: CheckedSpec, id: string, also?: readonly HandleType[]): Steps<Allocation>;
  /** The same at once. */
  allocate(spec: CheckedSpec, id: string): Allocation;
  /** Destroys what the source keeps; the fds are the caller's and stay open. */
  free(key: number): void;
  close(): void;
}
