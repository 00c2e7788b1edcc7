/**
 * All that the daemon has of one GPU by CUDA, over its losses, as renewable.ts has it of a Vulkan device: when a call
 * answers that the context is of no use any more, all memory of it is lost, the context is made anew, and the call's
 * request is tried once more.
 *
 * Owns: the context and the sources' memory; while no context can be made, a timer.
 */
import type { CudaUse, GpuRelease } from '../../memory/device.js';
import { BrokerError, messageOf } from '../../memory/errors.js';
import {
  type FormatOffer,
  type LostAllocation,
  type MemorySource,
  NOTHING_KEPT,
  type SourceState,
} from '../../memory/source.js';
import type { Steps } from '../../memory/steps.js';
import type { MemoryReference } from '../../memory/work.js';
import type { CudaDevice } from '../cuda/device.js';
import { CudaMemory } from '../cuda/memory.js';
import { CudaLost } from '../cuda/result.js';
import type { CudaEnd } from '../transfer/cuda-end.js';
import type { VulkanHandleType } from '../vulkan/usage.js';
import { CudaSource, type SameGpu } from './cuda.js';
import { Losses } from './losses.js';
import { type DeviceEvents, FIRST_RETRY_MS, LAST_RETRY_MS } from './renewable.js';
import { RenewedSource } from './renewed-source.js';

const HANDLE_TYPES = ['dma_buf', 'opaque_fd'] as const;

/** What of it a GPU and its driver must have. */
const NEEDED = {
  dma_buf: ['VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED', 'DMA_BUF_SUPPORTED'],
  opaque_fd: ['VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED', 'HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED'],
} as const;

export class RenewableCuda {
  /** One for each handle type, usable now or not: they stay the same over a loss. */
  readonly sources: readonly MemorySource[];
  readonly #losses = new Losses({
    isLoss: (error) => this.#problem === null && error instanceof CudaLost,
    renew: (reason) => this.#renew(reason),
  });
  #made: readonly CudaSource[];
  /** Why there is no context any more; null where there is one, or none was wanted. */
  #problem: string | null = null;
  #retry: NodeJS.Timeout | null = null;
  #lastRelease: GpuRelease | null = null;
  /** Why Vulkan binds no images to memory of it; null where it does, or nobody has tried. */
  #unbound: string | null = null;

  constructor(
    readonly device: CudaDevice,
    private readonly events: DeviceEvents,
    private readonly vulkan: SameGpu,
  ) {
    this.#made = this.#make();
    this.sources = HANDLE_TYPES.map((type) => new RenewedSource('cuda', this, type));
  }

  #make(): CudaSource[] {
    return HANDLE_TYPES.filter((type) => this.#lack(type) === null).map(
      (type) =>
        new CudaSource(this.device, type, this.vulkan, {
          released: (release) => {
            this.#lastRelease = release;
          },
          unbound: (why) => {
            this.#unbound = why;
            this.events.changed?.();
          },
        }),
    );
  }

  /**
   * What is missing for a handle type. By what the driver says alone: a trial would take a context of a GPU that
   * nobody may ever want memory of.
   */
  #lack(type: (typeof HANDLE_TYPES)[number]): string | null {
    const { device } = this;
    const missing = NEEDED[type].find((attribute) => !device.has(attribute));
    return missing === undefined ? null : `${device.name}: CUDA says ${missing} is 0`;
  }

  /** Each handle type with why it is or is not usable now. */
  get states(): readonly SourceState[] {
    return HANDLE_TYPES.map((handleType): SourceState => {
      const problem = this.#lack(handleType) ?? this.#problem;
      const how = this.#unbound === null ? '' : `; images are not Vulkan's: ${this.#unbound}`;
      const reason = problem ?? `${this.device.name}${how}`;
      const isBoth =
        problem === null && handleType === 'dma_buf' && this.#lack('opaque_fd') === null;
      return {
        ...{ name: 'cuda', handleType, usable: problem === null, reason },
        ...(isBoth && { also: ['opaque_fd'] }),
      };
    });
  }

  /** The source now. Throws `device_lost` while there is none. */
  source(handleType: VulkanHandleType): CudaSource {
    const found = this.#made.find((source) => source.handleType === handleType);
    if (found !== undefined) return found;
    const state = this.states.find((each) => each.handleType === handleType);
    throw new BrokerError('device_lost', `cuda (${handleType}): ${state?.reason}`);
  }

  formats(handleType: VulkanHandleType): readonly FormatOffer[] {
    return this.#made.find((each) => each.handleType === handleType)?.formats() ?? [];
  }

  /** Bytes of memory that is its own: of a GPU that is part of the processor it is the machine's. */
  get ownBytes(): number {
    return this.device.has('INTEGRATED') ? 0 : this.device.total;
  }

  /** As of now, with how often it was lost. */
  describe(): CudaUse {
    const { uuid, total } = this.device;
    const allocated = this.#made.reduce((all, { bytes }) => all + bytes, 0);
    const lastRelease = this.#lastRelease;
    const losses = this.#losses.describe();
    return { uuid, total, free: this.#free(), allocated, lastRelease, ...losses };
  }

  #free(): number | null {
    try {
      return this.device.left()?.free ?? null;
    } catch {
      // Who next uses the device finds out what it is.
      return null;
    }
  }

  hasLost(key: number): boolean {
    return this.#losses.has(key);
  }

  forget(key: number): boolean {
    return this.#losses.forget(key);
  }

  attempt<T>(body: () => T): T {
    return this.#losses.attempt(body);
  }

  attempting<T>(body: () => Steps<T>): Steps<T> {
    return this.#losses.attempting(body);
  }

  /** The memories of an allocation for a transfer; null where they are not reached. */
  open(reference: MemoryReference): CudaEnd | null {
    const { key, handleType, fds, size, posix } = reference;
    const fd = posix ?? (handleType === 'opaque_fd' ? fds[0] : undefined);
    const kept = this.#made.map((source) => source.memoriesOf(key)).find((each) => each !== null);
    if (kept) return this.#end(kept, () => {});
    // Of before a restart: a dma_buf alone is imported by nobody but other drivers.
    if (key !== NOTHING_KEPT || fd === undefined) return null;
    const { granularity } = this.device;
    const whole = Math.ceil(size / granularity) * granularity;
    const imported = this.#noticing(() => {
      this.device.enter();
      return CudaMemory.import(this.device, fd, whole);
    });
    return this.#end([imported], () => imported.destroy());
  }

  #end(memories: readonly CudaMemory[], close: () => void): CudaEnd {
    const { device } = this;
    return {
      uuid: device.uuid,
      run: (body) =>
        this.#noticing(() => {
          device.enter();
          try {
            const result = body(memories);
            device.synchronize();
            return result;
          } catch (error) {
            // What was begun before that is done before its memory may go.
            device.wait();
            throw error;
          }
        }),
      close,
    };
  }

  /** What cannot be tried again, since the memory that it is about goes with the device. */
  #noticing<T>(body: () => T): T {
    const before = this.#losses.count;
    try {
      return body();
    } catch (error) {
      const isNew = this.#problem === null && this.#losses.count === before;
      if (error instanceof CudaLost && isNew) this.#renew(error.message);
      throw error;
    }
  }

  #renew(reason: string): void {
    const allocations = this.#made.flatMap(({ name, handleType, keys }) =>
      keys.map((key): LostAllocation => ({ source: name, handleType, key })),
    );
    this.#losses.happened(allocations.map(({ key }) => key));
    this.events.lost(this.device.name, reason, allocations);
    for (const source of this.#made) source.close();
    this.#made = [];
    this.#open(FIRST_RETRY_MS);
  }

  /** Makes the context anew, and does something in it: a device that is gone answers only then. */
  #open(retryMs: number): void {
    this.device.leave(true);
    try {
      this.device.enter();
      this.device.synchronize();
      this.#problem = null;
      this.#unbound = null;
      this.#made = this.#make();
    } catch (error) {
      const why = messageOf(error);
      this.#problem = `the device was lost and cannot be used again: ${why}`;
      const next = Math.min(retryMs * 2, LAST_RETRY_MS);
      this.#retry = setTimeout(() => this.#open(next), retryMs);
    }
    this.events.renewed(this.device.name, this.#problem);
  }

  /** Frees everything and lets go of the context; exported fds stay their owners'. */
  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    for (const source of this.#made) source.close();
    this.device.leave(false);
  }
}
