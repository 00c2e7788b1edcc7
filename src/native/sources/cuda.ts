/**
 * A GPU's own memory by CUDA, exported as a real dma_buf or as a POSIX file descriptor. It is there where Vulkan's
 * driver exports no dma_bufs: NVIDIA's without nvidia-drm, as machines in datacentres have it. The CPU does not map
 * such memory. An image is linear, and laid out as the same GPU's Vulkan device would bind it where that does, which is tried
 * with each; else as the broker lays it out.
 *
 * Owns: the memory of each allocation in this process, under its key, until `free`; it stays mapped, so that it can be
 * filled, read and copied. The fds of an allocation belong to whoever receives it. Everything here runs in one thread, the
 * allocator's.
 */
import { alignUp, strictest } from '../../memory/alignment.js';
import type { GpuRelease } from '../../memory/device.js';
import { layoutOf } from '../../memory/dictated.js';
import { BrokerError, type Refusal } from '../../memory/errors.js';
import { formats } from '../../memory/formats.js';
import { MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import { knownFormat, meets } from '../../memory/layout.js';
import type {
  Allocation,
  CheckedSpec,
  FormatOffer,
  HandleType,
  ImageSpec,
  MemorySource,
  Placement,
  Plan,
  VulkanMemory,
} from '../../memory/source.js';
import { type Steps, toEnd } from '../../memory/steps.js';
import { usageNames } from '../../memory/usage.js';
import type { CudaDevice } from '../cuda/device.js';
import { CudaMemory } from '../cuda/memory.js';
import { CudaLost } from '../cuda/result.js';
import { info, MAX_NAME, setName } from '../dmabuf.js';
import { close } from '../libc/fd.js';
import { PAGE_SIZE } from '../libc/memory.js';
import { type BindableImages, type BindableLayout, NotTried } from '../vulkan/bindable.js';
import { checkSpec } from '../vulkan/check-spec.js';
import { needsCpu, type VulkanHandleType } from '../vulkan/usage.js';
import { nextKey } from './keys.js';
import { memoryName } from './linear.js';

/** Where the same memory is for the Vulkan device that is this GPU. */
export interface VulkanPlace {
  /** The heap that it is charged to. */
  readonly heap: number;
  /** Of that heap, for who imports the POSIX file descriptor as OPAQUE_FD. */
  readonly memoryType: number;
}

/** The same GPU by Vulkan, as far as it is open; each null where it is not. */
export interface SameGpu {
  place(): VulkanPlace | null;
  images(): BindableImages | null;
}

interface Told {
  /** What has come of letting go of memory that others may have imported. */
  released(release: GpuRelease): void;
  /** Vulkan does not bind images to such memory, though it says that it does. */
  unbound(why: string): void;
}

type Draft = CudaMemory[];
/** An image that the Vulkan device is to bind. */
interface Bindable {
  readonly by: BindableImages;
  readonly spec: ImageSpec;
  readonly layout: BindableLayout;
}

interface Shape extends Pick<Plan, 'memories' | 'planes'> {
  readonly image?: Bindable;
}

/** What a request may say of where it is to be. */
const PLACEMENTS: readonly Placement[] = ['any', 'device_local'];

export class CudaSource implements MemorySource {
  readonly name = 'cuda';
  readonly #kept = new Map<number, readonly CudaMemory[]>();
  /** Those that have left as POSIX file descriptors: the memory may be in use where no file tells of it. */
  readonly #opaque = new Set<number>();
  /** What is being made: it goes with the device, too. */
  readonly #making = new Set<Draft>();

  /** Of its dma_bufs, the driver's own; null until there was one. Reading it takes as long as exporting. */
  #exporter: string | null = null;

  /** Images are laid out here: Vulkan has not bound one. */
  #isUnbound = false;

  constructor(
    readonly device: CudaDevice,
    readonly handleType: VulkanHandleType,
    private readonly vulkan: SameGpu,
    private readonly told: Told,
  ) {}

  /** The allocations that are kept. */
  get keys(): number[] {
    return [...this.#kept.keys()];
  }

  /** Bytes that it has of the GPU's memory. */
  get bytes(): number {
    return sizeOf([...this.#kept.values(), ...this.#making].flat());
  }

  /** The memories of an allocation, in their order; null where the key is not known. */
  memoriesOf(key: number): readonly CudaMemory[] | null {
    return this.#kept.get(key) ?? null;
  }

  formats(): readonly FormatOffer[] {
    // An opaque fd has no layout that could be told.
    if (this.handleType !== 'dma_buf') return [];
    return formats.map(({ code, planes }) => ({
      format: code,
      modifier: MOD_LINEAR,
      planes: planes.length,
      source: this.name,
      handleType: this.handleType,
      made: 'layout',
    }));
  }

  plan(spec: CheckedSpec): Plan {
    this.#checkSpec(spec);
    const plan = this.#planned(spec, this.#shape(spec, true));
    this.#checkRoom(sum(plan.memories));
    return plan;
  }

  #planned(spec: CheckedSpec, { memories, planes }: Shape): Plan {
    this.#checkTotal(sum(memories));
    const place = this.vulkan.place();
    return {
      source: this.name,
      handleType: this.handleType,
      device: this.device.uuid,
      memories,
      modifier: spec.kind === 'image' ? MOD_LINEAR : null,
      planes,
      placement: ['device_local'],
      ...(place !== null && { heaps: memories.map((bytes) => ({ index: place.heap, bytes })) }),
    };
  }

  allocate(spec: CheckedSpec, id: string): Allocation {
    return toEnd(this.allocating(spec, id));
  }

  /** Throws CudaLost where the source is emptied between two pieces. */
  *allocating(spec: CheckedSpec, id: string, also: readonly HandleType[] = []): Steps<Allocation> {
    this.device.enter();
    this.#checkSpec(spec);
    const made = yield* this.#made(spec, this.#shape(spec, true), id, also);
    if (typeof made !== 'string' && made !== null) return made;
    if (made !== null) {
      this.#isUnbound = true;
      this.told.unbound(made);
    }
    const own = yield* this.#made(spec, this.#shape(spec, false), id, also);
    if (typeof own !== 'string' && own !== null) return own;
    throw new Error('what is laid out here is bound by nobody');
  }

  /** A text: why Vulkan does not bind the image; null: it could not try that now. */
  *#made(
    spec: CheckedSpec,
    shape: Shape,
    id: string,
    also: readonly HandleType[],
  ): Steps<Allocation | string | null> {
    const { planes, ...planned } = this.#planned(spec, shape);
    const draft: Draft = [];
    const fds: number[] = [];
    /** The same as a POSIX file descriptor, of a dma_buf. */
    const posix: number[] = [];
    let exporter: string | null = null;
    const isBoth = also.includes('opaque_fd');
    let done = false;
    this.#making.add(draft);
    try {
      for (const [index, bytes] of planned.memories.entries()) {
        this.device.enter();
        const memory = this.#create(bytes, draft, planned.memories);
        draft.push(memory);
        const bound = this.#bound(shape, memory);
        if (bound !== true) return bound;
        yield* this.#clearing(draft, memory);
        if (this.handleType === 'opaque_fd') fds.push(memory.exportPosix());
        else {
          const fd = memory.exportDmaBuf();
          fds.push(fd);
          // Naming it fails where it is no dma_buf.
          exporter = this.#exporter ??= exporterOf(fd);
          setName(fd, memoryName(id, index).slice(0, MAX_NAME));
        }
        if (isBoth) posix.push(memory.exportPosix());
        this.device.synchronize();
      }
      const vulkan = this.handleType === 'opaque_fd' || isBoth ? this.#importTerms(shape) : null;
      const key = nextKey();
      this.#kept.set(key, draft);
      if (this.handleType === 'opaque_fd' || isBoth) this.#opaque.add(key);
      this.#making.delete(draft);
      done = true;
      return {
        ...planned,
        key,
        size: sum(planned.memories),
        planes: planes.map((place) => ({ ...place, fd: fds[place.memory] as number })),
        exporter,
        ...(isBoth && { faces: [{ handleType: 'opaque_fd', fds: posix }] }),
        ...(vulkan !== null && { vulkan }),
      };
    } finally {
      if (!done) for (const fd of [...fds, ...posix]) close(fd);
      if (this.#making.delete(draft)) this.#destroy(draft);
    }
  }

  /** What was begun is waited for, whatever comes of it: the GPU may not have cleared it yet. */
  #destroy(draft: Draft): void {
    this.device.wait();
    for (const memory of draft) memory.destroy();
  }

  /** Of what is left the driver knows, and asking it takes a tenth of the time of making: it is asked where there was too little. */
  #create(bytes: number, before: Draft, all: readonly number[]): CudaMemory {
    try {
      return CudaMemory.create(this.device, bytes);
    } catch (error) {
      if (error instanceof BrokerError && error.code === 'out_of_memory')
        this.#checkRoom(sum(all), sizeOf(before));
      throw error;
    }
  }

  *#clearing(draft: Draft, memory: CudaMemory): Steps<void> {
    const clearing = memory.clear();
    while (clearing.next().done !== true) {
      yield;
      if (this.#making.has(draft)) continue;
      throw new CudaLost('the device was lost while its memory was cleared');
    }
  }

  /** It is tried before anything is cleared: where it fails, the memory is made once more. */
  #bound({ image }: Shape, memory: CudaMemory): true | string | null {
    if (image === undefined) return true;
    const fd = memory.exportPosix();
    try {
      return image.by.problem(image.spec, image.layout, fd, memory.size) ?? true;
    } catch (error) {
      if (error instanceof NotTried) return null;
      throw error;
    } finally {
      close(fd);
    }
  }

  /** NVIDIA's Vulkan takes it with every memory type, dedicated or not: told is the one that fits. */
  #importTerms({ image }: Shape): VulkanMemory | null {
    if (image !== undefined) return image.layout.terms;
    const place = this.vulkan.place();
    return place && { memoryType: place.memoryType, dedicated: false };
  }

  #checkSpec(spec: CheckedSpec): void {
    checkSpec(spec, this.handleType);
    const { placement = 'any' } = spec;
    if (!PLACEMENTS.includes(placement)) {
      throw new BrokerError('unsupported_placement', `CUDA's memory is the GPU's own`, {
        constraint: 'placement',
        requested: placement,
        possible: PLACEMENTS,
      });
    }
    if (needsCpu(spec.usage)) {
      const message = "the CPU cannot map the GPU's memory that CUDA exports";
      throw new BrokerError('unsupported_usage', message, {
        constraint: 'usage',
        requested: usageNames(spec.usage),
      });
    }
    if (spec.kind === 'image' && !spec.modifiers.includes(MOD_LINEAR)) {
      throw new BrokerError('unsupported_modifier', 'the cuda source has linear images only', {
        constraint: 'modifiers',
        requested: spec.modifiers.map(modifierText),
        possible: [modifierText(MOD_LINEAR)],
      });
    }
  }

  /** Memories of whole granules (2 MiB): that much is taken, and may be used. */
  #shape(spec: CheckedSpec, byVulkan: boolean): Shape {
    const whole = (bytes: number) => alignUp(bytes, this.device.granularity);
    if (spec.kind === 'buffer') {
      const bytes = whole(alignUp(spec.size, spec.alignment?.size ?? 1));
      return { memories: [bytes], planes: [{ memory: 0, offset: 0, stride: 0 }] };
    }
    const image = byVulkan ? this.#bindable(spec) : null;
    if (image !== null) {
      const { size, planes } = image.layout;
      return {
        memories: [whole(size)],
        planes: planes.map((plane) => ({ memory: 0, ...plane })),
        image,
      };
    }
    const alignment = strictest({ size: PAGE_SIZE }, spec.alignment ?? {});
    const { memories, planes } = layoutOf(knownFormat(spec.format), spec, alignment);
    return {
      memories: memories.map(whole),
      planes: planes.map(({ memory, offset, stride }) => ({ memory, offset, stride })),
    };
  }

  /** Null where the layout is the broker's: it is dictated, or the device has no such image. */
  #bindable(spec: ImageSpec): Bindable | null {
    if (this.#isUnbound || spec.layout !== undefined || spec.separatePlanes === true) return null;
    if (!this.device.has('HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED')) return null;
    const by = this.vulkan.images();
    const layout = by?.layout(spec) ?? '';
    if (by === null || typeof layout === 'string') return null;
    return meets(layout, spec, spec.alignment ?? {}) ? { by, spec, layout } : null;
  }

  #tooMuch(bytes: number, max: number): Refusal {
    const { granularity } = this.device;
    return {
      constraint: 'size',
      requested: bytes,
      possible: { max: Math.floor(max / granularity) * granularity },
    };
  }

  /** Refuses what can never work before the driver is asked. */
  #checkTotal(bytes: number): void {
    const { name, total } = this.device;
    if (bytes <= total) return;
    const message = `${bytes} bytes are more than the memory of ${name} (${total})`;
    throw new BrokerError('too_large', message, this.#tooMuch(bytes, total));
  }

  /** Refuses what is more than all processes have left; `had`: what of it was made already, and goes with the refusal. */
  #checkRoom(bytes: number, had = 0): void {
    const left = this.device.left();
    if (left === null || bytes <= left.free + had) return;
    const free = left.free + had;
    const message = `${bytes} bytes are more than ${this.device.name} has left (${free} of ${left.total})`;
    throw new BrokerError('out_of_memory', message, this.#tooMuch(bytes, free));
  }

  free(key: number): void {
    const kept = this.#kept.get(key);
    if (!kept) throw new BrokerError('internal', `cuda keeps no allocation ${key}`);
    this.#kept.delete(key);
    const before = this.#opaque.delete(key) ? this.#free() : null;
    for (const memory of kept) memory.destroy();
    const after = before === null ? null : this.#free();
    if (before === null || after === null) return;
    this.told.released({ bytes: sizeOf(kept), returned: after - before });
  }

  /** Null where the device does not say. */
  #free(): number | null {
    try {
      return this.device.left()?.free ?? null;
    } catch {
      // Who next uses the device finds out what it is.
      return null;
    }
  }

  /** Lets go of everything; exported fds stay their owners'. The device is whosever it is. */
  close(): void {
    for (const memory of [...this.#kept.values(), ...this.#making].flat()) memory.destroy();
    this.#kept.clear();
    this.#opaque.clear();
    this.#making.clear();
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const sizeOf = (memories: readonly CudaMemory[]) => sum(memories.map(({ size }) => size));

/** What the kernel says of an fd that the driver has just given, which nobody else's file can be. */
function exporterOf(fd: number): string {
  const told = info(fd);
  if (told !== null) return told.exporter;
  throw new BrokerError('internal', 'CUDA exported something that is no dma_buf');
}
