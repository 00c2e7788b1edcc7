/**
 * A memory source that knows bytes and no images: what dma-heaps, udmabuf and memfd have in common.
 * Every format is laid out by the broker, LINEAR; an exporter makes the memory.
 *
 * It keeps nothing of an allocation: the fds, the receiver's, are the memory.
 */
import { alignUp, strictest } from '../../memory/alignment.js';
import { layoutOf } from '../../memory/dictated.js';
import { BrokerError, isOutOfFds, outOfFds, type Refusal } from '../../memory/errors.js';
import { formats } from '../../memory/formats.js';
import { MOD_LINEAR, modifierText } from '../../memory/fourcc.js';
import { knownFormat } from '../../memory/layout.js';
import type {
  Allocation,
  Checked,
  CheckedSpec,
  FormatOffer,
  HandleType,
  ImageSpec,
  MemorySource,
  OwnMemory,
  Plan,
  SourceName,
} from '../../memory/source.js';
import { HOST_MEMORY } from '../../memory/source.js';
import { type Steps, toEnd } from '../../memory/steps.js';
import { callNow, type LongCall } from '../later.js';
import { close } from '../libc/fd.js';
import { PAGE_SIZE } from '../libc/memory.js';
import type { MemoryLimit } from '../udmabuf-limits.js';
import { checkMemory } from './machine.js';

/** What makes the memory. */
export interface Exporter {
  readonly name: SourceName;
  readonly handleType: HandleType;
  /** The kernel's name for it (`exp_name`), for a dma_buf. */
  readonly exporter: string | null;
  /** Whether it takes the pages at once: see `checkMemory`. */
  readonly committed: boolean;
  /** As of now: an administrator may change it. */
  limit(): MemoryLimit | null;
  /** What is left of memory that is set apart for it, as of now; null where it is not known. */
  room?(): MemoryLimit | null;
  /**
   * Memory of whole pages as a CLOEXEC fd, the caller's, named where it can be: zeroed, unless there is
   * `clear`. What takes long in it is a call that whoever resumes it has made. Throws BrokerError or SystemError,
   * and leaves nothing when it is ended before its time.
   */
  create(bytes: number, name: string): Creation<number>;
  /** The same, and beside it a memfd of the same pages, the caller's too. */
  createWithMemfd?(bytes: number, name: string): Creation<WithMemfd>;
  /** The same of what never takes long, and needs no clearing. */
  createNow?(bytes: number, name: string): number;
  /** The same of a client's own memory, as it is. */
  wrap?(bytes: number, name: string, memory: OwnMemory): Creation<number>;
  clear?(fd: number, bytes: number): Steps<void>;
  close(): void;
}

export interface WithMemfd {
  readonly fd: number;
  readonly memfd: number;
}

/**
 * Memory on its way: yields each call that may take long, to be resumed with what it returned or -errno; null is
 * the end of a piece, to be resumed with anything.
 */
export type Creation<T> = Generator<LongCall | null, T, number>;

/** All of it here and now, where nobody waits. */
export function createNow<T>(creation: Creation<T>): T {
  let step = creation.next(0);
  while (step.done !== true) step = creation.next(step.value === null ? 0 : callNow(step.value));
  return step.value;
}

type Shape = Pick<Plan, 'memories' | 'planes'>;

export class LinearSource implements MemorySource {
  readonly name: SourceName;
  readonly handleType: HandleType;

  /** Takes ownership of the exporter. */
  constructor(private readonly exporter: Exporter) {
    this.name = exporter.name;
    this.handleType = exporter.handleType;
  }

  formats(): readonly FormatOffer[] {
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
    return this.#plan(spec, false);
  }

  /** `isThere`: the memory is, so that nothing is to be taken from the machine's. */
  #plan(spec: CheckedSpec, isThere: boolean): Plan {
    if (spec.placement === 'device_local') {
      const message = `the ${this.name} source has memory of the machine's own only`;
      throw new BrokerError('unsupported_placement', message, {
        constraint: 'placement',
        requested: spec.placement,
        possible: ['any', 'host_visible', 'host_cached'],
      });
    }
    const { memories, planes } =
      spec.kind === 'buffer' ? bufferShape(spec.size, spec.alignment?.size) : this.#image(spec);
    this.#check(memories, isThere);
    return {
      source: this.name,
      handleType: this.handleType,
      memories,
      modifier: spec.kind === 'image' ? MOD_LINEAR : null,
      planes,
      placement: HOST_MEMORY,
    };
  }

  allocate(spec: CheckedSpec, id: string): Allocation {
    return toEnd(this.allocating(spec, id));
  }

  *allocating(spec: CheckedSpec, id: string, also?: readonly HandleType[]): Steps<Allocation> {
    const creation = this.creating(spec, id, also);
    try {
      let step = creation.next(0);
      while (step.done !== true) {
        if (step.value === null) yield;
        step = creation.next(step.value === null ? 0 : callNow(step.value));
      }
      return step.value;
    } finally {
      creation.return(undefined as never);
    }
  }

  /** The same for who does not wait for what takes long. */
  *creating(spec: CheckedSpec, id: string, also: readonly HandleType[] = []): Creation<Allocation> {
    const plan = this.plan(spec);
    const memfds: number[] | null = also.includes('memfd') ? [] : null;
    return this.#allocation(plan, yield* this.#create(plan.memories, id, memfds), memfds);
  }

  /** The same of a client's own memory, whose fd stays its owner's. Throws where the exporter makes nothing of that. */
  *wrapping(spec: CheckedSpec, id: string, memory: OwnMemory): Creation<Allocation> {
    const { memories, ...plan } = this.#plan(spec, true);
    const [bytes = 0] = memories;
    const { exporter } = this;
    if (exporter.wrap === undefined || memories.length !== 1) {
      throw new Error(`${this.name} wraps no memory`);
    }
    try {
      const fd = yield* exporter.wrap(bytes, memoryName(id, 0), memory);
      return { ...this.#allocation({ memories, ...plan }, [fd]), funding: 'client' };
    } catch (error) {
      throw refusalOf(error, this.name, bytes);
    }
  }

  /** The same at once. */
  createNow(spec: CheckedSpec, id: string, also?: readonly HandleType[]): Allocation {
    const { createNow: create } = this.exporter;
    if (create === undefined || also !== undefined) return createNow(this.creating(spec, id, also));
    const plan = this.plan(spec);
    const { memories } = plan;
    const fds: number[] = [];
    try {
      for (let i = 0; i < memories.length; i++) {
        fds.push(create(memories[i] as number, memoryName(id, i)));
      }
    } catch (error) {
      for (const fd of fds) close(fd);
      throw refusalOf(error, this.name, sum(memories));
    }
    return this.#allocation(plan, fds);
  }

  #allocation(
    { planes, source, handleType, memories, modifier, placement }: Plan,
    fds: readonly number[],
    memfds: readonly number[] | null = null,
  ): Allocation {
    return {
      source,
      handleType,
      key: 0,
      memories,
      size: sum(memories),
      modifier,
      placement,
      planes: planes.map(({ memory, offset, stride }) => ({
        memory,
        offset,
        stride,
        fd: fds[memory] as number,
      })),
      exporter: this.exporter.exporter,
      ...(memfds !== null && { faces: [{ handleType: 'memfd', fds: memfds }] }),
    };
  }

  free(_key: number): void {}

  close(): void {
    this.exporter.close();
  }

  #image(spec: Checked<ImageSpec>): Shape {
    if (!spec.modifiers.includes(MOD_LINEAR)) {
      const message = `the ${this.name} source has linear images only`;
      throw new BrokerError('unsupported_modifier', message, {
        constraint: 'modifiers',
        requested: spec.modifiers.map(modifierText),
        possible: [modifierText(MOD_LINEAR)],
      });
    }
    const alignment = strictest({ size: PAGE_SIZE }, spec.alignment ?? {});
    return layoutOf(knownFormat(spec.format), spec, alignment);
  }

  #check(memories: readonly number[], isThere: boolean): void {
    const limit = this.exporter.limit();
    const largest = Math.max(...memories);
    if (limit !== null && largest > limit.bytes) {
      const message = `${this.name} makes at most ${limit.bytes} bytes at once: ${limit.reason}`;
      throw new BrokerError('too_large', message, {
        constraint: 'size',
        requested: largest,
        possible: { max: limit.bytes },
      });
    }
    if (isThere) return;
    const bytes = sum(memories);
    const room = this.exporter.room?.() ?? null;
    if (room !== null && bytes > room.bytes) throw noMore(this.name, bytes, room.reason);
    checkMemory(bytes, this.exporter.committed);
  }

  /** All or none. */
  *#create(memories: readonly number[], id: string, memfds: number[] | null): Creation<number[]> {
    const fds: number[] = [];
    let done = false;
    try {
      for (const [index, bytes] of memories.entries()) {
        const fd = yield* this.#one(bytes, memoryName(id, index), memfds);
        fds.push(fd);
        if (this.exporter.clear) yield* pieces(this.exporter.clear(fd, bytes));
      }
      done = true;
      return fds;
    } catch (error) {
      throw refusalOf(error, this.name, sum(memories));
    } finally {
      if (!done) for (const fd of [...fds, ...(memfds ?? [])]) close(fd);
    }
  }

  *#one(bytes: number, name: string, memfds: number[] | null): Creation<number> {
    if (memfds === null) return yield* this.exporter.create(bytes, name);
    const made = yield* this.exporter.createWithMemfd?.(bytes, name) ?? noMemfd(this.name);
    memfds.push(made.memfd);
    return made.fd;
  }
}

/** Its state does not say that it has any. */
function noMemfd(source: SourceName): never {
  throw new BrokerError('internal', `${source} gives no memfds`);
}

function* pieces(steps: Steps<void>): Creation<void> {
  try {
    while (steps.next().done !== true) yield null;
  } finally {
    steps.return();
  }
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The name of a buffer's memory where the kernel shows one: 31 bytes at most, as for a dma_buf. */
export function memoryName(id: string, memory: number): string {
  return memory === 0 ? `dmabroker:${id}` : `dmabroker:${id}.${memory}`;
}

function bufferShape(size: number, alignment = 1): Shape {
  const bytes = alignUp(size, Math.max(PAGE_SIZE, alignment));
  return { memories: [bytes], planes: [{ memory: 0, offset: 0, stride: 0 }] };
}

/** What a system call's failure means to a client; anything else is passed on as it is. */
function refusalOf(error: unknown, source: SourceName, bytes: number): unknown {
  // Node's own calls (ftruncate) fail with an Error that has a code.
  if (!(error instanceof Error && 'code' in error) || error instanceof BrokerError) return error;
  if (isOutOfFds(error)) return outOfFds();
  return noMore(source, bytes, error.message);
}

function noMore(source: SourceName, bytes: number, why: string): BrokerError {
  const refusal: Refusal = { constraint: 'size', requested: bytes };
  return new BrokerError('out_of_memory', `${source} has no ${bytes} bytes: ${why}`, refusal);
}
