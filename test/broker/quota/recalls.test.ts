/** Recalls: whom the broker asks for memory, in which order, and what comes of not giving it back. */
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import { Quotas } from '../../../src/broker/quota/quotas.js';
import { IDLE_SECONDS } from '../../../src/broker/quota/recalls.js';
import type { Rule, RuleId } from '../../../src/broker/quota/rules.js';
import type { Result } from '../../../src/memory/result.js';
import { FakeWorld, linear, memfd, offers, peer, request } from '../support/world.js';

const PAGE = 4096;

function make(rules: [RuleId, Rule][]) {
  const world = new FakeWorld();
  const quotas = new Quotas(world.clock, { defaults: new Map(rules) });
  const broker = new Broker(world, { sources: [memfd], offers }, quotas);
  const told: [string, string, number][] = [];
  const connect = (uid: number, cgroup: string | null = null) =>
    broker.connect({ ...peer, uid, cgroup });
  /** Asks for so many pages; the source gives them. */
  const ask = (client: Client, pages: number, name = ''): Result<BrokerBuffer> => {
    let answer: Result<BrokerBuffer> | undefined;
    const spec = { ...linear, size: pages * PAGE };
    broker.allocate({ client, peer: client.peer }, request({ spec, name }), (result) => {
      answer = result;
    });
    if (world.pending.length > 0) world.answer();
    if (answer === undefined) throw new Error('there was no answer');
    if (!('error' in answer)) {
      answer.watchers.add({
        released: () => {},
        recalled: (reason, seconds) => told.push([name, reason, seconds]),
      });
    }
    return answer;
  };
  const take = (client: Client, pages: number, name = ''): BrokerBuffer => {
    const answer = ask(client, pages, name);
    if ('error' in answer) throw answer.error;
    return answer;
  };
  const refuse = (client: Client, pages: number) => {
    const answer = ask(client, pages);
    if (!('error' in answer)) throw new Error('it was not refused');
    const { code, refusal } = answer.error;
    return { code, refusal };
  };
  const heard = () => told.splice(0);
  return { world, quotas, broker, connect, take, refuse, heard };
}

const hundred: [RuleId, Rule] = ['daemon/default', { bytes: 100 * PAGE }];

t.test('who is below its share gets what others hold above theirs', async (t) => {
  const { world, quotas, broker, connect, take, refuse, heard } = make([hundred]);
  const [greedy, modest] = [connect(1), connect(2)];
  const first = take(greedy, 50, 'first');
  take(greedy, 40, 'second');
  t.match(refuse(greedy, 1), { code: 'limit_exceeded' }, 'the reserve is not for it');
  t.same(heard(), [], 'and it has nobody recalled');
  take(modest, 10, 'reserve');

  const refusal = refuse(modest, 10);
  t.match(refusal, {
    code: 'limit_exceeded',
    refusal: {
      constraint: 'quota.daemon.bytes',
      possible: { max: 0, recalling: true, after_seconds: 10 },
    },
  });
  t.same(heard(), [['first', 'share', 10]]);
  world.pass(4000);
  t.match(refuse(modest, 10), { refusal: { possible: { after_seconds: 6 } } });
  t.same(heard(), [], 'what is on its way is not asked for twice');

  broker.release(first, 'owner');
  t.match(refuse(greedy, 45), { code: 'limit_exceeded' }, 'it is not to take it again at once');
  take(modest, 10);
  take(greedy, 1);
  t.same(quotas.recalls.of(1), []);
});

t.test('what is not given back counts against its user, on every connection', async (t) => {
  const { world, broker, connect, take, refuse, heard } = make([hundred]);
  const [greedy, modest] = [connect(1), connect(2)];
  const [big, small] = [take(greedy, 70, 'big'), take(greedy, 20, 'small')];
  take(modest, 10);
  refuse(modest, 30);
  t.same(heard(), [['big', 'share', 10]]);
  world.pass(10_000);
  t.same(refuse(greedy, 1), {
    code: 'recalled',
    refusal: {
      constraint: 'recalled',
      requested: 1,
      possible: { release: [big.id] },
      nearest: null,
    },
  });
  t.match(refuse(connect(1), 1), { code: 'recalled' }, 'another connection changes nothing');
  broker.release(small, 'owner');
  t.match(refuse(greedy, 1), { code: 'recalled' }, 'less than was asked for');
  refuse(modest, 60);
  broker.release(big, 'owner');
  take(greedy, 1);
});

t.test('as much of other buffers does as well', async (t) => {
  const { world, broker, connect, take, refuse, heard } = make([hundred]);
  const [greedy, modest] = [connect(1), connect(2)];
  take(greedy, 40, 'asked');
  const other = take(greedy, 50, 'other');
  take(modest, 10);
  refuse(modest, 10);
  t.same(heard(), [['asked', 'share', 10]]);
  broker.release(other, 'owner');
  world.pass(20_000);
  take(greedy, 1);
  t.same(heard(), [['asked', 'withdrawn', 0]]);
});

t.test('the order: idle, then priority, then the largest overshoot, then the oldest', async (t) => {
  const { world, broker, connect, take, refuse, heard } = make([
    hundred,
    ['user/3', { priority: 5 }],
    ['cgroup//background', { priority: -5 }],
  ]);
  const important = connect(3);
  const background = connect(1, '/background/job');
  const client = connect(1);
  take(important, 20, 'idle, important');
  const used = take(client, 10, 'used');
  world.pass(IDLE_SECONDS * 1000);
  broker.sharing.handedOut(used, client);
  take(important, 10, 'important');
  world.pass(1);
  take(client, 10, 'plain');
  take(client, 10, 'plain, later');
  take(background, 20, 'background');
  const modest = connect(2);
  take(modest, 10);
  take(modest, 10);
  // 50 of user 1 and 30 of user 3 are there, and a third of 90 for each.
  refuse(modest, 10);
  t.same(heard(), [['background', 'share', 10]]);
  broker.pressure({ sources: null, seconds: 5 });
  t.same(heard(), [['idle, important', 'memory_pressure', 5]]);
});

t.test('memory pressure recalls a part, again when that is over, and withdraws', async (t) => {
  const { world, broker, connect, take, refuse, heard } = make([]);
  const client = connect(1);
  const buffers = Array.from({ length: 20 }, (_, i) => take(client, 1, `${i}`));
  const pressure = { sources: ['memfd'], seconds: 10 };
  t.equal(broker.pressure({ ...pressure, sources: ['vulkan'] }), 0, 'not of this source');
  t.equal(broker.pressure(pressure), 2);
  t.equal(broker.pressure(pressure), 0, 'not while it is waited for');
  t.same(
    heard().map(([name]) => name),
    ['0', '1'],
    'the oldest',
  );
  broker.release(buffers[0] as BrokerBuffer, 'owner');
  world.pass(10_000);
  t.match(refuse(client, 1), { code: 'recalled', refusal: { requested: 1 } });
  t.equal(broker.pressure(pressure), 2);
  heard();
  broker.relieved(['memfd']);
  t.same(
    heard().map(([name, reason]) => [name, reason]),
    [
      ['1', 'withdrawn'],
      ['2', 'withdrawn'],
      ['3', 'withdrawn'],
    ],
  );
  take(client, 1);
});

t.test('a container answers for its owner', async (t) => {
  const world = new FakeWorld();
  const defaults = new Map<RuleId, Rule>([['user/default', { buffers: 2 }]]);
  const accountable = (uid: number) => (uid >= 100_000 ? 1000 : uid);
  const quotas = new Quotas(world.clock, { defaults, accountable });
  const broker = new Broker(world, { sources: [memfd], offers }, quotas);
  const codes: string[] = [];
  for (const uid of [1000, 100_000, 165_535]) {
    const client = broker.connect({ ...peer, uid });
    broker.allocate({ client, peer: client.peer }, request(), (result) =>
      codes.push('error' in result ? (result.error.refusal.constraint ?? '') : 'ok'),
    );
    if (world.pending.length > 0) world.answer();
  }
  t.same(codes, ['ok', 'ok', 'quota.user.buffers']);
});

t.test('what an allocation really takes is charged, or refused', async (t) => {
  const { world, broker, connect, quotas } = make([['user/default', { fds: 2 }]]);
  const client = connect(1);
  const results: Result<BrokerBuffer>[] = [];
  const ask = () =>
    broker.allocate({ client, peer: client.peer }, request(), (r) => results.push(r));
  ask();
  world.answer(0, 3);
  t.match(results, [{ error: { refusal: { constraint: 'quota.user.fds' } } }]);
  t.equal(world.open.size, 0);
  t.equal(world.freed.size, 1);
  t.ok(quotas.accounts.daemon.empty);
  ask();
  world.answer(0, 2);
  t.match(quotas.accounts.daemon.charge, { bytes: PAGE, buffers: 1, fds: 2, pending: 0 });
});

t.test('what cannot be had back is not counted on', async (t) => {
  await t.test('released and still held', async (t) => {
    const { world, broker, connect, take, refuse, heard } = make([hundred]);
    const [greedy, modest] = [connect(1), connect(2)];
    const held = take(greedy, 60, 'held');
    const live = take(greedy, 30, 'live');
    world.held.set(held.allocation.key, 'lingering');
    broker.release(held, 'owner');
    take(modest, 10);
    t.match(refuse(modest, 35), {
      code: 'limit_exceeded',
      refusal: {
        possible: { max: 0, recalling: false, recallable: 30 * PAGE },
        quota: { scope: 'daemon', in_use: 100 * PAGE, lingering: 60 * PAGE },
      },
    });
    t.same(heard(), [], 'nobody is asked for what would not be enough');
    t.match(refuse(modest, 30).refusal, { possible: { recalling: true, after_seconds: 10 } });
    t.same(heard(), [['live', 'share', 10]]);
    broker.release(live, 'owner');
    take(modest, 30);

    t.match(
      refuse(modest, 5).refusal,
      { possible: { recallable: 0 } },
      'nothing is left to recall',
    );
    world.held.clear();
    world.pass(10_000);
    broker.poll();
    take(modest, 5);
  });

  await t.test('not answered yet', async (t) => {
    const { world, broker, connect } = make([hundred]);
    const [greedy, modest] = [connect(1), connect(2)];
    const ask = (client: Client, pages: number) => {
      const results: Result<BrokerBuffer>[] = [];
      const spec = { ...linear, size: pages * PAGE };
      const owner = { client, peer: client.peer };
      broker.allocate(owner, request({ spec }), (result) => results.push(result));
      return results;
    };
    const given = ask(greedy, 90);
    t.match(ask(modest, 15), [
      { error: { refusal: { possible: { recallable: 0 }, quota: { lingering: 0 } } } },
    ]);
    world.answer();
    t.match(given, [{ state: 'live' }]);
    t.match(ask(modest, 15), [{ error: { refusal: { possible: { recalling: true } } } }]);
  });
});

t.test('a refusal tells how much of what is in use was released', async (t) => {
  const { world, broker, connect, take, refuse } = make([['user/1', { bytes: 5 * PAGE }]]);
  const client = connect(1);
  take(client, 2);
  const held = take(client, 3);
  world.held.set(held.allocation.key, 'unknown');
  broker.sharing.handedOut(held, connect(2));
  broker.release(held, 'owner');
  t.match(refuse(client, 1).refusal, {
    constraint: 'quota.user.bytes',
    quota: { in_use: 5 * PAGE, lingering: 3 * PAGE },
  });
});

t.test('a buffer that nobody’s connection owns, recalled and overdue', async (t) => {
  const { world, broker, connect, take, heard } = make([]);
  const [client, gone] = [connect(1), connect(1)];
  const owner = (rest: boolean) => ({ client: rest ? null : client, peer: client.peer });
  const code = (rest: boolean) => {
    const codes: (string | null)[] = [];
    broker.allocate(owner(rest), request({ lifetime: 'until_released' }), (result) =>
      codes.push('error' in result ? result.error.code : null),
    );
    if (world.pending.length > 0) world.answer();
    return codes[0];
  };
  t.equal(code(true), null);
  const [made] = broker.buffers;
  if (made === undefined) throw new Error('nothing was allocated');
  let left: BrokerBuffer | undefined;
  broker.allocate(
    { client: gone, peer: gone.peer },
    request({ lifetime: 'until_released' }),
    (result) => {
      if (!('error' in result)) left = result;
    },
  );
  world.answer();
  broker.disconnect(gone);

  for (const buffer of [made, left]) {
    if (buffer === undefined) throw new Error('nothing was allocated');
    broker.quotas.recalls.forAdministrator(buffer, 10);
    const told = world.events.filter((event) => event.type === 'buffer.recalled');
    t.equal(told.at(-1)?.buffer, buffer, 'REST is told by an event');
    world.pass(10_000);
    t.equal(code(false), null, 'a client was not asked, and cannot release it');
    t.equal(code(true), 'recalled', 'who asks over REST could have');
    broker.release(buffer, 'owner');
    t.equal(code(true), null);
  }

  const own = take(client, 1, 'own');
  broker.quotas.recalls.forAdministrator(own, 10);
  t.same(heard(), [['own', 'administrator', 10]]);
  world.pass(10_000);
  t.equal(code(false), 'recalled');
  t.equal(code(true), 'recalled', 'its user may release it over REST');
});
