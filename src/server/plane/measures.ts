/**
 * Counts what the data plane does, which costs an addition. What is held is summed up elsewhere
 * (holdings.ts).
 */
import type { Clock, Monotonic } from '../../memory/clock.js';
import type { ErrorCode } from '../../memory/errors.js';
import type { Done } from '../../memory/result.js';
import type { Allocation } from '../../memory/source.js';
import { type PlaneMetrics, TIME_BOUNDS } from '../words/metrics.js';

class Histogram {
  readonly counts: number[] = new Array(TIME_BOUNDS.length + 1).fill(0);
  sum = 0;

  observe(seconds: number): void {
    let index = 0;
    while (index < TIME_BOUNDS.length && seconds > (TIME_BOUNDS[index] as number)) index++;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += seconds;
  }
}

type Counted = Pick<
  PlaneMetrics,
  'allocations' | 'refusals' | 'turns' | 'allocationTimes' | 'pendingAllocations'
>;

export class Measures {
  readonly #allocations = new Map<string, { source: string; result: string; count: number }>();
  readonly #times = new Map<string, Histogram>();
  readonly #turns = new Histogram();
  readonly #refusals: Partial<Record<ErrorCode, number>> = {};
  #pending = 0;
  #began: Monotonic | null = null;

  constructor(private readonly clock: Clock) {}

  refused(code: ErrorCode): void {
    this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
  }

  /** A turn begins, with what was received, and so the one before is over, which ended when that was waited for. */
  turn(ended: Monotonic, began: Monotonic): void {
    if (this.#began !== null) this.#turns.observe((ended - this.#began) / 1000);
    this.#began = began;
  }

  /** An allocation begins; `done` is wrapped so that its answer is counted. */
  allocating(source: string, done: Done<Allocation>): typeof done {
    const start = this.clock.now();
    this.#pending++;
    return (result) => {
      this.#pending--;
      const code = 'error' in result ? result.error.code : 'ok';
      this.#count(source, code);
      let times = this.#times.get(source);
      if (times === undefined) {
        times = new Histogram();
        this.#times.set(source, times);
      }
      times.observe((this.clock.now() - start) / 1000);
      done(result);
    };
  }

  /** An allocation was answered from the pool, in the turn that asked for it. */
  served(source: string): void {
    this.#count(source, 'ok');
  }

  #count(source: string, result: string): void {
    const key = `${source} ${result}`;
    const entry = this.#allocations.get(key) ?? { source, result, count: 0 };
    entry.count++;
    this.#allocations.set(key, entry);
  }

  get counted(): Counted {
    return {
      allocations: [...this.#allocations.values()],
      refusals: this.#refusals as Record<string, number>,
      turns: { counts: this.#turns.counts, sum: this.#turns.sum },
      allocationTimes: Object.fromEntries(
        [...this.#times].map(([source, { counts, sum }]) => [source, { counts, sum }]),
      ),
      pendingAllocations: this.#pending,
    };
  }
}
