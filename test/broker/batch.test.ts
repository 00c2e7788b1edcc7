/** Several equal buffers of one request: all or none, in memory, fds and charges, whatever fails and when. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { NO_POOL } from '../../src/broker/pool/limits.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import { checked } from '../../src/memory/check-spec.js';
import { BrokerError } from '../../src/memory/errors.js';
import { MAX_BATCH } from '../../src/memory/limits.js';
import type { Result } from '../../src/memory/result.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  const results: Result<readonly BrokerBuffer[]>[] = [];
  const ask = (count: number, changes: Partial<AllocationRequest> = {}) =>
    broker.allocateMany({ client, peer }, { ...request(changes), count }, (result) =>
      results.push(result),
    );
  const charged = () => broker.quotas.accounts.find('user', '1000')?.charge;
  /** Answers all that waits. */
  const answerAll = () => {
    while (world.pending.length > 0) world.answer();
  };
  const nothingLeft = () => ({
    open: world.open.size,
    buffers: [...broker.buffers].length,
    charge: broker.quotas.accounts.daemon.charge,
  });
  return { world, broker, client, results, ask, charged, answerAll, nothingLeft };
}
const NOTHING = {
  open: 0,
  buffers: 0,
  charge: { bytes: 0, buffers: 0, fds: 0, pending: 0 },
};
const codeOf = (result: Result<object> | undefined) =>
  result !== undefined && 'error' in result ? result.error.code : null;

t.test('all are charged before any is made, and answered when all are', async (t) => {
  const { world, broker, client, results, ask, charged } = make();
  ask(3, { name: 'ring' });
  t.same(charged(), { bytes: 3 * 4096, buffers: 3, fds: 3, pending: 3 });
  t.equal(world.pending.length, 3);
  world.answer(2);
  world.answer(0);
  t.same(results, []);
  t.same([...broker.buffers], [], 'none before all');
  world.answer();
  const [buffers] = results;
  if (buffers === undefined || 'error' in buffers) throw new Error('they were not allocated');
  t.equal(new Set(buffers.map(({ id }) => id)).size, 3);
  t.match(buffers, Array(3).fill({ name: 'ring', generation: 1, lifetime: 'connection' }));
  t.same([...client.owned], buffers);
  t.same(charged(), { bytes: 3 * 4096, buffers: 3, fds: 3, pending: 0 });
  t.equal(client.ownedBytes, 3 * 4096);
  broker.release(buffers[1] as BrokerBuffer, 'owner');
  world.pass(1000);
  broker.poll();
  t.same(charged(), { bytes: 2 * 4096, buffers: 2, fds: 2, pending: 0 }, 'each by itself');
  t.equal(world.events.filter(({ type }) => type === 'buffer.created').length, 3);
});

for (const [when, at] of [
  ['the first', 0],
  ['one in the middle', 2],
  ['the last', 4],
] as const) {
  t.test(`${when} cannot be made: the others are let go of, and it is told once`, async (t) => {
    const { world, results, ask, answerAll, nothingLeft } = make();
    ask(5);
    for (let i = 0; i < at; i++) world.answer();
    world.refuse(new BrokerError('out_of_memory', 'none left'));
    answerAll();
    t.equal(results.length, 1);
    t.equal(codeOf(results[0]), 'out_of_memory');
    t.same(nothingLeft(), NOTHING);
    t.equal(world.freed.size, 4);
    t.notOk(world.events.some(({ type }) => type === 'buffer.created'));
  });
}

t.test('a source that answers at once is not asked again after a refusal', async (t) => {
  const { world, results, ask, nothingLeft } = make();
  let asked = 0;
  const allocate = world.allocate.bind(world);
  world.allocate = (...what) => {
    allocate(...what);
    if (++asked === 3) world.refuse(new BrokerError('out_of_memory', 'none left'));
    else world.answer();
  };
  ask(10);
  t.equal(asked, 3);
  t.equal(codeOf(results[0]), 'out_of_memory');
  t.same(nothingLeft(), NOTHING);
});

t.test('one that takes more than was estimated, and there is no room for it', async (t) => {
  for (const over of [0, 1, 2]) {
    const { world, broker, results, ask, answerAll, nothingLeft } = make();
    broker.quotas.configure('rest', new Map([['user/1000', { bytes: 3 * 4096 + 100 }]]));
    ask(3);
    for (let i = 0; i < over; i++) world.answer();
    world.overhead = 4096;
    world.answer();
    world.overhead = 0;
    answerAll();
    t.equal(codeOf(results[0]), 'limit_exceeded');
    t.equal(results.length, 1);
    t.same(nothingLeft(), NOTHING);
    t.equal(world.freed.size, 3);
  }
});

t.test('what there is no room for says how many there is room for', async (t) => {
  const { world, broker, results, ask, nothingLeft } = make();
  broker.quotas.configure('rest', new Map([['user/1000', { bytes: 5 * 4096 + 1 }]]));
  ask(8);
  t.match(results, [
    {
      error: {
        code: 'limit_exceeded',
        message: /32768 more are not possible; 5 of the 8 buffers are$/,
        refusal: {
          constraint: 'quota.user.bytes',
          requested: 8 * 4096,
          possible: { max: 5 * 4096 + 1, count: 5 },
        },
      },
    },
  ]);
  t.equal(world.pending.length, 0, 'nothing was asked of a source');
  t.same(nothingLeft(), NOTHING);
  ask(5);
  t.equal(world.pending.length, 5);
});

t.test('a rate counts each of them, and more than it ever allows is said so', async (t) => {
  const { world, broker, results, ask, answerAll } = make();
  broker.quotas.configure('rest', new Map([['user/1000', { allocationsPerSecond: 4 }]]));
  ask(5);
  t.match(results.pop(), {
    error: { code: 'limit_exceeded', refusal: { requested: 5, possible: { max: 4, count: 4 } } },
  });
  ask(3);
  answerAll();
  t.equal(codeOf(results.pop()), null);
  ask(2);
  t.match(results.pop(), {
    error: { refusal: { requested: 2, possible: { after_seconds: 0.25, count: 1 } } },
  });
  world.pass(250);
  ask(2);
  answerAll();
  t.equal(codeOf(results.pop()), null);
});

t.test('a sum that no double tells is not said as another number', async (t) => {
  const { broker, results } = make();
  broker.quotas.configure('rest', new Map([['user/1000', { bytes: 4096 }]]));
  const spec = checked({ ...linear, size: Number.MAX_SAFE_INTEGER });
  broker.allocateMany({ client: null, peer }, { ...request({ spec }), count: 64 }, (result) =>
    results.push(result),
  );
  const [told] = results;
  if (told === undefined || !('error' in told)) throw new Error('it was not refused');
  t.match(told.error.message, /has 0: so many more are not possible; 0 of the 64 buffers are$/);
  t.notOk('requested' in told.error.refusal);
});

t.test('another number is refused, naming what is possible', async (t) => {
  const { results, ask, nothingLeft } = make();
  for (const count of [0, MAX_BATCH + 1]) {
    ask(count);
    t.match(results.pop(), {
      error: {
        code: 'invalid_argument',
        refusal: { constraint: 'count', requested: count, possible: { min: 1, max: MAX_BATCH } },
      },
    });
  }
  t.same(nothingLeft(), NOTHING);
});

t.test('a dry run is about all of them', async (t) => {
  const { broker, client, world } = make();
  broker.quotas.configure('rest', new Map([['user/1000', { bytes: 5 * 4096 }]]));
  const test = (count: number) => {
    let code: string | null = 'none';
    broker.test({ client, peer }, { ...request(), count }, (result) => {
      code = codeOf(result);
    });
    return code;
  };
  t.equal(test(5), null);
  t.equal(test(6), 'limit_exceeded');
  world.overhead = 1;
  t.equal(test(5), 'limit_exceeded', 'by what the source would make of them');
  t.equal(test(4), null);
});

t.test('the owner’s connection ends', async (t) => {
  await t.test('before the answer', async (t) => {
    const { world, broker, client, results, ask, answerAll, nothingLeft } = make();
    ask(3);
    world.answer();
    broker.disconnect(client);
    answerAll();
    t.same(results.map(codeOf), ['not_found']);
    world.pass(1000);
    broker.poll();
    t.same(nothingLeft(), NOTHING);
  });
  await t.test('while they are being kept', async (t) => {
    const { world, broker, client, results, ask, answerAll, nothingLeft } = make();
    world.keeping = [];
    ask(3);
    answerAll();
    for (const kept of world.keeping.splice(0, 2)) kept();
    t.same(results, [], 'all have to be');
    broker.disconnect(client);
    for (const kept of world.keeping.splice(0)) kept();
    t.same(results.map(codeOf), ['not_found']);
    world.pass(1000);
    broker.poll();
    t.same(nothingLeft(), NOTHING);
  });
});

t.test('one that is released while the others are being kept takes them along', async (t) => {
  const { world, broker, results, ask, answerAll, nothingLeft } = make();
  world.keeping = [];
  ask(3, { lifetime: 'until_released' });
  answerAll();
  broker.release([...broker.buffers][1] as BrokerBuffer, 'administrator');
  for (const kept of world.keeping.splice(0)) kept();
  t.same(results.map(codeOf), ['not_found']);
  world.pass(1000);
  broker.poll();
  t.same(nothingLeft(), NOTHING);
});

t.test('leases start for each', async (t) => {
  const { broker, results, ask, answerAll } = make();
  ask(2, { lifetime: { lease: 60 } });
  answerAll();
  const [buffers] = results;
  if (buffers === undefined || 'error' in buffers) throw new Error('they were not allocated');
  t.match(
    buffers.map((buffer) => broker.leases.of(buffer)?.endsIn),
    [60, 60],
  );
});

t.test('spares are taken first, and the rest is allocated', async (t) => {
  const { world, broker, results, ask, answerAll, nothingLeft } = make();
  broker.pool.configure({ ...NO_POOL, bytes: 2 ** 20, sparesPerSpec: 2, idleSeconds: 60 });
  ask(3);
  answerAll();
  for (let i = 0; i < 2; i++) {
    world.pass(10);
    broker.pool.run();
    world.answerSpare();
  }
  t.equal(broker.pool.spares, 2);
  const spares = world.open.size - 3;
  t.equal(spares, 2);
  ask(3);
  t.equal(world.pending.length, 1, 'two are there');
  t.equal(broker.pool.spares, 0);
  world.refuse(new BrokerError('out_of_memory', 'none left'));
  if (world.pending.length > 0) world.refuse(new BrokerError('out_of_memory', 'none left'));
  t.equal(codeOf(results[1]), 'out_of_memory');
  t.equal(world.open.size, 3, 'spares that were taken are let go of, too');
  for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
  world.pass(1000);
  broker.poll();
  t.same(nothingLeft(), NOTHING);
});

t.test('one of them is the spare that is being made', async (t) => {
  const { world, broker, results, ask, answerAll, nothingLeft } = make();
  broker.pool.configure({ ...NO_POOL, bytes: 2 ** 20, sparesPerSpec: 2, idleSeconds: 60 });
  for (const refused of [true, false]) {
    // Who is refused for lack of memory ends what the pool knows.
    ask(3);
    answerAll();
    world.pass(10);
    broker.pool.run();
    t.equal(world.preparing.length, 1);
    ask(3);
    t.equal(world.pending.length, 2);
    if (refused) world.refuse(new BrokerError('out_of_memory', 'none left'));
    world.answerSpare();
    answerAll();
  }
  t.equal(codeOf(results[1]), 'out_of_memory');
  t.match(results[3], { length: 3 });
  for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
  broker.drainPool(null);
  world.pass(1000);
  broker.poll();
  t.same(nothingLeft(), NOTHING);
});

t.test('the device is lost while others of them are made', async (t) => {
  for (const pooled of [false, true]) {
    const { world, broker, results, ask, answerAll, nothingLeft } = make();
    if (pooled) {
      broker.pool.configure({ ...NO_POOL, bytes: 2 ** 20, sparesPerSpec: 1, idleSeconds: 60 });
      ask(3);
      answerAll();
      world.pass(10);
      broker.pool.run();
    }
    ask(3);
    const first = pooled ? world.answerSpare() : world.answer();
    broker.deviceLost([first]);
    answerAll();
    t.equal(codeOf(results.at(-1)), 'device_lost', 'no buffer has what went with it');
    ask(3);
    broker.deviceLost([world.answer(2)]);
    world.refuse(new BrokerError('out_of_memory', 'none left'));
    answerAll();
    t.equal(codeOf(results.at(-1)), 'out_of_memory');
    for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
    broker.drainPool(null);
    world.pass(1000);
    broker.poll();
    t.same(nothingLeft(), NOTHING);
  }
});

t.test('one alone is as it was', async (t) => {
  const { results, ask, answerAll } = make();
  ask(1, { spec: { ...linear, size: 8192 } });
  answerAll();
  t.match(results, [[{ allocation: { size: 8192 } }]]);
});
