/**
 * The daemon's memory from round to round. What a garbage collector keeps goes up and down; what leaks only
 * goes up, so that the last rounds are compared with the first.
 */
import { Fault } from './session.js';

/** The heap is a few ten MiB; 1 KB of each message would be more than this in the gate. */
const MAX_GROWTH = 48 * 1024 * 1024;
/** Fewer say nothing: V8 has not seen yet how much it wants. */
const LEAST_ROUNDS = 16;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

export class Memory {
  readonly #looks: number[] = [];

  look(bytes: number): void {
    this.#looks.push(bytes);
  }

  /** By how much the median has grown, in bytes, after the first quarter, in which it warms up. */
  get growth(): number {
    const quarter = Math.floor(this.#looks.length / 4);
    return median(this.#looks.slice(-quarter)) - median(this.#looks.slice(quarter, 2 * quarter));
  }

  /** Throws a Fault where it has grown too much. */
  judge(): void {
    const rounds = this.#looks.length;
    if (rounds < LEAST_ROUNDS || this.growth <= MAX_GROWTH) return;
    throw new Fault(
      `the daemon's memory has grown by ${this.growth >> 20} MiB in ${rounds} rounds`,
    );
  }
}
