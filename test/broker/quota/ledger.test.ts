/**
 * The ledger against a recount from scratch: random schedules of reservations, answers, releases,
 * connections, changes of limits, rules of groups that come and go, and of the time. No account is ever charged what its charges do not
 * add up to, none exceeds a limit by a charge that was taken, and what is released leaves nothing.
 */

import fc from 'fast-check';
import t from 'tap';
import type { Account } from '../../../src/broker/quota/account.js';
import type { Charge, Who } from '../../../src/broker/quota/charge.js';
import { Ledger } from '../../../src/broker/quota/ledger.js';
import { Policy } from '../../../src/broker/quota/policy.js';
import { ShareRefusal } from '../../../src/broker/quota/refusals.js';
import type { Rule, RuleId, Rules } from '../../../src/broker/quota/rules.js';
import { DIMENSIONS } from '../../../src/memory/charged.js';
import { after } from '../../../src/memory/clock.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { FakeClock } from '../../support/clock.js';
import { atNight } from '../../support/night.js';
import { refused } from '../../support/refused.js';

const SOURCES = ['vulkan', 'memfd'];

type Action =
  | { kind: 'connect'; uid: number; cgroup: string; groups: number[] }
  | { kind: 'disconnect' | 'release' | 'linger'; pick: number }
  | { kind: 'reserve'; pick: number; rest: boolean; source: string; bytes: number; fds: number }
  | { kind: 'settle'; pick: number; bytes: number; fds: number }
  | { kind: 'limit'; id: RuleId; rule: Rule }
  | { kind: 'lift'; pick: number }
  | { kind: 'wait'; seconds: number };

const pick = fc.nat(1000);
const bytes = fc.integer({ min: 1, max: 40 });
const fds = fc.integer({ min: 1, max: 4 });
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('connect' as const),
    uid: fc.constantFrom(1, 2, 3),
    cgroup: fc.constantFrom('/a', '/a/b', '/a/b/c', '/d'),
    groups: fc.subarray([10, 20]),
  }),
  fc.record({ kind: fc.constantFrom('disconnect', 'release', 'linger', 'lift' as const), pick }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      pick,
      rest: fc.boolean(),
      source: fc.constantFrom(...SOURCES),
      bytes,
      fds,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick, bytes, fds }) },
  fc.record({
    kind: fc.constant('limit' as const),
    id: fc.constantFrom<RuleId>(
      'daemon/default',
      'user/default',
      'user/1',
      'group/10',
      'group/20',
      'group/102',
      'cgroup//a',
      'cgroup//a/b',
      'source/vulkan',
      'connection/default',
    ),
    rule: fc.record(
      {
        bytes: fc.option(fc.nat(200)),
        buffers: fc.option(fc.nat(12)),
        fds: fc.option(fc.nat(20)),
        pending: fc.option(fc.nat(6)),
        allocationsPerSecond: fc.option(fc.integer({ min: 1, max: 5 })),
        weight: fc.integer({ min: 1, max: 3 }),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
);

/** Whether a charge counts in an account: the definition, which the ledger does not use. */
function counts(account: Account, { who, source }: Charge): boolean {
  const { scope, key, uid } = account;
  switch (scope) {
    case 'daemon':
      return true;
    case 'source':
      return key === source;
    case 'user':
      return key === String(who.uid);
    case 'connection':
      return key === who.connection;
    case 'group':
      return [who.gid, ...(who.groups ?? [])].map(String).includes(key);
    case 'cgroup':
      return (
        uid === who.uid &&
        (`${who.cgroup}/`.startsWith(`${key}/`) || (who.cgroup !== null && key === '/'))
      );
  }
}

/** Somebody of whom nothing but the user is known. */
const user = (uid: number): Who => ({
  uid,
  gid: null,
  groups: null,
  cgroup: null,
  connection: null,
});

class Model {
  readonly clock = new FakeClock();
  readonly policy = new Policy(new Map());
  readonly ledger = new Ledger(this.policy, this.clock);
  readonly rules = new Map<RuleId, Rule>();
  readonly connections: Who[] = [];
  readonly pending: Charge[] = [];
  readonly settled: Charge[] = [];
  readonly lingering = new Set<Charge>();
  taken = 0;
  refusals = 0;
  shareRefusals = 0;
  #last = 0;

  get charges(): Charge[] {
    return [...this.pending, ...this.settled];
  }

  #take<T>(list: T[], index: number): T | undefined {
    return list.length === 0 ? undefined : list.splice(index % list.length, 1)[0];
  }

  run(action: Action): void {
    switch (action.kind) {
      case 'connect': {
        const { uid, cgroup, groups } = action;
        const who = { uid, gid: 100 + uid, groups, cgroup, connection: `c${++this.#last}` };
        this.connections.push(who);
        this.ledger.connect(who);
        break;
      }
      case 'disconnect': {
        const who = this.#take(this.connections, action.pick);
        if (who !== undefined) this.ledger.disconnect(who);
        break;
      }
      case 'reserve': {
        const rest = { ...user(2), gid: 102 };
        const who = this.connections[action.pick % Math.max(1, this.connections.length)];
        this.#reserve(action.rest || who === undefined ? rest : who, action);
        break;
      }
      case 'settle': {
        const charge = this.#take(this.pending, action.pick);
        if (charge === undefined) break;
        const ok = this.#attempt(() => charge.settle(action.bytes, action.fds));
        if (ok) this.settled.push(charge);
        else charge.release();
        break;
      }
      case 'release': {
        const list = action.pick % 2 === 0 ? this.settled : this.pending;
        const charge = this.#take(list, action.pick);
        charge?.release();
        if (charge !== undefined) this.lingering.delete(charge);
        break;
      }
      case 'linger': {
        const charge = this.settled[action.pick % Math.max(1, this.settled.length)];
        if (charge === undefined || this.lingering.has(charge)) break;
        charge.linger();
        this.lingering.add(charge);
        break;
      }
      case 'limit':
        this.rules.set(action.id, action.rule);
        this.#configure();
        break;
      case 'lift':
        this.rules.delete(
          [...this.rules.keys()][action.pick % Math.max(1, this.rules.size)] ?? 'user/1',
        );
        this.#configure();
        break;
      case 'wait':
        this.clock.pass(action.seconds * 1000);
        break;
    }
  }

  #configure(): void {
    this.policy.set('rest', new Map(this.rules) as Rules);
    this.ledger.refresh();
  }

  #reserve(who: Who, { source, bytes, fds }: { source: string; bytes: number; fds: number }): void {
    const before = this.#overs();
    const checked = this.#attempt(() =>
      this.ledger.rehearse(who, source, { bytes, fds })[0]?.release(),
    );
    const ok = this.#attempt(() => {
      this.pending.push(this.ledger.reserve(who, source, { bytes, fds }));
    });
    if (checked !== ok) throw new Error('check and reserve differ');
    if (!ok) return;
    this.taken++;
    for (const [key, over] of this.#overs()) {
      if (over > (before.get(key) ?? 0)) throw new Error(`${key} is above its limit by ${over}`);
    }
  }

  /** Runs what may be refused; a refusal must leave everything as it was. */
  #attempt(run: () => void): boolean {
    const before = this.#snapshot();
    try {
      run();
      return true;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.refusals++;
      if (error instanceof ShareRefusal) {
        this.shareRefusals++;
        const above = [...error.need.over.values()].reduce((sum, each) => sum + each, 0);
        if (above < error.need.shortfall) throw new Error('it could not be recalled');
      }
      if (this.#snapshot() !== before) throw new Error('a refusal has changed something');
      return false;
    }
  }

  #snapshot(): string {
    const all = [...this.ledger.accounts].filter((account) => !account.empty);
    return JSON.stringify(all.map(({ scope, key, uid, charge }) => [scope, key, uid, charge]));
  }

  /** By how much each account is above a limit, where it is. */
  #overs(): Map<string, number> {
    const overs = new Map<string, number>();
    for (const { scope, key, uid, charge, settings } of this.ledger.accounts) {
      for (const dimension of DIMENSIONS) {
        const over = charge[dimension] - (settings[dimension] ?? Number.POSITIVE_INFINITY);
        if (over > 0) overs.set(`${scope} ${uid} ${key} ${dimension}`, over);
      }
    }
    return overs;
  }

  compare(): void {
    const { charges, lingering } = this;
    for (const account of this.ledger.accounts) {
      const mine = charges.filter((charge) => counts(account, charge));
      const theirs = mine.filter((charge) => lingering.has(charge));
      for (const dimension of DIMENSIONS) {
        const same = (what: string, charged: number, all: readonly Charge[]) => {
          const recount = all.reduce((sum, { amount }) => sum + amount[dimension], 0);
          if (charged < 0) throw new Error('a negative charge');
          if (charged === recount) return;
          const { scope, key } = account;
          throw new Error(`${scope} ${key} ${dimension}: ${charged} ${what}, not ${recount}`);
        };
        same('are charged', account.charge[dimension], mine);
        same('linger', account.lingering[dimension], theirs);
      }
    }
    const groups = [...this.ledger.accounts].filter(({ scope }) => scope === 'group');
    const ruled = [...this.rules.keys()].filter((id) => id.startsWith('group/'));
    const ids = groups.map(({ key }) => `group/${key}`);
    if (`${ids.sort()}` !== `${ruled.sort()}`) throw new Error(`accounts of ${ids}`);
    for (const { who, source } of charges) {
      const mine = charges.filter((each) => each.who.uid === who.uid);
      for (const of of [null, source]) {
        const sum = mine
          .filter((each) => of === null || each.source === of)
          .reduce((all, { amount }) => all + amount.bytes, 0);
        if (this.ledger.capacities.held(who.uid, of).bytes !== sum) throw new Error('held');
      }
    }
  }

  end(): void {
    for (const charge of this.charges) charge.release();
    for (const who of this.connections) this.ledger.disconnect(who);
    // Accounts that were kept for their rates go with the next request after these are full.
    this.clock.pass(60_000);
    this.ledger.rehearse(user(9), 'other', { bytes: 0, fds: 0 })[0]?.release();
    const left = [...this.ledger.accounts];
    if (left.length !== 1 || !left[0]?.empty) throw new Error(`${left.length} accounts are left`);
  }
}

t.test(
  'random schedules: never over, never negative, every account is its charges’ sum',
  async (t) => {
    const totals = { taken: 0, refusals: 0, shareRefusals: 0 };
    const property = fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (actions) => {
      const model = new Model();
      model.run({ kind: 'connect', uid: 1, cgroup: '/a/b', groups: [10] });
      for (const each of actions) {
        model.run(each);
        model.compare();
      }
      model.rules.clear();
      model.policy.set('rest', new Map());
      model.ledger.refresh();
      model.end();
      totals.taken += model.taken;
      totals.refusals += model.refusals;
      totals.shareRefusals += model.shareRefusals;
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(350, 20_000) }));
    t.ok(totals.taken > 1000, `${totals.taken} were charged`);
    t.ok(totals.refusals > 1000, `${totals.refusals} were refused`);
    t.ok(totals.shareRefusals > 10, `${totals.shareRefusals} of them below their share`);
  },
);

/** A refusal of a user below its share, with what must be recalled. */
function shortOf(body: () => unknown): ShareRefusal['need'] {
  try {
    body();
  } catch (error) {
    if (error instanceof ShareRefusal) return error.need;
    throw error;
  }
  throw new Error('nothing was refused');
}

function make(rules: [RuleId, Rule][]) {
  const clock = new FakeClock();
  const policy = new Policy(new Map(rules));
  const ledger = new Ledger(policy, clock);
  const reserve = (uid: number, bytes: number, source = 'memfd') =>
    ledger.reserve(user(uid), source, { bytes, fds: 1 });
  return { clock, policy, ledger, reserve };
}

t.test('the example of docs/quotas.md', async (t) => {
  const { ledger, reserve, clock } = make([['daemon/default', { bytes: 1000 }]]);
  reserve(1, 900);
  t.match(refused(() => reserve(1, 1)).refusal, { quota: { limit: 1000, in_use: 900 } });
  reserve(2, 100);
  t.same(
    shortOf(() => reserve(2, 50)),
    { source: null, dimension: 'bytes', shortfall: 50, over: new Map([[1, 150]]) },
    'below its share of 450',
  );
  t.equal(ledger.capacities.share(2, null, 'bytes'), 450);
  ledger.capacities.claim(
    user(2),
    ['memfd'],
    { bytes: 50, buffers: 1, fds: 1, pending: 1 },
    after(clock.now(), 10_000),
  );
  t.equal(ledger.capacities.share(1, null, 'bytes'), 750, 'a claim counts');
  clock.pass(10_000);
  t.equal(ledger.capacities.share(1, null, 'bytes'), 800, 'until it ends');
});

t.test('a source has a capacity of its own', async (t) => {
  const { reserve } = make([['source/vulkan', { bytes: 100 }]]);
  reserve(1, 90, 'vulkan');
  t.match(refused(() => reserve(1, 1, 'vulkan')).refusal.quota, { scope: 'source', key: 'vulkan' });
  reserve(1, 1000);
  reserve(2, 10, 'vulkan');
  t.equal(shortOf(() => reserve(2, 1, 'vulkan')).source, 'vulkan');
});

t.test('each limit holds in each scope, for whom it is meant and nobody else', async (t) => {
  const who = { uid: 1, gid: 1, groups: [10, 30], cgroup: '/a/b', connection: 'c1' };
  /** Somebody with whom `who` shares only what everybody shares. */
  const stranger = { uid: 2, gid: 2, groups: [20, 30], cgroup: '/z', connection: 'c2' };
  const limits: [string, Rule][] = [
    ['bytes', { bytes: 4 }],
    ['buffers', { buffers: 2 }],
    ['fds', { fds: 4 }],
    ['pending', { pending: 2 }],
    ['allocations_per_second', { allocationsPerSecond: 2 }],
  ];
  const scopes = ['connection/default', 'cgroup//a', 'user/1', 'group/1', 'group/10'];
  scopes.push('source/memfd', 'daemon/default');
  for (const id of scopes as RuleId[]) {
    const scope = id.slice(0, id.indexOf('/'));
    for (const [dimension, rule] of limits) {
      const policy = new Policy(new Map([[id, rule]]));
      // Without the reserve of shared capacities, which is a matter of its own.
      const daemon = { ...(scope === 'daemon' ? rule : {}), reserve: 0 };
      policy.set('rest', new Map([['daemon/default', daemon]]));
      const ledger = new Ledger(policy, new FakeClock());
      const reserve = (whose: typeof who, source = 'memfd') =>
        ledger.reserve(whose, source, { bytes: 2, fds: 2 });
      reserve(who);
      reserve(who);
      const { constraint } = refused(() => reserve(who)).refusal;
      t.equal(constraint, `quota.${scope}.${dimension}`);
      if (scope === 'source') reserve(who, 'vulkan');
      else if (scope !== 'daemon') reserve(stranger);
    }
  }
});

t.test('allocations per second', async (t) => {
  const { clock, reserve, ledger } = make([['user/default', { allocationsPerSecond: 2 }]]);
  reserve(1, 1).release();
  reserve(1, 1).release();
  const { refusal } = refused(() => reserve(1, 1));
  t.match(refusal, {
    constraint: 'quota.user.allocations_per_second',
    possible: { after_seconds: 0.5 },
  });
  reserve(2, 1);
  clock.pass(500);
  reserve(1, 1).release();
  t.throws(() => reserve(1, 1), 'one has come, not two');
  t.equal([...ledger.accounts].filter(({ key }) => key === '1').length, 1, 'it is remembered');
  clock.setDate(3_600_000);
  t.throws(() => reserve(1, 1), 'the date is no time that has passed');
});

t.test('cgroups: what is below counts above, and patterns', async (t) => {
  const { ledger } = make([
    ['cgroup//user.slice/*', { bytes: 10 }],
    ['cgroup//user.slice/a', { bytes: 20, priority: 3 }],
  ]);
  const reserve = (cgroup: string, bytes: number, uid = 1) =>
    ledger.reserve({ ...user(uid), cgroup }, 'memfd', { bytes, fds: 1 });
  reserve('/user.slice/b/one', 6);
  t.match(refused(() => reserve('/user.slice/b/two', 5)).refusal, {
    constraint: 'quota.cgroup.bytes',
    possible: { max: 4 },
    quota: { key: '/user.slice/b' },
  });
  reserve('/user.slice/b/two', 5, 2);
  reserve('/user.slice/a/x', 20);
  t.throws(() => reserve('/user.slice/a', 1));
});

t.test('a group: all its members together, whoever they are', async (t) => {
  const { ledger } = make([['group/30', { bytes: 10, allocationsPerSecond: 3 }]]);
  const member = (uid: number, groups: number[]) => ({ ...user(uid), gid: uid, groups });
  const reserve = (who: Who, bytes: number) => ledger.reserve(who, 'memfd', { bytes, fds: 1 });
  reserve(member(1, [7, 30]), 6);
  reserve(member(30, []), 3);
  const { refusal, message } = refused(() => reserve(member(2, [30]), 2));
  t.match(refusal, {
    constraint: 'quota.group.bytes',
    possible: { max: 1 },
    quota: { scope: 'group', key: '30', dimension: 'bytes', limit: 10, in_use: 9 },
  });
  t.match(message, /^the group 30 may have 10 bytes and has 9: /);
  reserve(member(2, [30]), 1).release();
  t.match(refused(() => reserve(member(2, [30]), 1)).refusal, {
    constraint: 'quota.group.allocations_per_second',
  });
  reserve(member(2, [3, 300]), 100);
  reserve(user(1), 100);
});

t.test('a rule for a group that comes later counts what its members have', async (t) => {
  const { ledger, policy } = make([]);
  const alice = { ...user(1), gid: 1, groups: [30] };
  const find = () => ledger.accounts.find('group', '30');
  const rule = (...rules: [RuleId, Rule][]) => {
    policy.set('rest', new Map(rules));
    ledger.refresh();
  };
  const kept = ledger.reserve(alice, 'vulkan', { bytes: 5, fds: 1 });
  kept.settle(6, 1, new Map([['vulkan:0', { bytes: 6, buffers: 1, fds: 1, pending: 0 }]]));
  kept.linger();
  const held = ledger.hold(alice, 'read', { bytes: 2, buffers: 0, fds: 1, pending: 0 });
  ledger.reserve(user(2), 'memfd', { bytes: 100, fds: 1 });
  t.equal(find(), undefined, 'nobody counts for it');
  rule(['group/30', { bytes: 5 }]);
  t.same(find()?.charge, { bytes: 8, buffers: 1, fds: 2, pending: 0 }, 'a heap is a part of it');
  t.same(find()?.lingering, { bytes: 6, buffers: 1, fds: 1, pending: 0 });
  t.match(
    refused(() => ledger.reserve(alice, 'memfd', { bytes: 1, fds: 1 })).message,
    /6 of them released/,
  );
  rule();
  t.equal(find(), undefined, 'it is forgotten with its rule');
  held.release();
  rule(['group/30', {}]);
  t.same(find()?.charge, kept.amount);
  kept.release();
  t.equal(find()?.empty, true);
  t.ok(find(), 'it is there while the rule is');
});

t.test('sums stay exact', async (t) => {
  const { reserve } = make([]);
  reserve(1, Number.MAX_SAFE_INTEGER - 5);
  t.match(refused(() => reserve(1, 6)).refusal, { possible: { max: 5 } });
  reserve(1, 5);
});

t.test('a charge ends once', async (t) => {
  const { reserve } = make([]);
  const charge = reserve(1, 5);
  charge.release();
  t.throws(() => charge.release(), /released already/);
  t.throws(() => charge.settle(1, 1), /released already/);
});
