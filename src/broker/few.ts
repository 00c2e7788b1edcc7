/**
 * A set that mostly has one element, or none: that one needs no table, which is 150 bytes of the heap even
 * where it is empty. In the order in which they were added.
 */
export class Few<T extends object> {
  #one: T | null = null;
  /** All of them, once there were two. */
  #all: Set<T> | null = null;

  get size(): number {
    if (this.#all !== null) return this.#all.size;
    return this.#one === null ? 0 : 1;
  }

  add(element: T): void {
    if (this.#all !== null) this.#all.add(element);
    else if (this.#one === null) this.#one = element;
    else if (this.#one !== element) {
      this.#all = new Set([this.#one, element]);
      this.#one = null;
    }
  }

  has(element: T): boolean {
    return this.#all === null ? this.#one === element : this.#all.has(element);
  }

  /** Returns false where it was not in it. */
  delete(element: T): boolean {
    if (this.#all !== null) return this.#all.delete(element);
    if (this.#one !== element) return false;
    this.#one = null;
    return true;
  }

  clear(): void {
    this.#one = null;
    this.#all = null;
  }

  /** The first of them; undefined: there is none. */
  get first(): T | undefined {
    if (this.#all === null) return this.#one ?? undefined;
    const [first] = this.#all;
    return first;
  }

  *[Symbol.iterator](): Iterator<T> {
    if (this.#all !== null) yield* this.#all;
    else if (this.#one !== null) yield this.#one;
  }
}
