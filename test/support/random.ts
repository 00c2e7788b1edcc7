/** Chance that can be had again: a seed gives the same choices everywhere. */

/** DMABROKER_SEED runs what was chosen at random again. */
export function seed(): number {
  const given = Number(process.env.DMABROKER_SEED);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1;
}

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 on. */
  below(count: number): number {
    return Math.floor(this.#next() * count);
  }

  /** One of them; undefined where there is none. */
  one<T>(all: Iterable<T>): T | undefined {
    const list = [...all];
    return list[this.below(list.length)];
  }

  /** mulberry32: small, and the same everywhere. */
  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    const state = this.#state;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  }
}
