/**
 * What clients cost the daemon itself, beside the memory that quotas count: file descriptors of
 * connections and of planes that wait to be imported, protocol objects, tokens. Each is one pool, of
 * which no user may take the last.
 *
 * A user may have at most as many as are still free. So one user alone gets half of them, n who all
 * want everything get 1/(n + 1) each, and as much is left for whoever comes next: the dynamic
 * threshold of Choudhury and Hahne ("Dynamic queue length thresholds for shared-memory packet
 * switches", 1998), with α = 1.
 */
export class FairPool {
  readonly #byUser = new Map<number, number>();
  #taken = 0;

  constructor(private readonly total: number) {}

  /** Returns false, and counts nothing, where the user has its part already. */
  take(uid: number, count: number): boolean {
    const mine = (this.#byUser.get(uid) ?? 0) + count;
    const taken = this.#taken + count;
    if (mine > this.total - taken) return false;
    this.#byUser.set(uid, mine);
    this.#taken = taken;
    return true;
  }

  give(uid: number, count: number): void {
    const mine = (this.#byUser.get(uid) ?? 0) - count;
    if (mine < 0) throw new Error(`user ${uid} gives back more than it took`);
    if (mine === 0) this.#byUser.delete(uid);
    else this.#byUser.set(uid, mine);
    this.#taken -= count;
  }

  /** The pool as one user sees it. */
  of(uid: number): Allowance {
    return {
      take: (count) => this.take(uid, count),
      give: (count) => this.give(uid, count),
    };
  }
}

export interface Allowance {
  take(count: number): boolean;
  give(count: number): void;
}
