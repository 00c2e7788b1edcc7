/** Waiting for memory: who is next, what wakes them, what ends it, and whom it holds up. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import type { GiveUp } from '../../src/broker/intake.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import { BrokerError } from '../../src/memory/errors.js';
import {
  MAX_PENDING_PER_CLIENT,
  MAX_WAIT_MS,
  WAIT_PAUSE_MS,
  WAIT_RETRY_MS,
  WAIT_TOLD_MS,
} from '../../src/memory/limits.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

const PAGE = 4096;
const MINUTE = 60_000;

interface Asked {
  buffers: readonly BrokerBuffer[] | null;
  error: BrokerError | null;
  readonly places: number[];
  giveUp: GiveUp;
}

function make(rules: [RuleId, Rule][]) {
  const world = new FakeWorld();
  world.immediate = true;
  const quotas = new Quotas(world.clock, { defaults: new Map(rules) });
  const broker = new Broker(world, { sources: [memfd], offers }, quotas);
  const connect = (uid: number) => broker.connect({ ...peer, uid });
  const ask = (client: Client, pages: number, waitMs: number | undefined, count = 1): Asked => {
    const asked: Asked = { buffers: null, error: null, places: [], giveUp: () => {} };
    const spec = { ...linear, size: pages * PAGE };
    const wanted = { ...request({ spec }), waitMs, count };
    asked.giveUp = broker.allocateMany(
      { client, peer: client.peer },
      wanted,
      (result) => {
        if ('error' in result) asked.error = result.error;
        else asked.buffers = result;
      },
      (place) => asked.places.push(place),
    );
    return asked;
  };
  const take = (client: Client, pages: number): BrokerBuffer => {
    const { buffers, error } = ask(client, pages, undefined);
    if (error !== null) throw error;
    return buffers?.[0] as BrokerBuffer;
  };
  const release = (buffer: BrokerBuffer) => {
    broker.release(buffer, 'owner');
    broker.poll();
    broker.poll();
  };
  const pass = (ms: number) => {
    world.pass(ms);
    broker.poll();
  };
  return { world, quotas, broker, connect, ask, take, release, pass };
}

const ofUsers = (pages: number): [RuleId, Rule] => ['user/default', { bytes: pages * PAGE }];
const ofAll = (pages: number): [RuleId, Rule] => ['daemon/default', { bytes: pages * PAGE }];

t.test(
  'it waits for room that its user makes, and is refused as without at its deadline',
  async (t) => {
    const { broker, connect, ask, take, release, pass } = make([ofUsers(10)]);
    const client = connect(1);
    const held = take(client, 8);
    const first = ask(client, 4, MINUTE);
    t.same([first.buffers, first.error, first.places], [null, null, [1]]);
    t.equal(broker.wait, WAIT_TOLD_MS);
    pass(WAIT_TOLD_MS);
    t.equal(broker.wait, MINUTE - WAIT_TOLD_MS, 'only the deadline is waited for');
    const [shown] = broker.waiting;
    t.match(shown, { place: 1, wanted: { bytes: 4 * PAGE, count: 1 } });
    t.equal(Number(shown?.deadline) - Number(shown?.since), MINUTE);
    release(held);
    t.equal(first.buffers?.length, 1);
    t.same(broker.waiting, []);
    t.equal(broker.wait, -1);

    const second = ask(client, 8, MINUTE);
    pass(MINUTE - 1);
    t.equal(second.error, null);
    pass(1);
    t.match(second.error, {
      code: 'limit_exceeded',
      message: /it has waited for 60000 ms/,
      refusal: { constraint: 'quota.user.bytes', possible: { max: 6 * PAGE }, waited_ms: MINUTE },
    });
    t.equal(broker.quotas.shareOf(1, 'bytes'), null);
  },
);

t.test('what can never be had, or is no wait, is refused at once', async (t) => {
  const { broker, quotas, connect, ask, take } = make([ofUsers(10), ofAll(100)]);
  const client = connect(1);
  take(client, 8);
  t.match(ask(client, 11, MINUTE).error, { refusal: { constraint: 'quota.user.bytes' } });
  t.match(ask(client, 4, MINUTE, 3).error, { refusal: { constraint: 'quota.user.bytes' } });
  t.match(ask(client, 4, 0).error, { code: 'limit_exceeded' });
  t.match(ask(client, 4, MAX_WAIT_MS + 1).error, {
    code: 'invalid_argument',
    refusal: { constraint: 'wait', possible: { max: MAX_WAIT_MS } },
  });
  quotas.configure('configuration', new Map([['user/default', { bytes: 1000 * PAGE }]]));
  // A tenth is for those below their share, and nobody's for long.
  t.match(ask(client, 91, MINUTE).error, { refusal: { constraint: 'quota.daemon.bytes' } });
  t.same(broker.waiting, []);
  t.equal(ask(client, 90, MINUTE).error, null);
  t.equal(broker.waiting.length, 1);
  t.match(ask(client, 100, MINUTE).error, { code: 'limit_exceeded' }, 'behind another, too');
});

t.test('users have turns, and of one user the first is first', async (t) => {
  const { broker, connect, ask, take, release, pass } = make([ofAll(100)]);
  const [alice, bob] = [connect(1), connect(2)];
  const held = [take(alice, 60), take(bob, 30)];
  const big = ask(alice, 40, MINUTE);
  const small = ask(alice, 1, MINUTE);
  const bobs = ask(bob, 20, MINUTE);
  t.same([big.places, small.places, bobs.places], [[1], [2], [2]]);
  pass(WAIT_TOLD_MS);
  t.same([big.places, small.places, bobs.places], [[1], [2, 3], [2]], 'each first before a second');
  t.equal(small.buffers, null, 'a small one waits behind a big one of its user');
  release(held[1] as BrokerBuffer);
  t.ok(bobs.buffers, 'what does not fit holds up nobody else');
  t.equal(big.buffers, null);
  t.same(
    broker.waiting.map(({ wanted }) => wanted.bytes),
    [40 * PAGE, PAGE],
  );
  release(held[0] as BrokerBuffer);
  t.ok(big.buffers);
  broker.poll();
  t.ok(small.buffers);
});

t.test('a demand that waits keeps those above their share out, and nobody else', async (t) => {
  const { broker, connect, ask, take, release } = make([ofAll(100)]);
  const [greedy, modest, third] = [connect(1), connect(2), connect(3)];
  const held = [take(greedy, 50), take(greedy, 40)];
  const waits = ask(modest, 40, MINUTE);
  t.match(waits.places, [1]);
  t.equal(broker.quotas.recalls.of(1).length, 1, 'and others are asked for it');
  broker.release(held[1] as BrokerBuffer, 'owner');
  t.match(ask(greedy, 20, undefined).error, { code: 'limit_exceeded' }, 'who had it gets it not');
  t.ok(ask(third, 5, undefined).buffers, 'who is below its share is served as ever');
  broker.poll();
  t.ok(waits.buffers);
  release(held[0] as BrokerBuffer);
  t.ok(ask(greedy, 30, undefined).buffers, 'nothing of it is left');
});

t.test(
  'memory that is not there is asked for again: after a release, and at intervals',
  async (t) => {
    const { world, broker, connect, ask, take, release, pass } = make([ofAll(100)]);
    const client = connect(1);
    const held = take(client, 4);
    world.immediate = false;
    const none = () => new BrokerError('out_of_memory', 'none left', { constraint: 'size' });
    const waits = ask(client, 8, MINUTE);
    world.refuse(none());
    t.same(waits.places, [1]);
    pass(WAIT_RETRY_MS - 1);
    t.equal(world.pending.length, 0);
    pass(1);
    t.equal(world.pending.length, 1, 'another process may have given some back');
    world.refuse(none());
    release(held);
    t.equal(world.pending.length, 0, 'not as often as something is released');
    pass(WAIT_PAUSE_MS);
    t.equal(world.pending.length, 1);
    const other = ask(client, 1, MINUTE);
    t.same(other.places, [2]);
    world.answer();
    t.ok(waits.buffers);
    broker.poll();
    world.answer();
    t.ok(other.buffers);
    const defect = ask(client, 1, MINUTE);
    world.refuse(new BrokerError('device_lost', 'gone'));
    t.match(defect.error, { code: 'device_lost' }, 'what does not pass is refused');
  },
);

t.test('several at once wait together', async (t) => {
  const { connect, ask, take, release } = make([ofUsers(10)]);
  const client = connect(1);
  const held = take(client, 6);
  const batch = ask(client, 2, MINUTE, 3);
  t.same(batch.places, [1]);
  release(held);
  t.equal(batch.buffers?.length, 3);
});

t.test('it ends with who wants it, and as many wait as may', async (t) => {
  const { world, broker, connect, ask, take, pass } = make([ofUsers(10)]);
  const [client, other] = [connect(1), connect(1)];
  take(other, 10);
  const given = ask(client, 1, MINUTE);
  given.giveUp(new BrokerError('not_found', 'its object was destroyed'));
  t.match(given.error, { code: 'not_found' });
  const many = Array.from({ length: MAX_PENDING_PER_CLIENT }, () => ask(client, 1, MINUTE));
  t.match(ask(client, 1, MINUTE).error, {
    code: 'limit_exceeded',
    refusal: { constraint: 'waiting allocations', possible: { max: MAX_PENDING_PER_CLIENT } },
  });
  t.ok(ask(other, 1, MINUTE).places);
  broker.disconnect(client);
  t.same(new Set(many.map(({ error }) => error?.code)), new Set(['not_found']));
  t.equal(broker.waiting.length, 1);
  world.immediate = false;
  const late = ask(other, 1, 10);
  pass(10);
  t.equal(late.error?.code, 'limit_exceeded', 'also behind another that waits on');
  t.equal(broker.waiting.length, 1);
  broker.close();
  t.same(broker.waiting, []);
  t.equal(world.open.size, 0);
});

t.test('a limit that is raised, and a rate that is over, are room too', async (t) => {
  const { quotas, connect, ask, take, pass, broker } = make([ofUsers(10)]);
  const client = connect(1);
  take(client, 10);
  const waits = ask(client, 5, MINUTE);
  quotas.configure('rest', new Map([['user/1', { bytes: 20 * PAGE }]]));
  t.equal(broker.wait, 0);
  broker.poll();
  t.ok(waits.buffers);
  quotas.configure('rest', new Map([['user/1', { allocationsPerSecond: 1, bytes: 99 * PAGE }]]));
  take(client, 1);
  const next = ask(client, 1, MINUTE);
  t.equal(next.error, null);
  pass(999);
  t.equal(next.buffers, null);
  pass(1);
  t.ok(next.buffers);
});
