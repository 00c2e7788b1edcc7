/**
 * What clients cost the daemon itself, beside the memory that quotas count: file descriptors of
 * connections and of planes that wait to be imported, protocol objects, tokens. Each is one pool, of
 * which no user may take the last.
 *
 * A user may have at most as many as are still free. So one user alone gets half of them, n who all
 * want everything at the same time get 1/(n + 1) each, and as much is left for whoever comes next (who comes when
 * others have taken all that they may gets half of what is left): the dynamic
 * threshold of Choudhury and Hahne ("Dynamic queue length thresholds for shared-memory packet
 * switches", 1998), with α = 1.
 */
export class FairPool<User = number> {
  readonly #byUser = new Map<User, number>();
  #taken = 0;

  constructor(private readonly total: number) {}

  /** Returns false, and counts nothing, where the user has its part already. */
  take(uid: User, count: number): boolean {
    if (!this.has(uid, count)) return false;
    this.overdraw(uid, count);
    return true;
  }

  /** Whether `take` would count them. */
  has(uid: User, count: number): boolean {
    return (this.#byUser.get(uid) ?? 0) + count <= this.total - this.#taken - count;
  }

  /** Counts what is there already, whatever the user's part. */
  overdraw(uid: User, count: number): void {
    this.#byUser.set(uid, (this.#byUser.get(uid) ?? 0) + count);
    this.#taken += count;
  }

  /** What a user has of it. */
  taken(uid: User): number {
    return this.#byUser.get(uid) ?? 0;
  }

  /** What each has of it that has something. */
  get users(): ReadonlyMap<User, number> {
    return this.#byUser;
  }

  /** What all users have of it, and what there is. */
  get use(): { readonly used: number; readonly limit: number } {
    return { used: this.#taken, limit: this.total };
  }

  /** Whether as much again as there is has been counted beyond it. */
  get overdrawn(): boolean {
    return this.#taken >= 2 * this.total;
  }

  give(uid: User, count: number): void {
    const mine = (this.#byUser.get(uid) ?? 0) - count;
    if (mine < 0) throw new Error(`user ${uid} gives back more than it took`);
    if (mine === 0) this.#byUser.delete(uid);
    else this.#byUser.set(uid, mine);
    this.#taken -= count;
  }

  /** The pool as one user sees it. */
  of(uid: User): Allowance {
    return {
      take: (count) => this.take(uid, count),
      has: (count) => this.has(uid, count),
      overdraw: (count) => this.overdraw(uid, count),
      give: (count) => this.give(uid, count),
    };
  }
}

export interface Allowance {
  take(count: number): boolean;
  has(count: number): boolean;
  overdraw(count: number): void;
  give(count: number): void;
}
