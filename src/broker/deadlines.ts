/**
 * Things that end at a moment each, the soonest first. Moments are milliseconds of whatever clock the
 * caller reads; nothing here waits.
 */
export class Deadlines<T> {
  readonly #at = new Map<T, number>();
  /** Soonest first; an entry whose moment is not the map's is of the past and is skipped. */
  readonly #order: { readonly item: T; readonly at: number }[] = [];

  /** Sets or moves an item's moment. */
  set(item: T, at: number): void {
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
  get next(): number | null {
    for (let first = this.#order[0]; first !== undefined; first = this.#order[0]) {
      if (this.#at.get(first.item) === first.at) return first.at;
      this.#order.shift();
    }
    return null;
  }

  /** Takes out the first item that is due; undefined where none is. */
  take(now: number): T | undefined {
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

/** The soonest of several waits in milliseconds, of which -1 is for ever. */
export function soonest(...waits: readonly number[]): number {
  let first = -1;
  for (const wait of waits) if (wait >= 0 && (first < 0 || wait < first)) first = wait;
  return first;
}
