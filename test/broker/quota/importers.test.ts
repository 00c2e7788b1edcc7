/** Who is charged for a shared buffer, where importers are: each byte once, and given back exactly. */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import { Quotas } from '../../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../../src/broker/quota/rules.js';
import type { ChargePolicy } from '../../../src/broker/shares.js';
import { BrokerError } from '../../../src/memory/errors.js';
import type { Result } from '../../../src/memory/result.js';
import { refused } from '../../support/refused.js';
import { FakeWorld, linear, memfd, offers, peer, request } from '../support/world.js';

const terms = { uses: 9, uid: null, seconds: null };

function make(charge: ChargePolicy) {
  const world = new FakeWorld();
  const quotas = new Quotas(world.clock, { charge, defaults: new Map() });
  const broker = new Broker(world, { sources: [memfd], offers }, quotas);
  const connect = (uid: number) => broker.connect({ ...peer, uid, cgroup: `/${uid}` });
  const allocate = (client: Client, size: number): BrokerBuffer => {
    const results: Result<BrokerBuffer>[] = [];
    const asked = request({ spec: { ...linear, size }, lifetime: 'until_released' });
    broker.allocate({ client, peer: client.peer }, asked, (result) => results.push(result));
    world.answer();
    const [result] = results;
    if (result === undefined || 'error' in result) throw new Error('it was not allocated');
    return result;
  };
  const redeem = (client: Client, buffer: BrokerBuffer) =>
    broker.sharing.redeem(client, broker.sharing.share(buffer, terms).token);
  const charged = (uid: number) => quotas.accounts.find('user', String(uid))?.charge.bytes ?? 0;
  const limit = (uid: number, bytes: number) =>
    quotas.configure('rest', new Map<RuleId, Rule>([[`user/${uid}`, { bytes }]]));
  return { world, quotas, broker, connect, allocate, redeem, charged, limit };
}

t.test('the owner, unless importers are to be charged', async (t) => {
  for (const policy of ['owner', 'importers'] as const) {
    const { connect, allocate, redeem, charged } = make(policy);
    const [owner, other] = [connect(1), connect(2)];
    const buffer = allocate(owner, 10);
    redeem(owner, buffer);
    t.same([charged(1), charged(2)], [10, 0], 'its owner itself is no importer');
    redeem(other, buffer);
    redeem(other, buffer);
    t.same([charged(1), charged(2)], policy === 'owner' ? [10, 0] : [0, 10]);
  }
});

t.test('importers share it until its memory is gone', async (t) => {
  const { world, quotas, broker, connect, allocate, redeem, charged } = make('importers');
  const [owner, a, b, c] = [connect(1), connect(2), connect(3), connect(4)];
  const buffer = allocate(owner, 11);
  for (const client of [c, a, b]) redeem(client, buffer);
  t.same([1, 2, 3, 4].map(charged), [0, 4, 4, 3]);
  const { accounts } = quotas;
  t.match(accounts.find('user', '1')?.charge, { bytes: 0, buffers: 1, fds: 1 });
  t.match(accounts.daemon.charge, { bytes: 11, buffers: 1, fds: 1, pending: 0 });
  broker.disconnect(a);
  world.held.set(buffer.allocation.key, 'lingering');
  broker.release(buffer, 'owner');
  t.same([1, 2, 3, 4].map(charged), [0, 4, 4, 3], 'it lingers');
  world.held.clear();
  world.pass(10_000);
  broker.poll();
  t.same([1, 2, 3, 4].map(charged), [0, 0, 0, 0]);
  t.ok(accounts.daemon.empty);
});

t.test('no room: the redemption is refused, and nothing has changed', async (t) => {
  const { broker, connect, allocate, redeem, charged, limit } = make('importers');
  const [owner, a, b] = [connect(1), connect(2), connect(3)];
  const buffer = allocate(owner, 100);
  redeem(a, buffer);
  limit(3, 49);
  const { token, info } = broker.sharing.share(buffer, { ...terms, uses: 1 });
  t.match(
    refused(() => broker.sharing.redeem(b, token)),
    {
      code: 'limit_exceeded',
      refusal: { constraint: 'quota.user.bytes', requested: 50, possible: { max: 49 } },
    },
  );
  t.same([1, 2, 3].map(charged), [0, 100, 0]);
  t.ok(
    broker.sharing.tokens.list(buffer).some(({ id }) => id === info.id),
    'the token is not used up',
  );
  limit(3, 50);
  broker.sharing.redeem(b, token);
  t.same([1, 2, 3].map(charged), [0, 50, 50]);
});

t.test('a full daemon has room for it: it is charged once', async (t) => {
  const { quotas, connect, allocate, redeem, charged } = make('importers');
  const buffer = allocate(connect(1), 100);
  quotas.configure('rest', new Map([['daemon/default', { bytes: 100, reserve: 0 }]]));
  redeem(connect(2), buffer);
  t.same([charged(1), charged(2)], [0, 100]);
});

t.test('re-issued memory of the same size is the same charge', async (t) => {
  const { world, quotas, broker, connect, allocate, redeem, charged } = make('importers');
  const buffer = allocate(connect(1), 10);
  redeem(connect(2), buffer);
  broker.deviceLost([buffer.allocation]);
  broker.reissue(buffer, () => {});
  world.answer();
  t.same([charged(1), charged(2)], [0, 10]);
  broker.release(buffer, 'owner');
  t.ok(quotas.accounts.daemon.empty);
});

t.test('what a re-issued buffer had before is charged on as it was', async (t) => {
  const { world, quotas, broker, connect, allocate, redeem, charged, limit } = make('importers');
  const buffer = allocate(connect(1), 11);
  for (const uid of [2, 3]) redeem(connect(uid), buffer);
  const old = buffer.allocation.key;
  world.held.set(old, 'lingering');
  limit(3, 5);
  broker.deviceLost([buffer.allocation]);
  broker.reissue(buffer, () => {});
  world.answer();
  t.same([1, 2, 3].map(charged), [0, 12, 10]);
  t.match(quotas.accounts.find('user', '1')?.charge, { buffers: 2, fds: 2 });
  broker.release(buffer, 'owner');
  t.same([1, 2, 3].map(charged), [0, 6, 5]);
  world.held.clear();
  world.pass(10_000);
  broker.poll();
  t.ok([...quotas.accounts].every((account) => account.empty));
});

t.test('groups are charged what their members are, whenever they get a rule', async (t) => {
  const { world, quotas, broker, allocate, redeem } = make('importers');
  const connect = (uid: number, ...groups: number[]) =>
    broker.connect({ ...peer, uid, gid: uid, groups });
  const charge = (gid: number) => quotas.accounts.find('group', String(gid))?.charge;
  const rules = (limit: number | null) =>
    quotas.configure(
      'rest',
      new Map<RuleId, Rule>([
        ['group/30', {}],
        ['group/40', { bytes: limit }],
      ]),
    );
  rules(49);
  const [alice, bob, carol] = [connect(1, 30), connect(2, 30), connect(3, 40)];
  const buffer = allocate(alice, 100);
  const whole = { bytes: 100, buffers: 1, fds: 1, pending: 0 };
  t.same(charge(30), whole);
  redeem(bob, buffer);
  t.same(charge(30), whole, 'within the group it is charged once');
  t.match(refused(() => redeem(carol, buffer)).refusal, {
    constraint: 'quota.group.bytes',
    requested: 50,
    possible: { max: 49 },
    quota: { key: '40' },
  });
  t.same([charge(30)?.bytes, charge(40)?.bytes], [100, 0]);
  rules(50);
  redeem(carol, buffer);
  t.same([charge(30)?.bytes, charge(40)?.bytes], [50, 50]);
  broker.disconnect(carol);
  const old = buffer.allocation.key;
  world.held.set(old, 'lingering');
  broker.deviceLost([buffer.allocation]);
  broker.reissue(buffer, () => {});
  world.answer();
  const seen = () =>
    [30, 40]
      .map((gid) => quotas.accounts.find('group', String(gid)))
      .map((account) => [account?.charge, account?.lingering]);
  const both = seen();
  t.match(
    both,
    [
      [
        { bytes: 100, buffers: 2, fds: 2 },
        { bytes: 50, buffers: 1, fds: 1 },
      ],
      [{ bytes: 100, buffers: 0 }, { bytes: 50 }],
    ],
    'what it had before is charged on',
  );
  quotas.configure('rest', new Map());
  t.same(seen(), [
    [undefined, undefined],
    [undefined, undefined],
  ]);
  rules(null);
  t.same(seen(), both);
  broker.release(buffer, 'owner');
  world.held.clear();
  world.pass(10_000);
  broker.poll();
  t.ok([...quotas.accounts].every(({ empty }) => empty));
});

t.test('the sum of what users are charged is that of the buffers, always', async (t) => {
  const step = fc.record({
    kind: fc.constantFrom('allocate', 'redeem', 'redeem', 'release', 'limit', 'group' as const),
    uid: fc.integer({ min: 1, max: 4 }),
    pick: fc.nat(20),
    size: fc.integer({ min: 1, max: 100 }),
  });
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const { quotas, broker, connect, allocate, redeem, charged, limit } = make('importers');
    const clients = new Map([1, 2, 3, 4].map((uid) => [uid, connect(uid)]));
    for (const { kind, uid, pick, size } of steps) {
      const client = clients.get(uid) as Client;
      const buffers = [...broker.buffers];
      const buffer = buffers[pick % buffers.length];
      const before = [1, 2, 3, 4].map(charged);
      try {
        if (kind === 'limit') limit(uid, size * 2);
        // Everybody is in it.
        else if (kind === 'group') {
          const rules: [RuleId, Rule][] = pick % 3 === 0 ? [] : [[`group/${peer.gid}`, {}]];
          quotas.configure('configuration', new Map(rules));
        } else if (kind === 'allocate') {
          quotas.configure('rest', new Map());
          allocate(client, size);
        } else if (buffer === undefined) continue;
        else if (kind === 'release') broker.release(buffer, 'owner');
        else redeem(client, buffer);
      } catch (error) {
        if (!(error instanceof BrokerError) || error.code !== 'limit_exceeded') throw error;
        if (`${[1, 2, 3, 4].map(charged)}` !== `${before}`) return false;
      }
      const all = [...broker.buffers].reduce((sum, { allocation }) => sum + allocation.size, 0);
      const sum = [1, 2, 3, 4].reduce((total, each) => total + charged(each), 0);
      if (sum !== all || quotas.accounts.daemon.charge.bytes !== all) return false;
      const group = quotas.accounts.find('group', String(peer.gid));
      if (group !== undefined && group.charge.bytes !== all) return false;
    }
    for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
    return [...quotas.accounts].every((account) => account.empty);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
});
