/**
 * Sharing a capacity, the daemon's or a source's, among users: may this one have more of it? Max-min
 * shares of what is not reserved, and the reserve for users below their share.
 */

import { type Amount, NOTHING, type SharedDimension } from '../../memory/charged.js';
import type { Clock, Monotonic } from '../../memory/clock.js';
import { type Account, Held } from './account.js';
import type { Accounts } from './accounts.js';
import type { Who } from './charge.js';
import type { Policy } from './policy.js';
import { exceeded, ShareRefusal } from './refusals.js';
import { type Demand, fairShare, overshoots } from './shares.js';

/** A refused user's demand, held against the others until `until`. */
interface Claim {
  /** The source, and a heap where that is full. */
  readonly sources: readonly string[];
  readonly want: Amount;
  readonly until: Monotonic;
  /** Of one that waits in the queue: it ends with that, not with what else its user gets. */
  readonly waits: boolean;
}

export class Capacities {
  /** What each user holds of each source, by source and user. */
  readonly #ofSource = new Map<string, Map<number, Held>>();
  readonly #claims = new Map<number, Claim>();

  constructor(
    private readonly accounts: Accounts,
    private readonly policy: Policy,
    private readonly clock: Clock,
  ) {}

  /** Adds to what a user holds of a source, or takes away where the amount is negative. */
  add(uid: number, source: string, amount: Amount): void {
    let users = this.#ofSource.get(source);
    if (users === undefined) {
      users = new Map();
      this.#ofSource.set(source, users);
    }
    let held = users.get(uid);
    if (held === undefined) {
      held = new Held(uid);
      users.set(uid, held);
    }
    held.add(amount);
    // Of sources there are few.
    if (held.empty) users.delete(uid);
  }

  /** What a user holds of a source, or of everything. */
  held(uid: number, source: string | null): Amount {
    const account =
      source === null
        ? this.accounts.find('user', String(uid))
        : this.#ofSource.get(source)?.get(uid);
    return account?.charge ?? NOTHING;
  }

  /** A user was refused below its share: what it wants counts as its demand for a while. */
  claim({ uid }: Who, sources: readonly string[], want: Amount, until: Monotonic): void {
    if (this.#claims.get(uid)?.waits) return;
    this.#claims.set(uid, { sources, want, until, waits: false });
  }

  /** The same of one that waits in the queue, until `unclaim`. */
  claimWaiting({ uid }: Who, sources: readonly string[], want: Amount, until: Monotonic): void {
    this.#claims.set(uid, { sources, want, until, waits: true });
  }

  unclaim({ uid }: Who): void {
    if (this.#claims.get(uid)?.waits) this.#claims.delete(uid);
  }

  /** The user has asked again, and got what it wants. */
  settled(uid: number): void {
    if (this.#claims.size > 0 && !this.#claims.get(uid)?.waits) this.#claims.delete(uid);
  }

  /** What one may have at most, when nobody else has any. */
  most(limit: number): number {
    return this.#shared(limit);
  }

  /** What a user may have of a source's or the daemon's capacity; null where there is no limit. */
  share(uid: number, source: string | null, dimension: SharedDimension): number | null {
    const limit = this.#limits(source)[dimension];
    if (limit === null) return null;
    const others = this.#demands(source, dimension);
    others.delete(uid);
    return fairShare(this.#shared(limit), this.#weight(uid), others.values());
  }

  /**
   * Throws where a user may not have `requested` more of a capacity that has a limit: as
   * ShareRefusal where it is below its share and others are above theirs.
   */
  admit(account: Account, limit: number, { uid, dimension, requested }: Request): void {
    const source = account.scope === 'daemon' ? null : account.key;
    const inUse = account.charge[dimension];
    const shared = this.#shared(limit);
    // Mostly there is room for all: what all hold is what is in use, however many they are.
    if (inUse + this.#claimed(source, dimension, uid) + requested <= shared) return;
    const others = this.#demands(source, dimension);
    others.delete(uid);
    const held = this.held(uid, source)[dimension];
    const demand = held + requested;
    const taken = [...others.values()].reduce((all, other) => all + other.demand, 0);
    if (taken + demand <= shared) return;
    const weight = this.#weight(uid);
    const share = fairShare(shared, weight, others.values());
    if (demand <= share && inUse + requested <= limit) return;
    const free = limit - inUse;
    const refuse = (max: number, why: string) =>
      exceeded({ account, dimension, limit, requested, max: Math.min(free, max), why });
    if (demand > share) {
      const max = Math.max(shared - taken, share) - held;
      throw refuse(max, `the user's share of it is ${share}, and it has ${held}`);
    }
    throw new ShareRefusal(refuse(free, 'others hold more than their share'), {
      source,
      dimension,
      shortfall: inUse + requested - limit,
      over: overshoots(shared, others.set(uid, { weight, demand })),
    });
  }

  #limits(source: string | null) {
    return source === null
      ? this.accounts.daemon.settings
      : this.policy.settings(this.accounts.rulesFor('source', source));
  }

  /** What is shared out of a capacity: all of it but the reserve. */
  #shared(limit: number): number {
    return limit - Math.floor(limit * this.accounts.daemon.settings.reserve);
  }

  #weight(uid: number): number {
    const key = String(uid);
    const known = this.accounts.find('user', key)?.settings;
    return (known ?? this.policy.settings(this.accounts.rulesFor('user', key))).weight;
  }

  /** What others claim. */
  #claimed(source: string | null, dimension: SharedDimension, user: number): number {
    if (this.#claims.size === 0) return 0;
    let sum = 0;
    for (const [uid, want] of this.#current(source)) if (uid !== user) sum += want[dimension];
    return sum;
  }

  /** The claims to a capacity; those that are over are forgotten. */
  *#current(source: string | null): Generator<[uid: number, want: Amount]> {
    const now = this.clock.now();
    for (const [uid, { until, want, sources }] of this.#claims) {
      if (until <= now) this.#claims.delete(uid);
      else if (source === null || sources.includes(source)) yield [uid, want];
    }
  }

  /** What each active user holds or claims. */
  #demands(source: string | null, dimension: SharedDimension): Map<number, Demand> {
    const amounts = new Map<number, number>();
    const add = (uid: number, amount: Amount) =>
      amounts.set(uid, (amounts.get(uid) ?? 0) + amount[dimension]);
    for (const { uid, charge } of this.#usersOf(source)) if (uid !== null) add(uid, charge);
    for (const [uid, want] of this.#current(source)) add(uid, want);
    return new Map(
      [...amounts].map(([uid, demand]) => [uid, { weight: this.#weight(uid), demand }]),
    );
  }

  #usersOf(source: string | null): Iterable<Pick<Held, 'uid' | 'charge'>> {
    return source === null ? this.accounts.users : (this.#ofSource.get(source)?.values() ?? []);
  }
}

interface Request {
  readonly uid: number;
  readonly dimension: SharedDimension;
  readonly requested: number;
}
