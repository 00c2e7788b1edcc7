/**
 * The specs that spares are kept of: those that were asked for often in a short time, until nobody has
 * asked for them for long. In the order of their last requests.
 */
import { type Clock, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { MAX_POOL_SPECS } from '../../memory/limits.js';
import { estimateOf } from '../quota/estimate.js';
import type { Room, Whose } from '../quota/room.js';
import type { Choice } from '../request.js';
import type { Home } from './homes.js';
import { keyOf } from './key.js';
import { Popularity } from './popularity.js';
import type { Spare } from './spares.js';

export interface Spec {
  readonly key: string;
  readonly choice: Choice;
  readonly spares: Spare[];
  hits: number;
  /** For the last time. */
  askedAt: Monotonic;
  /** The bytes of a spare: an estimate until there was memory of it. */
  bytes: number;
  /** Whose memory it is: taken to be the machine's until there was some. */
  home: Home;
  /** What one takes of which limits; its heaps are known when there was some. */
  takes: ReadonlyMap<Whose, Room>;
}

export class Specs {
  readonly #specs = new Map<string, Spec>();
  readonly #popularity = new Popularity();
  /** One choice is made again and again (alike.ts). */
  readonly #keys = new WeakMap<Choice, string>();

  constructor(
    private readonly clock: Clock,
    /** Told of each, with its spares. */
    private readonly forgotten: (spec: Spec) => void,
  ) {}

  /** The one unasked for longest first. */
  [Symbol.iterator](): Iterator<Spec> {
    return this.#specs.values();
  }

  get oldest(): Spec | undefined {
    const [first] = this.#specs.values();
    return first;
  }

  get newestFirst(): Spec[] {
    return [...this.#specs.values()].reverse();
  }

  /** The one that a choice is of; undefined where it is not kept. */
  of(choice: Choice): Spec | undefined {
    return this.#specs.size === 0 ? undefined : this.#specs.get(this.#key(choice));
  }

  /** It may have been forgotten while its spare was made. */
  has(spec: Spec): boolean {
    return this.#specs.get(spec.key) === spec;
  }

  /**
   * Somebody asks: the spec, where that is often enough in `window` milliseconds and it takes no more
   * than `maxBytes`.
   */
  asked(choice: Choice, maxBytes: number, window: number): Spec | null {
    const now = this.clock.now();
    const key = this.#key(choice);
    let spec = this.#specs.get(key);
    if (spec === undefined) {
      const estimate = estimateOf(choice.spec, choice.also);
      if (estimate.bytes > maxBytes || !this.#popularity.asked(key, now, window)) return null;
      const { bytes } = estimate;
      const takes = new Map<Whose, Room>([
        [null, estimate],
        [choice.source, estimate],
      ]);
      spec = { key, choice, spares: [], hits: 0, askedAt: LONG_AGO, bytes, takes, home: null };
    }
    spec.askedAt = now;
    this.#specs.delete(key);
    this.#specs.set(key, spec);
    if (this.#specs.size > MAX_POOL_SPECS && this.oldest) this.forget(this.oldest);
    return spec;
  }

  #key(choice: Choice): string {
    let key = this.#keys.get(choice);
    if (key === undefined) {
      key = keyOf(choice);
      this.#keys.set(choice, key);
    }
    return key;
  }

  forget(spec: Spec): void {
    this.#specs.delete(spec.key);
    this.forgotten(spec);
  }

  clear(): void {
    for (const spec of [...this]) this.forget(spec);
    this.#popularity.clear();
  }
}
