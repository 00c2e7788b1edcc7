/** Leases: recall at the end, the period of grace, renewal, and what is left when they are over. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Watcher } from '../../src/broker/buffer.js';
import {
  DEFAULT_LEASE_GRACE_SECONDS,
  MAX_LEASE_SECONDS,
  MAX_TOLD_A_TURN,
} from '../../src/memory/limits.js';
import { refused } from '../support/refused.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

const GRACE = DEFAULT_LEASE_GRACE_SECONDS * 1000;

function make(seconds: number | null = 60) {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  const lifetime = seconds === null ? 'until_released' : { lease: seconds };
  let buffer: BrokerBuffer | undefined;
  broker.allocate({ client, peer }, request({ lifetime }), (result) => {
    if (!('error' in result)) buffer = result;
  });
  world.answer();
  if (buffer === undefined) throw new Error('it was not allocated');
  const told: unknown[][] = [];
  buffer.watchers.add({
    recalled: (...what) => told.push(['recalled', ...what]),
    leased: (left) => told.push(['leased', left]),
    released: (reason) => told.push(['released', reason]),
  });
  const pass = (milliseconds: number) => {
    world.pass(milliseconds);
    broker.poll();
  };
  return { world, broker, client, buffer, told, pass };
}

t.test('recall, grace, and then the broker lets go', async (t) => {
  const { broker, buffer, told, pass } = make();
  const { token } = broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null });
  t.equal(broker.wait, 60_000);
  pass(59_999);
  t.same(told, []);
  t.equal(broker.wait, 1);
  pass(1);
  t.same(told, [['recalled', 'lease_expired', DEFAULT_LEASE_GRACE_SECONDS]]);
  t.match(broker.leases.of(buffer), { seconds: 60, endsIn: 0, graceLeft: GRACE / 1000 });
  t.equal(broker.wait, GRACE);
  pass(GRACE - 1);
  t.equal(told.length, 1, 'told once');
  pass(1);
  t.same(told.at(-1), ['released', 'lease_expired']);
  t.equal(refused(() => broker.get(buffer.id)).code, 'not_found');
  t.equal(refused(() => broker.sharing.redeem(broker.connect(peer), token)).code, 'invalid_token');
});

t.test('it ends when it ends, however late the broker looks', async (t) => {
  const { told, pass } = make();
  pass(120_000);
  t.same(
    told.map(([what]) => what),
    ['recalled'],
    'the grace is given in full',
  );
});

t.test('renewal, during the grace as well', async (t) => {
  const { broker, buffer, told, pass } = make();
  pass(30_000);
  broker.leases.renew(buffer, 60);
  t.equal(broker.wait, 0);
  broker.poll();
  t.same(told, [['leased', 60]]);
  pass(59_999);
  t.equal(told.length, 1);
  pass(1);
  pass(GRACE - 1);
  broker.leases.renew(buffer, 10);
  broker.poll();
  t.same(told.slice(1), [
    ['recalled', 'lease_expired', DEFAULT_LEASE_GRACE_SECONDS],
    ['leased', 10],
  ]);
  pass(GRACE);
  t.equal(told.length, 3, 'the recall is withdrawn');
  t.equal(broker.get(buffer.id), buffer);
});

t.test('a renewal never shortens a lease', async (t) => {
  const { broker, buffer, told } = make();
  broker.leases.renew(buffer, 1);
  broker.poll();
  t.same(told, [['leased', 60]]);
  t.match(broker.leases.of(buffer), { seconds: 60 });
});

t.test('it does not end with its owner’s connection, but with a release', async (t) => {
  const { broker, client, buffer, told, pass } = make();
  broker.disconnect(client);
  t.equal(broker.get(buffer.id), buffer);
  broker.release(buffer, 'administrator');
  pass(120_000);
  t.same(told, [['released', 'administrator']], 'and that once');
  t.equal(refused(() => broker.leases.renew(buffer, 1)).code, 'not_found');
});

t.test(
  'many renewals of what many have: a bounded number is told in a turn, each of the last one',
  async (t) => {
    const { broker, buffer, told } = make(1);
    const HOLDERS = 2 * MAX_TOLD_A_TURN + 1;
    let calls = 0;
    const heard: number[] = [];
    const holders: Watcher[] = Array.from({ length: HOLDERS }, (_, i) => ({
      released: () => {},
      leased: (left) => {
        calls++;
        heard[i] = left;
      },
    }));
    for (const holder of holders) buffer.watchers.add(holder);
    const [asker] = holders;
    for (let i = 1; i <= 1000; i++) broker.leases.renew(buffer, i, null, asker);
    t.equal(calls, 0, 'nobody is told within a request');
    broker.poll();
    t.ok(calls > 0 && calls <= MAX_TOLD_A_TURN, `${calls} in one turn`);
    // In the middle: those who were told are told again.
    t.equal(broker.leases.renew(buffer, 2000, null, asker).endsIn, 2000);
    for (let turns = 0; broker.wait === 0 && turns < 10; turns++) {
      const before = calls;
      broker.poll();
      t.ok(calls - before <= MAX_TOLD_A_TURN);
    }
    t.same(
      heard.slice(1).filter((left) => left !== 2000),
      [],
    );
    t.equal(heard[0], undefined, 'who asked was answered');
    t.same(told.at(-1), ['leased', 2000]);
    t.ok(calls < 2 * HOLDERS, `${calls} calls in all`);
  },
);

t.test('a renewal that has not been told to all takes back no later recall', async (t) => {
  const { broker, buffer, told, pass } = make(10);
  broker.leases.renew(buffer, 10);
  pass(10_000);
  t.same(told.at(-1), ['recalled', 'lease_expired', DEFAULT_LEASE_GRACE_SECONDS]);
  broker.leases.renew(buffer, 10);
  broker.release(buffer, 'owner');
  broker.poll();
  t.same(told.at(-1), ['released', 'owner'], 'and nothing follows a release');
});

t.test('what is refused', async (t) => {
  const { world, broker, client, buffer } = make(null);
  t.equal(broker.leases.of(buffer), null);
  t.match(
    refused(() => broker.leases.renew(buffer, 1)),
    { code: 'invalid_argument', refusal: { constraint: 'lifetime' } },
  );
  for (const lease of [0, MAX_LEASE_SECONDS + 1, 1.5, Number.NaN]) {
    const answers: unknown[] = [];
    const asked = request({ lifetime: { lease } });
    broker.allocate({ client, peer }, asked, (result) => answers.push(result));
    const possible = { min: 1, max: MAX_LEASE_SECONDS };
    t.match(answers, [{ error: { code: 'invalid_argument', refusal: { possible } } }]);
  }
  t.same(world.pending, []);
  const leased = make();
  t.equal(refused(() => leased.broker.leases.renew(leased.buffer, 0)).code, 'invalid_argument');
});
