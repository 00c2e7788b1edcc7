/**
 * The ledger: what each scope is charged, and whether more may be charged. A reservation is made
 * before an allocation starts and is all or nothing over every account on its path: connection,
 * cgroup and those above it, user, groups with a rule, source, daemon. docs/quotas.md has the arithmetic.
 *
 * Owns the list of what is charged now: a group that gets its first rule later is charged what its members
 * have already.
 */

import { type Amount, DIMENSIONS, type Dimension, NOTHING } from '../../memory/charged.js';
import type { Clock } from '../../memory/clock.js';
import { asRefusal } from '../../memory/result.js';
import { type Account, difference } from './account.js';
import { Accounts } from './accounts.js';
import { burst } from './bucket.js';
import { Capacities } from './capacity.js';
import { Charge, type Charged, type Who } from './charge.js';
import type { Policy } from './policy.js';
import { counted, exceeded, tooFast } from './refusals.js';

/** What an allocation will probably take, before its source has answered. */
export interface Estimate {
  readonly bytes: number;
  readonly fds: number;
}

/** The accounts whose rate a request has used up. */
export type Paced = Set<Account>;

export const asked = ({ bytes, fds }: Estimate, count = 1): Amount => ({
  bytes: bytes * count,
  fds: fds * count,
  buffers: count,
  pending: count,
});

export class Ledger {
  readonly accounts: Accounts;
  readonly capacities: Capacities;
  /** Each charge that is not released; without those for heaps, which are parts. */
  readonly #charges = new Set<Charge>();
  /** Another number whenever something was given back, or a rule has changed: who waits for room looks again then. */
  freed = 0;
  /** The accounts that somebody was charged on last: their next charges have the same list. */
  #paths = new WeakMap<Who, Account[]>();
  readonly #book: ConstructorParameters<typeof Charge>[4] = {
    change: (charge, to) => {
      const more = difference(to, charge.amount);
      this.#admit(charge.accounts, charge.who.uid, more);
      this.#add(charge, more);
      // It is pending no longer, at least.
      this.freed++;
    },
    set: (charge, to) => {
      this.#add(charge, difference(to, charge.amount));
      this.freed++;
    },
    linger: ({ accounts }, amount) => {
      for (const account of accounts) account.linger(amount);
    },
    end: (charge) => {
      this.#add(charge, difference(NOTHING, charge.amount));
      this.#charges.delete(charge);
      this.accounts.drop(charge.accounts);
      this.freed++;
    },
    heap: ({ who }, key, amount, forced) => this.#heap(who, key, amount, forced),
  };

  constructor(
    policy: Policy,
    private readonly clock: Clock,
  ) {
    this.accounts = new Accounts(policy, clock);
    this.capacities = new Capacities(this.accounts, policy, clock);
    // Of the rules that are built in.
    this.refresh();
  }

  /** After a change of the policy: groups that have a rule now are charged what their members have. */
  refresh(): void {
    this.freed++;
    const { come, gone } = this.accounts.refresh();
    this.#paths = new WeakMap();
    if (come.size === 0 && gone.size === 0) return;
    const changed = new Set<Account[]>();
    for (const charge of this.#charges) {
      const { accounts } = charge;
      const isShared = changed.has(accounts);
      changed.add(accounts);
      for (const account of isShared ? [] : gone.values()) {
        const at = accounts.indexOf(account);
        if (at >= 0) accounts.splice(at, 1);
      }
      for (const [gid, account] of come) {
        if (!this.accounts.isMember(charge.who, gid)) continue;
        // As `Accounts.path` has it: before the source and the daemon.
        if (!isShared) accounts.splice(-2, 0, account);
        account.add(charge.amount);
        account.linger(charge.lingering);
      }
    }
  }

  /** A connection begins: its accounts are there until `disconnect`. */
  connect(who: Who): void {
    for (const account of this.accounts.holders(who)) account.live++;
  }

  disconnect(who: Who): void {
    const accounts = this.accounts.holders(who);
    for (const account of accounts) account.live--;
    this.accounts.drop(accounts);
  }

  /**
   * Charges an allocation that is about to start. Throws `limit_exceeded`, as ShareRefusal where
   * the user is below its share and others are above theirs; nothing is charged then.
   */
  reserve(who: Who, source: string, estimate: Estimate): Charge {
    return this.reserveMany(who, source, estimate, 1)[0] as Charge;
  }

  /**
   * Charges so many equal allocations, each by itself: all are admitted at once, or none. `paced`: whose rates the
   * request has used up already, which has tried another source.
   */
  reserveMany(
    who: Who,
    source: string,
    estimate: Estimate,
    count: number,
    paced: Paced = new Set(),
  ): Charge[] {
    const accounts = this.#admitted(who, source, estimate, count, paced);
    const now = this.clock.now();
    for (const account of accounts) {
      const rate = account.settings.allocationsPerSecond;
      if (rate === null || paced.has(account)) continue;
      account.bucket.take(rate, now, count);
      paced.add(account);
    }
    this.capacities.settled(who.uid);
    return this.#each(accounts, who, source, asked(estimate), count);
  }

  /**
   * Charges as `reserveMany` does, for somebody who only asks: no rate is used up, and a refused demand
   * stays one. To be released at once.
   */
  rehearse(who: Who, source: string, estimate: Estimate, count = 1): Charge[] {
    const accounts = this.#admitted(who, source, estimate, count);
    return this.#each(accounts, who, source, asked(estimate), count);
  }

  /** Whether it would be admitted if nobody had anything. */
  couldEver(who: Who, source: string, estimate: Estimate, count: number): boolean {
    const accounts = this.#path(who, source);
    const want = asked(estimate, count);
    const could = accounts.every(({ scope, settings }) => {
      const rate = settings.allocationsPerSecond;
      if (rate !== null && count > burst(rate)) return false;
      return DIMENSIONS.every((dimension) => {
        const limit = settings[dimension];
        if (limit === null) return true;
        const isShared = dimension !== 'pending' && (scope === 'daemon' || scope === 'source');
        return want[dimension] <= (isShared ? this.capacities.most(limit) : limit);
      });
    });
    this.accounts.drop(accounts);
    return could;
  }

  #each(accounts: Account[], who: Who, source: string, want: Amount, count: number): Charge[] {
    // What is empty first has room for 17 then.
    if (count === 1) return [this.#charge(accounts, who, source, want)];
    const charges: Charge[] = [];
    for (let i = 0; i < count; i++) charges.push(this.#charge(accounts, who, source, want));
    return charges;
  }

  /**
   * Charges somebody for a part of what others are charged, who are left with so many bytes. Throws
   * `limit_exceeded`, and all is as it was, where there is no room.
   */
  takeOver(who: Who, source: string, bytes: number, left: ReadonlyMap<Charge, number>): Charge {
    const before = [...left.keys()].map((charge) => [charge, charge.amount.bytes] as const);
    // First, since the daemon's and the source's accounts have room for it once only.
    for (const [charge, rest] of left) charge.resize(rest);
    const accounts = this.#path(who, source);
    const want = { ...NOTHING, bytes };
    try {
      this.#admit(accounts, who.uid, want);
    } catch (error) {
      for (const [charge, all] of before) charge.resize(all);
      this.accounts.drop(accounts);
      throw error;
    }
    return this.#charge(accounts, who, source, want);
  }

  /**
   * Charges what is no allocation, until it is released: no rate is used up, nothing is recalled for it.
   * Throws `limit_exceeded`.
   */
  hold(who: Who, source: string, amount: Amount): Charge {
    const accounts = this.#path(who, source);
    this.#admitOrDrop(accounts, who.uid, amount);
    return this.#charge(accounts, who, source, amount);
  }

  /**
   * Somebody is to be charged so much, in another's place. Throws `limit_exceeded` where an account has no room for it;
   * those of the charge have it already.
   */
  admitHeir({ accounts: before, source }: Charge, amount: Amount, who: Who): void {
    this.check(who, source, amount, before);
  }

  /** Throws `limit_exceeded` where so much could not be charged now; but for some accounts, which have it already. */
  check(who: Who, source: string, amount: Amount, but: readonly Account[] = []): void {
    const accounts = this.#path(who, source);
    try {
      const others = accounts.filter((account) => !but.includes(account));
      this.#admit(others, who.uid, amount);
    } finally {
      this.accounts.drop(accounts);
    }
  }

  /** Charges somebody whatever the limits: for memory that is there already. */
  impose({ who, source, amount, heaps }: Charged): Charge {
    const charge = this.#charge(this.#path(who, source), who, source, amount);
    charge.imposeHeaps(heaps);
    return charge;
  }

  /** Charges a heap's account alone: the others have it from the allocation. */
  #heap(who: Who, key: string, amount: Amount, forced: boolean): Charge {
    const accounts = [this.accounts.get('source', key)];
    if (!forced) this.#admitOrDrop(accounts, who.uid, amount);
    return this.#part(accounts, who, key, amount);
  }

  #admitOrDrop(accounts: readonly Account[], uid: number, want: Amount): void {
    try {
      this.#admit(accounts, uid, want);
    } catch (error) {
      this.accounts.drop(accounts);
      throw error;
    }
  }

  #charge(accounts: Account[], who: Who, source: string, want: Amount): Charge {
    const charge = this.#part(accounts, who, source, want);
    this.#charges.add(charge);
    return charge;
  }

  /** A charge that is not counted among all: `#charge`, and the heaps of one. */
  #part(accounts: Account[], who: Who, source: string, want: Amount): Charge {
    const charge = new Charge(who, source, want, accounts, this.#book);
    this.#add(charge, want);
    return charge;
  }

  #add({ accounts, who, source }: Charge, amount: Amount): void {
    for (const account of accounts) account.add(amount);
    this.capacities.add(who.uid, source, amount);
  }

  #path(who: Who, source: string): Account[] {
    this.accounts.sweep();
    const known = this.#paths.get(who);
    // Its last but one is the source's.
    if (known?.at(-2)?.key === source && this.#areThere(known)) return known;
    const path = this.accounts.path(who, source);
    this.#paths.set(who, path);
    return path;
  }

  /** A source's is dropped with its last buffer, and wanted again by the next one. */
  #areThere(accounts: readonly Account[]): boolean {
    for (const account of accounts) {
      if (account.dropped && !this.accounts.revive(account)) return false;
    }
    return true;
  }

  /** The accounts that all agree. */
  #admitted(
    who: Who,
    source: string,
    estimate: Estimate,
    count: number,
    paced: ReadonlySet<Account> = new Set(),
  ): Account[] {
    const accounts = this.#path(who, source);
    const now = this.clock.now();
    try {
      this.#admit(accounts, who.uid, asked(estimate, count));
      for (const account of accounts) {
        const rate = account.settings.allocationsPerSecond;
        if (rate === null || paced.has(account)) continue;
        const seconds = account.bucket.wait(rate, now, count);
        if (seconds === 0) continue;
        const had = { requested: count, now: account.bucket.had(rate, now) };
        throw tooFast(account, rate, { ...had, seconds: count > burst(rate) ? null : seconds });
      }
    } catch (error) {
      this.accounts.drop(accounts);
      throw counted(asRefusal(error), asked(estimate), count);
    }
    return accounts;
  }

  #admit(accounts: readonly Account[], uid: number, want: Amount): void {
    for (const account of accounts) {
      // What becomes less or stays as it is is never refused, whatever the limit has become.
      for (const dimension of DIMENSIONS) {
        if (want[dimension] > 0) this.#admitOne(account, uid, dimension, want[dimension]);
      }
    }
  }

  #admitOne(account: Account, uid: number, dimension: Dimension, requested: number): void {
    const { scope, charge, settings } = account;
    const limit = settings[dimension];
    if (limit === null && scope !== 'daemon') return;
    const shared = dimension === 'pending' ? null : dimension;
    if (limit !== null && shared !== null && (scope === 'daemon' || scope === 'source')) {
      this.capacities.admit(account, limit, { uid, dimension: shared, requested });
      return;
    }
    // Sums beyond 2^53 - 1 would not be exact, so that a release could not restore them.
    const hard = limit ?? (scope === 'daemon' ? Number.MAX_SAFE_INTEGER : null);
    const max = hard === null ? null : hard - charge[dimension];
    if (hard !== null && max !== null && requested > max) {
      throw exceeded({ account, dimension, limit: hard, requested, max });
    }
  }
}
