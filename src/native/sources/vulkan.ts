/**
 * Memory from a Vulkan device, exported as dma_bufs or as opaque fds.
 *
 * Owns: the Vulkan objects of each allocation, under its key, until `free`. The fd of an allocation
 * belongs to whoever receives the `Allocation`. Everything here runs in one thread, the allocator's,
 * which is all the external synchronisation that Vulkan asks for.
 */
import { closeSync } from 'node:fs';
import { BrokerError } from '../../memory/errors.js';
import type {
  Allocation,
  CheckedSpec,
  FormatOffer,
  HeapPart,
  MemorySource,
  Plan,
  VulkanMemory,
} from '../../memory/source.js';
import { type Steps, toEnd } from '../../memory/steps.js';
import { MAX_NAME, info as readInfo, setName } from '../dmabuf.js';
import { udmabufLimit } from '../udmabuf-limits.js';
import { checkSpec } from '../vulkan/check-spec.js';
import type { Device } from '../vulkan/device.js';
import { dmaBufOffers, exportableFormats, type ModifierOffer } from '../vulkan/formats.js';
import { exportFd } from '../vulkan/memory.js';
import { flagNames } from '../vulkan/memory-type.js';
import {
  allocatePlanned,
  type Context,
  Draft,
  destroyObjects,
  type Objects,
  type Placed,
  type PlacedMemory,
  planBuffer,
} from '../vulkan/place.js';
import { planSpec } from '../vulkan/place-layout.js';
import type { VulkanHandleType } from '../vulkan/usage.js';
import { type Zeroing, type ZeroPath, zero } from '../vulkan/zero.js';
import { nextKey } from './keys.js';
import { memoryName } from './linear.js';

export interface VulkanOptions {
  /** How memory is cleared: `auto`, or a path that a test wants to see. */
  readonly zeroing?: Zeroing;
}

export class VulkanSource implements MemorySource {
  readonly name = 'vulkan';
  /** How the last allocation was cleared: for tests and logs. */
  lastZeroPath: ZeroPath | null = null;
  readonly #kept = new Map<number, readonly Objects[]>();
  /** What is being made: it goes with the device, too. */
  readonly #making = new Set<Draft>();
  readonly #offers: readonly ModifierOffer[];
  /** fdinfo's exp_name, known from the first allocation on. */
  #exporter: string | null = null;

  /** Shares the device: it is destroyed when the last source on it is closed. */
  constructor(
    readonly device: Device,
    readonly handleType: VulkanHandleType,
    private readonly options: VulkanOptions = {},
  ) {
    device.retain();
    this.#offers =
      handleType === 'dma_buf' && device.enabled('VK_EXT_image_drm_format_modifier')
        ? exportableFormats(device, handleType)
        : [];
  }

  /** VkDeviceMemory objects of this source that exist. */
  get live(): number {
    return [...this.#kept.values()].reduce((sum, made) => sum + made.length, 0);
  }

  /** The allocations that are kept. */
  get keys(): number[] {
    return [...this.#kept.keys()];
  }

  formats(): readonly FormatOffer[] {
    // An opaque fd has no layout that could be told.
    if (this.handleType !== 'dma_buf') return [];
    return dmaBufOffers(this.#offers);
  }

  plan(spec: CheckedSpec): Plan {
    const draft = new Draft();
    try {
      const { memories, modifier, planes } = this.#place(spec, draft);
      return {
        source: this.name,
        handleType: this.handleType,
        device: this.device.physical.deviceUuid,
        memories: memories.map(({ allocationSize }) => Number(allocationSize)),
        modifier,
        planes,
        placement: placementOf(memories),
        heaps: memories.map(({ type, allocationSize }) => ({
          index: type.heap,
          bytes: Number(allocationSize),
        })),
      };
    } finally {
      draft.destroy(this.device);
    }
  }

  allocate(spec: CheckedSpec, id: string): Allocation {
    return toEnd(this.allocating(spec, id));
  }

  /** Throws `device_lost` where the source is closed between two pieces. */
  *allocating(spec: CheckedSpec, id: string): Steps<Allocation> {
    const { device, handleType } = this;
    const draft = new Draft();
    const fds: number[] = [];
    let done = false;
    this.#making.add(draft);
    try {
      const placed = this.#place(spec, draft);
      const heaps: HeapPart[] = [];
      for (const [index, memory] of placed.memories.entries()) {
        allocatePlanned(this.#context(), memory);
        const fd = exportFd(device, memory.objects.memory, handleType);
        fds.push(fd);
        const bytes = Number(yield* this.#finish(draft, memory, fd, memoryName(id, index)));
        heaps.push({ index: memory.type.heap, bytes });
      }
      const key = nextKey();
      this.#kept.set(key, draft.made);
      this.#making.delete(draft);
      done = true;
      return {
        source: this.name,
        handleType,
        key,
        device: device.physical.deviceUuid,
        memories: heaps.map(({ bytes }) => bytes),
        size: heaps.reduce((sum, { bytes }) => sum + bytes, 0),
        modifier: placed.modifier,
        placement: placementOf(placed.memories),
        heaps,
        planes: placed.planes.map(({ memory, offset, stride }) => ({
          fd: fds[memory] as number,
          memory,
          offset,
          stride,
        })),
        exporter: this.#exporter,
        ...(handleType === 'opaque_fd' && { vulkan: importTerms(placed) }),
      };
    } finally {
      if (!done) for (const fd of fds) closeSync(fd);
      if (this.#making.delete(draft)) draft.destroy(device);
    }
  }

  /** What a plan and an allocation have in common: everything but the memory itself. */
  #place(spec: CheckedSpec, draft: Draft): Placed {
    checkSpec(spec, this.handleType);
    const context = this.#context();
    if (spec.kind === 'image') return planSpec(context, spec, draft);
    const memory = planBuffer(context, spec, draft);
    return { memories: [memory], modifier: null, planes: [{ memory: 0, offset: 0, stride: 0 }] };
  }

  /** The VkBuffer of linear memory, which stays this source's; null where the key is not known. */
  bufferOf(key: number): bigint | null {
    return this.#kept.get(key)?.[0]?.buffer ?? null;
  }

  free(key: number): void {
    const made = this.#kept.get(key);
    if (!made) throw new BrokerError('internal', `vulkan keeps no allocation ${key}`);
    this.#kept.delete(key);
    for (const objects of made) destroyObjects(this.device, objects);
  }

  /** Frees what is left; exported fds stay their owners'. */
  close(): void {
    for (const key of this.keys) this.free(key);
    for (const draft of this.#making) draft.destroy(this.device);
    this.#making.clear();
    this.device.release();
  }

  #context(): Context {
    return {
      device: this.device,
      handleType: this.handleType,
      offers: this.#offers,
      forceHostVisible: this.options.zeroing === 'map',
      exporterLimit: () => (this.#exporter === 'udmabuf' ? udmabufLimit() : null),
    };
  }

  /** Identifies, names and clears memory that has just been exported; returns its size. */
  *#finish(draft: Draft, placed: PlacedMemory, fd: number, name: string): Steps<bigint> {
    // The driver's own fd, not a client's: one look at fdinfo tells all of it.
    const file = this.handleType === 'dma_buf' ? readInfo(fd) : undefined;
    if (file === null) {
      throw new BrokerError('internal', 'the driver exported something that is no dma_buf');
    }
    if (file !== undefined) setName(fd, name.slice(0, MAX_NAME));
    const exporter = file?.exporter ?? null;
    // The file may be larger than the allocation.
    const fileSize = BigInt(file?.size ?? 0);
    const { allocationSize, objects } = placed;
    const size = fileSize > allocationSize ? fileSize : allocationSize;
    const { memory } = objects;
    const exported = { ...placed, memory, fd, handleType: this.handleType, exporter, size };
    const zeroing = zero(this.device, exported, this.options.zeroing ?? 'auto');
    let step = zeroing.next();
    for (; step.done !== true; step = zeroing.next()) {
      yield;
      if (this.#making.has(draft)) continue;
      throw new BrokerError('device_lost', 'the device was lost while its memory was cleared');
    }
    this.lastZeroPath = step.value;
    this.#exporter = exporter;
    return size;
  }
}

/** The properties that all the memories have. */
function placementOf(memories: readonly PlacedMemory[]): string[] {
  return flagNames(memories.reduce((flags, { type }) => flags & type.flags, -1));
}

/** An opaque_fd is one memory: no images are exported as one. */
function importTerms({ memories }: Placed): VulkanMemory {
  const [memory] = memories;
  if (memory === undefined) throw new BrokerError('internal', 'an allocation without memory');
  return { memoryType: memory.type.index, dedicated: memory.dedicated };
}
