/**
 * The table of accounts: who is charged where. An account is there while it is charged, while a
 * connection would be charged to it, or until its rate may be forgotten; so their number is bounded.
 *
 * A group's is there exactly while some layer has a rule for it: whoever has no such rule pays nothing for it.
 */

import type { Scope } from '../../memory/charged.js';
import { type Clock, LONG_AGO } from '../../memory/clock.js';
import { Account } from './account.js';
import type { Who } from './charge.js';
import type { Policy } from './policy.js';
import type { RuleId } from './rules.js';

/** What is deeper is charged to its ancestor of this depth; the kernel bounds paths by PATH_MAX. */
const MAX_CGROUP_DEPTH = 32;

/** How often accounts that are only kept for their rate are looked through. */
const SWEEP_MS = 1000;

/** The table as others see it. */
export interface AccountTable extends Iterable<Account> {
  readonly daemon: Account;
  find(scope: Exclude<Scope, 'cgroup'>, key: string): Account | undefined;
  /** The rules for an account, the most specific first. */
  rulesFor(scope: Scope, key: string): RuleId[];
}

export class Accounts implements AccountTable {
  readonly #accounts = new Map<string, Account>();
  /** Of groups, by gid. */
  readonly #groups = new Map<number, Account>();
  readonly #users = new Set<Account>();
  /** Which of them are in a process's list, by that list: it may be of 65,536, and is the connection's for good. */
  #listed = new WeakMap<readonly number[], ReadonlySet<number>>();
  #sweptAt = LONG_AGO;
  readonly daemon: Account;

  constructor(
    private readonly policy: Policy,
    private readonly clock: Clock,
  ) {
    this.daemon = this.get('daemon', 'default');
  }

  [Symbol.iterator](): Iterator<Account> {
    return this.#accounts.values();
  }

  /** Those of users, of whom there are fewer than connections. */
  get users(): Iterable<Account> {
    return this.#users;
  }

  find(scope: Exclude<Scope, 'cgroup'>, key: string): Account | undefined {
    return this.#accounts.get(`${scope} ${key}`);
  }

  /** Makes it if it is not there; not for groups, which `refresh` makes. */
  get(scope: Scope, key: string, uid: number | null = null): Account {
    const name = nameOf({ scope, key, uid });
    let account = this.#accounts.get(name);
    if (account === undefined) {
      account = new Account(scope, key, uid, this.policy.settings(this.rulesFor(scope, key)));
      this.#accounts.set(name, account);
      if (scope === 'user') this.#users.add(account);
    }
    return account;
  }

  /** The accounts that are somebody's own, the innermost first. */
  holders({ uid, cgroup, connection }: Who): Account[] {
    const paths = cgroup === null ? [] : andAncestors(cgroup);
    return [
      ...(connection === null ? [] : [this.get('connection', connection, uid)]),
      ...paths.map((path) => this.get('cgroup', path, uid)),
      this.get('user', String(uid), uid),
    ];
  }

  /** Every account that an allocation is charged to, the innermost first. */
  path(who: Who, source: string): Account[] {
    const accounts = this.holders(who);
    for (const [gid, account] of this.#groups) if (this.isMember(who, gid)) accounts.push(account);
    accounts.push(this.get('source', source), this.daemon);
    return accounts;
  }

  /**
   * Whether somebody is in a group that has a rule, as credentials(7) has it: by gid or as one of the
   * supplementary groups.
   */
  isMember({ gid, groups }: Who, group: number): boolean {
    if (gid === group) return true;
    if (groups === null) return false;
    let listed = this.#listed.get(groups);
    if (listed === undefined) {
      listed = new Set(groups.filter((each) => this.#groups.has(each)));
      this.#listed.set(groups, listed);
    }
    return listed.has(group);
  }

  /** Forgets those that nothing keeps. */
  drop(accounts: Iterable<Account>): void {
    for (const account of accounts) {
      if (account === this.daemon || account.scope === 'group') continue;
      if (account.live > 0 || !account.empty) continue;
      // A connection's name is never used again, and neither is its rate.
      const rate = account.scope === 'connection' ? null : account.settings.allocationsPerSecond;
      if (!account.bucket.full(rate, this.clock.now())) continue;
      this.#accounts.delete(nameOf(account));
      this.#users.delete(account);
      account.dropped = true;
    }
  }

  /**
   * Takes up again what was dropped, since the policy has changed last: it is as a new one would be. Returns false where
   * there is another in its place.
   */
  revive(account: Account): boolean {
    const name = nameOf(account);
    if (this.#accounts.has(name)) return false;
    this.#accounts.set(name, account);
    if (account.scope === 'user') this.#users.add(account);
    account.dropped = false;
    return true;
  }

  /** Drops those that were only kept for their rate; to be called before a path is asked for or used again. */
  sweep(): void {
    const now = this.clock.now();
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    this.drop([...this.#accounts.values()]);
  }

  /** After a change of the policy. Groups that have or had a rule come and go: the ledger counts for them. */
  refresh(): GroupChange {
    for (const account of this) {
      account.settings = this.policy.settings(this.rulesFor(account.scope, account.key));
    }
    const gone = new Map(this.#groups);
    const come = new Map<number, Account>();
    for (const gid of this.policy.groups()) {
      if (gone.delete(gid)) continue;
      const account = this.get('group', String(gid));
      come.set(gid, account);
      this.#groups.set(gid, account);
    }
    for (const [gid, account] of gone) {
      this.#groups.delete(gid);
      this.#accounts.delete(nameOf(account));
    }
    this.#listed = new WeakMap();
    return { come, gone };
  }

  rulesFor(scope: Scope, key: string): RuleId[] {
    if (scope === 'cgroup') return this.policy.cgroupRules(key);
    if (scope === 'user') return [`user/${key}`, 'user/default'];
    return [scope === 'source' || scope === 'group' ? `${scope}/${key}` : `${scope}/default`];
  }
}

/** Accounts of groups, by gid. */
export interface GroupChange {
  readonly come: ReadonlyMap<number, Account>;
  readonly gone: ReadonlyMap<number, Account>;
}

function nameOf({ scope, key, uid }: Pick<Account, 'scope' | 'key' | 'uid'>): string {
  return scope === 'cgroup' ? `cgroup ${uid} ${key}` : `${scope} ${key}`;
}

/** A path and everything above it, the innermost first. */
function andAncestors(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  const depth = Math.min(names.length, MAX_CGROUP_DEPTH);
  return Array.from({ length: depth + 1 }, (_, up) => `/${names.slice(0, depth - up).join('/')}`);
}
