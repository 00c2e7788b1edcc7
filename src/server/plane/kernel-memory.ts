/**
 * Memory of the kernel's own sources, which the data plane allocates itself: waking the allocator, and being woken
 * by it, costs several times what some pages do. Little of it is made in the turn that asks; what may take long
 * is made by threads of which each user has its part, so that a gigabyte of one user's delays nobody.
 *
 * In the turn is made only what cannot take long: no CMA heap, which moves others' pages to make room; nothing
 * while memory is short, since the kernel would look for pages meanwhile (direct reclaim). Heaps that have to be
 * cleared here are the allocator's.
 *
 * Owns: its sources, and what is on its way. The fds of an allocation are the receiver's.
 */
import { type Begin, FairCalls } from '../../broker/fair-calls.js';
import { estimateOf } from '../../broker/quota/estimate.js';
import type { Choice } from '../../broker/request.js';
import type { Asker } from '../../broker/turns.js';
import { fromMessage, toMessage } from '../../memory/errors.js';
import { MAX_ALLOCATING, SMALL_BYTES, SMALL_PER_TURN } from '../../memory/limits.js';
import type { Done } from '../../memory/result.js';
import type { Allocation, SourceState } from '../../memory/source.js';
import type { LongCall } from '../../native/later.js';
import { heapExporter } from '../../native/sources/dma-heap.js';
import { identified } from '../../native/sources/identified.js';
import { type Creation, LinearSource } from '../../native/sources/linear.js';
import { isPlenty } from '../../native/sources/machine.js';
import { MemfdSource } from '../../native/sources/memfd.js';
import { udmabufExporter } from '../../native/sources/udmabuf.js';

const HEAP = 'dma-heap:';

function open({ name, region }: SourceState): LinearSource | null {
  if (name === 'memfd') return new MemfdSource();
  if (name === 'udmabuf') return new LinearSource(udmabufExporter());
  if (!name.startsWith(HEAP)) return null;
  const exporter = heapExporter(name.slice(HEAP.length), { region });
  if (exporter.clear === undefined) return new LinearSource(exporter);
  exporter.close();
  return null;
}

export class KernelMemory {
  readonly #sources = new Map<string, LinearSource>();
  readonly #calls: FairCalls<LongCall>;
  /** Allocations that may still be made in this turn. */
  #left = SMALL_PER_TURN;
  #onTheirWay = 0;

  /**
   * Throws where what the allocator could open cannot be opened here. `defect` is told what went wrong in it; the
   * client learns only that it did.
   */
  constructor(
    states: readonly SourceState[],
    begin: Begin<LongCall>,
    private readonly defect: (stack: string) => void,
    opened = open,
  ) {
    this.#calls = new FairCalls(begin, MAX_ALLOCATING);
    for (const state of states) {
      const source = state.usable ? opened(state) : null;
      if (source !== null) this.#sources.set(state.name, source);
    }
  }

  /** A turn begins. */
  turn(): void {
    this.#left = SMALL_PER_TURN;
  }

  /** Goes on with what waits for a thread. */
  run(): void {
    this.#calls.run();
  }

  get wait(): number {
    return this.#calls.wait;
  }

  /** Whether nobody waits for memory. */
  get idle(): boolean {
    return this.#onTheirWay === 0;
  }

  /** Answers now or later, exactly once. Returns false, and does not, where it is for the allocator. */
  allocate({ uid }: Asker, choice: Choice, id: string, done: Done<Allocation>): boolean {
    const { source: name, handleType, also, device, spec, memory } = choice;
    const source = device === undefined ? this.#sources.get(name) : undefined;
    if (source === undefined || source.handleType !== handleType) {
      // The allocator would make other memory.
      if (memory !== undefined) throw new Error(`${name} is not here`);
      return false;
    }
    if (this.#isSmall(choice)) {
      this.#left--;
      this.#answer(source, done, () => source.createNow(spec, id, also));
    } else {
      const creation =
        memory === undefined ? source.creating(spec, id, also) : source.wrapping(spec, id, memory);
      this.#onTheirWay++;
      const over: Done<Allocation> = (result) => {
        this.#onTheirWay--;
        done(result);
      };
      this.#goOn(uid, source, creation, over, 0);
    }
    return true;
  }

  #isSmall({ source, spec, memory }: Choice): boolean {
    if (this.#left === 0 || memory !== undefined) return false;
    // A memfd has no pages before they are touched.
    if (source === 'memfd') return true;
    if (source.startsWith(HEAP) && source !== 'dma-heap:system') return false;
    return estimateOf(spec).bytes <= SMALL_BYTES && isPlenty(SMALL_BYTES);
  }

  /** Resumes what is on its way with what its last call returned; the next call is made by a thread. */
  #goOn(
    uid: number,
    source: LinearSource,
    creation: Creation<Allocation>,
    done: Done<Allocation>,
    result: number,
  ): void {
    let step: IteratorResult<LongCall | null, Allocation>;
    try {
      do step = creation.next(result);
      while (step.done !== true && step.value === null);
    } catch (error) {
      this.#refuse(error, done);
      return;
    }
    if (step.done === true) {
      const { value } = step;
      this.#answer(source, done, () => value);
    } else if (step.value !== null) {
      this.#calls.add(uid, step.value, (next) => this.#goOn(uid, source, creation, done, next));
    }
  }

  #answer(source: LinearSource, done: Done<Allocation>, make: () => Allocation): void {
    let allocation: Allocation;
    try {
      allocation = identified(source, make());
    } catch (error) {
      this.#refuse(error, done);
      return;
    }
    done(allocation);
  }

  #refuse(error: unknown, done: Done<Allocation>): void {
    const message = toMessage(error);
    if (message.defect !== undefined) this.defect(message.defect);
    done({ error: fromMessage(message) });
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
  }
}
