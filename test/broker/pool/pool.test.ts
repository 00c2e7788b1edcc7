/** The pool: what becomes hot, what is given, what gives way, and that nothing is left. */
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import { NO_POOL, type PoolLimits } from '../../../src/broker/pool/limits.js';
import { Quotas } from '../../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../../src/broker/quota/rules.js';
import { BrokerError } from '../../../src/memory/errors.js';
import {
  MAX_POOL_CANDIDATES,
  MAX_POOL_SPECS,
  POOL_HOT_REQUESTS,
  POOL_REFILL_DELAY_MS,
  POOL_STALE_MS,
} from '../../../src/memory/limits.js';
import type { Result } from '../../../src/memory/result.js';
import type { MemorySpec } from '../../../src/memory/source.js';
import { FakeWorld, linear, memfd, offers, peer, request } from '../support/world.js';

const LIMITS: PoolLimits = { bytes: 1 << 20, deviceBytes: null, sparesPerSpec: 2, idleSeconds: 30 };
const PAGE = 4096;
const noMemory = new BrokerError('out_of_memory', 'no memory');

function make(limits: Partial<PoolLimits> = {}) {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  broker.pool.configure({ ...LIMITS, ...limits });
  const owner = { client: null, peer };
  /** Asks for memory; what the source is asked for is answered at once. */
  const ask = (spec: MemorySpec = linear): BrokerBuffer => {
    let buffer: BrokerBuffer | null = null;
    broker.allocate(owner, request({ spec, lifetime: 'until_released' }), (result) => {
      if ('error' in result) throw result.error;
      buffer = result;
    });
    if (world.pending.length > 0) world.answer();
    if (buffer === null) throw new Error('there is no answer');
    return buffer;
  };
  const askOften = (spec?: MemorySpec) =>
    Array.from({ length: POOL_HOT_REQUESTS }, () => ask(spec));
  /** Lets the data plane's turns go by until it wants nothing more. */
  const rest = () => {
    world.pass(POOL_REFILL_DELAY_MS);
    broker.poll();
    while (world.preparing.length > 0) {
      world.answerSpare();
      broker.poll();
    }
  };
  const limit = (rule: Rule, id: 'daemon/default' | 'source/memfd' = 'daemon/default') =>
    broker.setQuotas('rest', new Map([[id, rule]]), id);
  const release = (buffers: Iterable<BrokerBuffer>) => {
    for (const buffer of [...buffers]) broker.release(buffer, 'owner');
  };
  return { world, broker, pool: broker.pool, owner, ask, askOften, rest, limit, release };
}

const of = (size: number): MemorySpec => ({ ...linear, size });

t.test('what is asked for often is answered from the pool, with memory of its own', async (t) => {
  const { world, broker, pool, ask, askOften, rest } = make();
  const first = askOften();
  t.equal(pool.spares, 0, 'in the turn of the request nothing is made');
  t.equal(broker.wait, POOL_REFILL_DELAY_MS);
  rest();
  t.match(pool, { spares: 2, bytes: 2 * PAGE, hits: 0, misses: POOL_HOT_REQUESTS });
  const before = world.open.size;
  const [one, two] = [ask(), ask()];
  t.equal(world.open.size, before, 'no new memory');
  t.match(pool, { spares: 0, bytes: 0, hits: 2 });
  t.same(world.fromPool, ['memfd', 'memfd']);
  const all = [...first, one, two, ask()];
  t.equal(pool.misses, POOL_HOT_REQUESTS + 1, 'then there is none');
  for (const what of ['id', 'held'] as const) {
    t.equal(new Set(all.map((buffer) => buffer[what])).size, all.length);
  }
  t.equal(new Set(all.flatMap(({ held }) => held.fds)).size, all.length);
  const charge = { bytes: 6 * PAGE, buffers: 6, fds: 6, pending: 0 };
  t.same(broker.quotas.accounts.daemon.charge, charge, 'charged as others are');
  const created = world.events.filter(({ type }) => type === 'buffer.created');
  t.equal(created.length, all.length, 'and told');
  t.match(one.history.entries, [{ type: 'buffer.created', who: { uid: peer.uid } }]);
});

t.test('a spare has its id when it is made, and no other buffer gets it', async (t) => {
  const { world, pool, ask, askOften, rest } = make();
  askOften();
  rest();
  const [spec] = pool.specs;
  const ids = spec?.spares.map(({ id }) => id) ?? [];
  t.ok(ids.every((id) => pool.has(id)));
  t.same([ask().id, ask().id], ids);
  t.notOk(ids.some((id) => pool.has(id)));
  t.equal(world.pending.length, 0);
});

t.test('no spare is made while somebody waits, and one at a time', async (t) => {
  const { world, broker, pool, owner, askOften } = make();
  askOften();
  broker.allocate(owner, request({ spec: of(2 * PAGE) }), () => {});
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  t.equal(world.preparing.length, 0, 'FakeWorld would throw');
  t.equal(pool.wait, LIMITS.idleSeconds * 1000 - POOL_REFILL_DELAY_MS, 'nothing to look for');
  world.answer();
  t.equal(pool.wait, 0);
  broker.poll();
  broker.poll();
  t.equal(world.preparing.length, 1);
});

t.test('who asks while a spare is made gets that one', async (t) => {
  const setup = () => {
    const made = make();
    const { world, broker } = made;
    made.askOften();
    world.pass(POOL_REFILL_DELAY_MS);
    broker.poll();
    const answers: Result<BrokerBuffer>[] = [];
    const wish = (client: Client | null = null) => {
      const wanted = request({ lifetime: client === null ? 'until_released' : 'connection' });
      broker.allocate({ client, peer }, wanted, (result) => answers.push(result));
    };
    return { ...made, answers, wish, id: world.preparing[0]?.id };
  };
  t.test('the first of them, by its id; the next one allocates', async (t) => {
    const { world, broker, pool, answers, wish, id } = setup();
    wish();
    wish();
    t.equal(world.pending.length, 1);
    t.match(pool, { hits: 0, misses: POOL_HOT_REQUESTS + 1 });
    const key = world.answerSpare().key;
    t.match(answers, [{ id, allocation: { key } }]);
    t.match(pool, { hits: 1, spares: 0, specs: [{ hits: 1 }] });
    t.same(world.fromPool, ['memfd']);
    t.equal(broker.quotas.accounts.daemon.charge.buffers, POOL_HOT_REQUESTS + 2);
    world.answer();
    t.equal(answers.length, 2);
  });
  t.test('it cannot be made: they allocate', async (t) => {
    const { world, pool, answers, wish } = setup();
    wish();
    world.refuseSpare(noMemory);
    t.same([world.pending.length, pool.hits, answers.length], [1, 0, 0]);
    t.equal(pool.misses, POOL_HOT_REQUESTS + 1, 'it was not answered from the pool');
    world.answer();
    t.match(answers, [{ allocation: {} }]);
  });
  t.test('they have gone: it is freed', async (t) => {
    const { world, broker, pool, answers, wish } = setup();
    const client = broker.connect(peer);
    wish(client);
    broker.disconnect(client);
    const { key } = world.answerSpare();
    t.ok('error' in (answers[0] ?? {}));
    t.ok(world.freed.has(key));
    t.equal(pool.spares, 0);
  });
  t.test('there is to be no pool any more: it is theirs all the same', async (t) => {
    const { world, pool, answers, wish } = setup();
    wish();
    pool.configure(NO_POOL);
    const { key } = world.answerSpare();
    t.match(answers, [{ allocation: { key } }]);
    t.notOk(world.freed.has(key));
    t.equal(pool.bytes, 0);
  });
  t.test('memory is short: it is theirs, and no other is made', async (t) => {
    const { world, broker, answers, wish } = setup();
    wish();
    broker.pressure({ sources: null, seconds: 10 });
    world.answerSpare();
    t.equal(answers.length, 1);
    world.pass(POOL_REFILL_DELAY_MS);
    broker.poll();
    t.equal(world.preparing.length, 0);
  });
  t.test('who asks for something else', async (t) => {
    const { world, pool, broker } = setup();
    broker.allocate({ client: null, peer }, request({ spec: of(2 * PAGE) }), () => {});
    t.equal(world.pending.length, 1);
    world.answerSpare();
    t.equal(pool.spares, 1);
  });
});

t.test('seldom is not often', async (t) => {
  const { world, pool, ask } = make({ bytes: 1 << 30 });
  for (let i = 0; i < 10; i++) {
    ask();
    world.pass((LIMITS.idleSeconds * 1000) / (POOL_HOT_REQUESTS - 1));
  }
  t.same(pool.specs, []);
  // Requests that others come between are forgotten, so that counting them takes little.
  ask();
  for (let i = 2; i < 2 + MAX_POOL_CANDIDATES; i++) ask(of(i * PAGE));
  ask();
  ask();
  t.same(pool.specs, []);
});

t.test('a spec that nobody asks for is forgotten, with its spares', async (t) => {
  const { world, broker, pool, askOften, rest, release } = make();
  release(askOften());
  rest();
  world.pass(LIMITS.idleSeconds * 1000 - POOL_REFILL_DELAY_MS - 1);
  broker.poll();
  t.equal(pool.spares, 2);
  t.equal(broker.wait, 1);
  world.pass(1);
  broker.poll();
  t.match(pool, { spares: 0, bytes: 0, specs: [] });
  t.equal(broker.wait, -1);
  t.equal(world.open.size, 0);
  t.equal(world.freed.size, POOL_HOT_REQUESTS + 2);
});

t.test('never more bytes than configured; what nobody asked for lately gives way', async (t) => {
  const { world, broker, pool, ask, askOften, rest, release } = make({ bytes: 3 * PAGE });
  release(askOften());
  release(askOften(of(2 * PAGE)));
  rest();
  const held = () => pool.specs.map(({ bytes, spares }) => [bytes / PAGE, spares.length]);
  t.same(held(), [
    [2, 1],
    [1, 1],
  ]);
  release(askOften(of(4 * PAGE)));
  rest();
  t.equal(pool.specs.length, 2, 'what is larger than the pool is not for it');
  world.pass(POOL_STALE_MS);
  release([ask()]);
  rest();
  t.same(held(), [
    [1, 2],
    [2, 0],
  ]);
  t.equal(broker.pool.bytes, 2 * PAGE);
});

t.test('spares give way to what is charged, and to a limit that is set', async (t) => {
  const { pool, ask, askOften, rest, limit } = make();
  limit({ bytes: 10 * PAGE, reserve: 0 });
  askOften();
  rest();
  t.equal(pool.spares, 2);
  ask(of(6 * PAGE));
  t.equal(pool.spares, 1, 'nobody is refused for the sake of a spare');
  ask();
  rest();
  t.equal(pool.spares, 0, 'it was taken, and there is room for no other');
  limit({ bytes: 12 * PAGE, reserve: 0 });
  t.throws(() => ask(of(3 * PAGE)), { code: 'limit_exceeded' });
  ask(of(PAGE));
  rest();
  t.equal(pool.spares, 1);
  limit({ bytes: 11 * PAGE, reserve: 0 });
  t.equal(pool.spares, 0);
});

t.test('the same for file descriptors, and for a source', async (t) => {
  const { pool, ask, askOften, rest, limit } = make();
  limit({ fds: 5, reserve: 0 });
  askOften();
  rest();
  t.equal(pool.spares, 2);
  ask(of(2 * PAGE));
  t.equal(pool.spares, 1);
  limit({ bytes: 6 * PAGE }, 'source/memfd');
  t.equal(pool.spares, 1);
  limit({ bytes: 5 * PAGE }, 'source/memfd');
  t.equal(pool.spares, 0);
  rest();
  t.equal(pool.spares, 0);
});

t.test('the same for a heap of a device, which is known when there was a spare', async (t) => {
  const device = 'a'.repeat(32);
  const vulkan = { ...memfd, name: 'vulkan', handleType: 'dma_buf' } as const;
  const world = new FakeWorld();
  const quotas = new Quotas(world.clock, { mainDevice: device });
  const broker = new Broker(world, { sources: [vulkan], offers }, quotas);
  broker.pool.configure(LIMITS);
  const limit = (bytes: number, heap: number) =>
    broker.setQuotas(
      'rest',
      new Map<RuleId, Rule>([[`source/vulkan:${heap}`, { bytes }]]),
      'daemon/default',
    );
  const where = { device, heaps: [{ index: 1, bytes: PAGE }] };
  for (let i = 0; i < POOL_HOT_REQUESTS; i++) {
    broker.allocate({ client: null, peer }, request({ handleTypes: ['dma_buf'] }), () => {});
    world.answer(0, 1, where);
  }
  world.pass(POOL_REFILL_DELAY_MS);
  for (broker.poll(); world.preparing.length > 0; broker.poll()) world.answerSpare(1, where);
  t.equal(broker.pool.spares, 2);
  limit(PAGE, 0);
  t.equal(broker.pool.spares, 2, 'they are in another heap');
  // A tenth of it is kept in reserve.
  limit((POOL_HOT_REQUESTS + 1.5) * PAGE, 1);
  t.equal(broker.pool.spares, 1);
  broker.allocate({ client: null, peer }, request({ handleTypes: ['dma_buf'] }), () => {});
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  t.same([broker.pool.hits, world.preparing.length], [1, 0], 'there is no room for another');
});

t.test("a device's own memory has a limit of its own", async (t) => {
  const device = 'a'.repeat(32);
  const gpu = { uuid: device, name: 'GPU', table: { sources: [], offers: [] }, problem: null };
  /** Asks for memory of that size until its spares are made. Returns how many there are. */
  const warm = (
    limits: Partial<PoolLimits>,
    { ownBytes = 2 ** 40, size = 2 * LIMITS.bytes, own = true } = {},
  ) => {
    const world = new FakeWorld();
    const devices = [{ ...gpu, ownBytes }];
    const quotas = new Quotas(world.clock, { defaults: new Map() });
    const broker = new Broker(world, { sources: [memfd], offers, devices }, quotas);
    broker.pool.configure({ ...LIMITS, ...limits });
    const where = { device, placement: [own ? 'device_local' : 'host_visible'] };
    for (let i = 0; i < POOL_HOT_REQUESTS; i++) {
      broker.allocate({ client: null, peer }, request({ spec: of(size) }), () => {});
      world.answer(0, 1, where);
    }
    world.pass(POOL_REFILL_DELAY_MS);
    for (broker.poll(); world.preparing.length > 0; broker.poll()) world.answerSpare(1, where);
    return broker.pool;
  };
  const [machine, theGpu] = warm({}).homes;
  t.same(machine, { home: null, limit: LIMITS.bytes, bytes: 0 });
  t.same(theGpu, { home: device, limit: 2 ** 34, bytes: 4 * LIMITS.bytes });
  t.equal(warm({}, { size: 2 ** 33 }).spares, 2, 'two of half a 64th each');
  t.equal(warm({}, { size: 2 ** 33 + 1 }).spares, 1);
  t.equal(warm({}, { size: 2 ** 34 + 1 }).spares, 0);
  t.equal(warm({}, { ownBytes: 2 ** 30 }).homes[1]?.limit, 2 ** 28, 'of a small one a quarter');
  t.equal(warm({}, { ownBytes: 0 }).spares, 0, 'what is part of the processor has none of its own');
  t.equal(warm({}, { own: false }).spares, 0, "nor is all of a device's memory its own");
  t.equal(warm({}, { own: false, size: LIMITS.bytes }).spares, 1);
  t.equal(warm({ deviceBytes: 2 * LIMITS.bytes }).spares, 1, 'as configured');
  t.equal(warm({ deviceBytes: 0 }).spares, 0);
  t.equal(warm({ bytes: 0 }).spares, 0, 'no pool is no pool');
  t.equal(warm({ bytes: 0, deviceBytes: 2 ** 34 }).spares, 2, 'unless somebody says so');
  const pool = warm({});
  pool.configure({ ...LIMITS, deviceBytes: 0 });
  t.same([pool.spares, pool.bytes, pool.homes[1]?.bytes], [0, 0, 0]);
});

t.test('where there is no memory, spares go before anybody is refused', async (t) => {
  const { world, broker, pool, owner, askOften, rest } = make();
  askOften();
  rest();
  const answers: string[] = [];
  const askLarge = () =>
    broker.allocate(owner, request({ spec: of(64 * PAGE) }), (result) =>
      answers.push('error' in result ? result.error.code : 'ok'),
    );
  askLarge();
  world.refuse(noMemory);
  t.equal(pool.spares, 0);
  t.same(answers, []);
  world.answer();
  t.same(answers, ['ok']);
  askLarge();
  world.refuse(noMemory);
  t.same(answers, ['ok', 'out_of_memory'], 'without spares there is no second time');
  t.equal(world.pending.length, 0);
});

t.test('who lacks more than all spares take does not end them', async (t) => {
  const { world, pool, owner, broker, askOften, rest } = make();
  askOften();
  rest();
  const answers: string[] = [];
  const refuse = (requested: number, max: number, heap?: { budget: number; usage: number }) => {
    broker.allocate(owner, request({ spec: of(64 * PAGE) }), (result) =>
      answers.push('error' in result ? result.error.code : 'ok'),
    );
    const constraint = heap === undefined ? 'size' : 'heap_budget';
    const refusal = { constraint, requested, possible: { max, ...heap } } as const;
    world.refuse(new BrokerError('out_of_memory', 'no memory', refusal));
  };
  refuse(64 * PAGE, 62 * PAGE - 1);
  refuse(64 * PAGE, 0, { budget: 90 * PAGE, usage: 28 * PAGE + 1 });
  t.same([answers, pool.spares], [['out_of_memory', 'out_of_memory'], 2]);
  t.ok(pool.specs.length > 0, 'and what they are for is known');
  refuse(64 * PAGE, 62 * PAGE);
  t.equal(pool.spares, 0);
  world.answer();
  t.same(answers.splice(0), ['out_of_memory', 'out_of_memory', 'ok']);
  askOften();
  rest();
  refuse(64 * PAGE, PAGE, { budget: 90 * PAGE, usage: 28 * PAGE });
  world.answer();
  t.same([answers, pool.spares], [['ok'], 0], 'a heap has more than its driver promises');
});

t.test('a spare that cannot be made is not tried again until it is asked for often', async (t) => {
  const { world, broker, pool, ask, askOften } = make();
  askOften();
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  world.refuseSpare(noMemory);
  broker.poll();
  t.same([world.preparing.length, pool.specs.length], [0, 0]);
  ask();
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  t.equal(world.preparing.length, 0);
});

t.test(
  'under pressure there are no spares, and buffers are recalled only after them',
  async (t) => {
    const { broker, pool, ask, askOften, rest } = make();
    askOften();
    rest();
    t.equal(broker.pressure({ sources: ['vulkan'], seconds: 10 }), 0);
    t.equal(pool.spares, 2, "other sources' memory is short");
    broker.relieved(['vulkan']);
    t.equal(broker.pressure({ sources: null, seconds: 10 }), 0);
    t.equal(pool.spares, 0);
    ask();
    rest();
    t.equal(pool.spares, 0, 'none is made while memory is short');
    t.ok(broker.pressure({ sources: null, seconds: 10 }) > 0);
    broker.relieved(null);
    ask();
    rest();
    t.equal(pool.spares, 2);
  },
);

t.test('spares go with their device', async (t) => {
  const { world, broker, pool, ask, askOften, rest } = make();
  const [buffer] = askOften();
  rest();
  const [kept, lost] = pool.specs[0]?.spares ?? [];
  if (!buffer || !kept || !lost) throw new Error('there are no two spares');
  t.equal(broker.deviceLost([buffer.allocation, lost.allocation]), 1);
  t.equal(pool.spares, 1);
  t.ok(world.freed.has(lost.allocation.key));
  t.equal(ask().allocation.key, kept.allocation.key);
});

t.test(
  'drained: everything is freed, what is being made too, and told with who it was',
  async (t) => {
    const { world, broker, pool, owner, ask, askOften, rest, release } = make();
    release(askOften());
    rest();
    release([ask()]);
    world.pass(POOL_REFILL_DELAY_MS);
    broker.poll();
    t.equal(world.preparing.length, 1);
    t.same(broker.drainPool(owner), { spares: 1, bytes: PAGE });
    t.match(world.events.at(-1), { type: 'pool.drained', spares: 1, bytes: PAGE, by: owner });
    world.answerSpare();
    t.match(pool, { spares: 0, bytes: 0, specs: [] });
    t.equal(world.open.size, 0);
    release([ask(), ask()]);
    rest();
    t.equal(pool.spares, 0, 'what it was for is forgotten');
    t.same(broker.drainPool(null), { spares: 0, bytes: 0 });
  },
);

t.test('a spare larger than expected is not kept where it does not fit', async (t) => {
  const { world, broker, pool, ask, askOften, rest, limit, release } = make();
  release(askOften());
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  limit({ bytes: PAGE - 1 });
  world.answerSpare();
  t.equal(pool.spares, 0);
  t.equal(world.open.size, 0);
  limit({});
  release([ask()]);
  rest();
  t.equal(pool.spares, 2);
});

t.test('other limits begin with nothing; without bytes there is no pool', async (t) => {
  const { world, pool, ask, askOften, rest, release } = make();
  release(askOften());
  rest();
  pool.configure({ ...LIMITS, sparesPerSpec: 1 });
  t.equal(pool.spares, 0);
  release(askOften());
  rest();
  t.equal(pool.spares, 1);
  pool.configure(NO_POOL);
  const { misses } = pool;
  release([...askOften(), ask()]);
  rest();
  t.match(pool, { spares: 0, misses, specs: [] });
  t.equal(world.open.size, 0);
});

t.test('so many specs, not more', async (t) => {
  const { pool, askOften, rest, release } = make({ bytes: Number.MAX_SAFE_INTEGER });
  for (let i = 1; i <= MAX_POOL_SPECS + 1; i++) release(askOften(of(i * PAGE)));
  rest();
  t.equal(pool.specs.length, MAX_POOL_SPECS);
  t.equal(pool.spares, MAX_POOL_SPECS * LIMITS.sparesPerSpec);
  t.notOk(
    pool.specs.some(({ bytes }) => bytes === PAGE),
    'the one unasked for longest went',
  );
});

t.test('the daemon ends: nothing is left', async (t) => {
  const { world, broker, ask, askOften, rest } = make();
  askOften();
  rest();
  ask();
  world.pass(POOL_REFILL_DELAY_MS);
  broker.poll();
  broker.close();
  world.answerSpare();
  t.equal(world.open.size, 0);
  t.equal(world.freed.size, POOL_HOT_REQUESTS + 3);
});
