/** Things that end at a moment each, the soonest first. Nothing here waits. */
import type { Monotonic } from '../memory/clock.js';

export class Deadlines<T> {
  readonly #at = new Map<T, Monotonic>();
  /** Soonest first; an entry whose moment is not the map's is of the past and is skipped. */
  readonly #order: { readonly item: T; readonly at: Monotonic }[] = [];

  /** Sets or moves an item's moment. */
  set(item: T, at: Monotonic): void {
    if (this.#at.get(item) === at) return;
    this.#at.set(item, at);
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.at ?? at) <= at) low = middle + 1;
      else high = middle;
    }
    this.#order.splice(low, 0, { item, at });
    if (this.#order.length > 2 * this.#at.size) this.#forget();
  }

  delete(item: T): void {
    this.#at.delete(item);
    if (this.#order.length > 2 * this.#at.size) this.#forget();
  }

  /** The soonest moment, or null where there is none. */
  get next(): Monotonic | null {
    for (let first = this.#order[0]; first !== undefined; first = this.#order[0]) {
      if (this.#at.get(first.item) === first.at) return first.at;
      this.#order.shift();
    }
    return null;
  }

  /** Takes out the first item that is due; undefined where none is. */
  take(now: Monotonic): T | undefined {
    const { next } = this;
    if (next === null || next > now) return undefined;
    const item = this.#order.shift()?.item;
    if (item !== undefined) this.#at.delete(item);
    return item;
  }

  /** Drops what is of the past, so that items which are moved often cost no memory. */
  #forget(): void {
    const current = this.#order.filter(({ item, at }) => this.#at.get(item) === at);
    this.#order.splice(0, this.#order.length, ...current);
  }
}

/** The sooner of two waits in milliseconds, of which -1 is for ever. */
export function sooner(a: number, b: number): number {
  if (a < 0) return b;
  return b < 0 || a < b ? a : b;
}
