/** Heaps of Vulkan devices as accounts: charged with what is in them, limited and shared each by itself. */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../../src/broker/broker.js';
import type { BrokerBuffer } from '../../../src/broker/buffer.js';
import { heapAmounts, heapRules } from '../../../src/broker/quota/heaps.js';
import { Quotas } from '../../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../../src/broker/quota/rules.js';
import type { Result } from '../../../src/memory/result.js';
import type { HeapPart, Plan, SourceState } from '../../../src/memory/source.js';
import { FakeWorld, linear, offers, peer, request } from '../support/world.js';

const MAIN = 'a'.repeat(32);
const OTHER = 'b'.repeat(32);
const PAGE = 4096;
const vulkan: SourceState = {
  name: 'vulkan',
  handleType: 'dma_buf',
  usable: true,
  reason: 'for tests',
};

function make(rules: [RuleId, Rule][] = []) {
  const world = new FakeWorld();
  const quotas = new Quotas(world.clock, { defaults: new Map(rules), mainDevice: MAIN });
  const broker = new Broker(world, { sources: [vulkan], offers }, quotas);
  const clients = new Map([1, 2].map((uid) => [uid, broker.connect({ ...peer, uid })]));
  /** Asks for so many pages; the driver puts them into a heap. */
  const ask = (uid: number, pages: number, index: number, device = MAIN): Result<BrokerBuffer> => {
    const client = clients.get(uid) ?? null;
    const results: Result<BrokerBuffer>[] = [];
    const spec = { ...linear, size: pages * PAGE };
    const asked = request({ spec, handleTypes: ['dma_buf'] });
    broker.allocate({ client, peer: { ...peer, uid } }, asked, (result) => results.push(result));
    if (world.pending.length > 0) {
      world.answer(0, 1, { device, heaps: [{ index, bytes: pages * PAGE }] });
    }
    return results[0] as Result<BrokerBuffer>;
  };
  const take = (...what: Parameters<typeof ask>): BrokerBuffer => {
    const result = ask(...what);
    if ('error' in result) throw result.error;
    return result;
  };
  const charge = (key: string) => quotas.accounts.find('source', key)?.charge;
  return { world, quotas, broker, ask, take, charge };
}

t.test('their names: the main device needs no UUID', async (t) => {
  const parts: HeapPart[] = [
    { index: 0, bytes: 10 },
    { index: 1, bytes: 5 },
    { index: 0, bytes: 7 },
  ];
  const amounts = (device?: string) =>
    Object.fromEntries(heapAmounts({ ...(device && { device }), heaps: parts }, MAIN));
  t.strictSame(amounts(MAIN), {
    'vulkan:0': { bytes: 17, buffers: 1, fds: 2, pending: 0 },
    'vulkan:1': { bytes: 5, buffers: 1, fds: 1, pending: 0 },
  });
  t.same(Object.keys(amounts(OTHER)), [`vulkan:${OTHER}:0`, `vulkan:${OTHER}:1`]);
  t.same(amounts(), {}, 'memory of no device');
  t.same(Object.fromEntries(heapRules(OTHER, [8, 9], MAIN)), {
    [`source/vulkan:${OTHER}:0`]: { bytes: 8 },
    [`source/vulkan:${OTHER}:1`]: { bytes: 9 },
  });
});

t.test('each heap of each device is charged with what is in it', async (t) => {
  const { broker, take, charge } = make();
  const [first, second] = [take(1, 3, 0), take(1, 2, 1)];
  take(2, 5, 0, OTHER);
  t.match(charge('vulkan'), { bytes: 10 * PAGE, buffers: 3 });
  t.match(charge('vulkan:0'), { bytes: 3 * PAGE, buffers: 1, fds: 1, pending: 0 });
  t.match(charge('vulkan:1'), { bytes: 2 * PAGE, buffers: 1 });
  t.match(charge(`vulkan:${OTHER}:0`), { bytes: 5 * PAGE, buffers: 1 });
  broker.release(first, 'owner');
  t.equal(charge('vulkan:0'), undefined);
  broker.release(second, 'owner');
  t.match(charge('vulkan'), { bytes: 5 * PAGE, buffers: 1 });
});

t.test('a full heap: the memory goes back, and others have room', async (t) => {
  const { world, quotas, ask, take, charge } = make([['source/vulkan:0', { bytes: 4 * PAGE }]]);
  quotas.configure('rest', new Map([['daemon/default', { reserve: 0 }]]));
  take(1, 3, 0);
  const before = quotas.accounts.daemon.charge;
  t.match(ask(1, 2, 0), {
    error: {
      code: 'limit_exceeded',
      refusal: {
        constraint: 'quota.source.bytes',
        quota: { scope: 'source', key: 'vulkan:0', limit: 4 * PAGE, in_use: 3 * PAGE },
      },
    },
  });
  t.same(quotas.accounts.daemon.charge, before);
  t.match(charge('vulkan:0'), { bytes: 3 * PAGE, buffers: 1 });
  t.equal(world.open.size, 1);
  t.equal(world.freed.size, 1);
  take(1, 2, 1);
  take(1, 2, 0, OTHER);
  take(1, 1, 0);
});

t.test('a dry run says so, too', async (t) => {
  const { quotas, broker } = make([['source/vulkan:0', { bytes: PAGE }]]);
  const owner = { client: null, peer };
  const check = (bytes: number) => {
    const plan = { device: MAIN, memories: [bytes], heaps: [{ index: 0, bytes }] };
    quotas.rehearse(owner, 'vulkan', { bytes, fds: 1 }, 1, plan as unknown as Plan);
  };
  t.throws(() => check(2 * PAGE), { code: 'limit_exceeded' });
  t.doesNotThrow(() => check(PAGE / 2));
  t.equal(broker.quotas.accounts.find('source', 'vulkan:0'), undefined, 'nothing is charged');
});

t.test(
  'who is below its share of a heap has it recalled from those above, in that heap',
  async (t) => {
    const { quotas, broker, ask, take } = make([['source/vulkan:0', { bytes: 100 * PAGE }]]);
    const told: string[] = [];
    quotas.onRecall = ({ id }) => told.push(id);
    const [elsewhere, above] = [take(1, 500, 1), take(1, 90, 0)];
    take(2, 10, 0);
    t.match(ask(2, 10, 0), {
      error: { refusal: { possible: { recalling: true, after_seconds: 10 } } },
    });
    t.same(told, [above.id], `not ${elsewhere.id}`);
    broker.release(above, 'owner');
    t.match(ask(1, 81, 0), { error: { code: 'limit_exceeded' } }, 'it is kept for who asked');
    take(2, 10, 0);
    take(1, 70, 0);
  },
);

t.test(
  'a re-issued buffer may be in another heap, and its old memory is in the first',
  async (t) => {
    const { world, broker, take, charge } = make([['source/vulkan:1', { bytes: 2 * PAGE }]]);
    const buffer = take(1, 2, 0);
    const old = buffer.allocation;
    world.held.set(old.key, 'lingering');
    broker.deviceLost([old]);
    const again = (index: number): Result<BrokerBuffer> | undefined => {
      let result: Result<BrokerBuffer> | undefined;
      broker.reissue(buffer, (given) => {
        result = given;
      });
      world.answer(0, 1, { device: MAIN, heaps: [{ index, bytes: 2 * PAGE }] });
      return result;
    };
    const full = take(2, 1, 1);
    t.match(again(1), { error: { code: 'limit_exceeded' } });
    t.match(charge('vulkan:0'), { bytes: 2 * PAGE, buffers: 1 }, 'as before');
    broker.release(full, 'owner');
    broker.quotas.configure('rest', new Map([['daemon/default', { reserve: 0 }]]));
    t.equal(again(1), buffer);
    t.match([charge('vulkan:0'), charge('vulkan:1')], [{ buffers: 1 }, { buffers: 1 }]);
    world.held.clear();
    world.pass(10_000);
    broker.poll();
    t.equal(charge('vulkan:0'), undefined);
  },
);

t.test(
  'random schedules: each heap has what a recount finds, and never more than its limit',
  async (t) => {
    const step = fc.record({
      kind: fc.constantFrom('take', 'take', 'release' as const),
      uid: fc.constantFrom(1, 2),
      pages: fc.integer({ min: 1, max: 9 }),
      heap: fc.integer({ min: 0, max: 2 }),
      device: fc.constantFrom(MAIN, OTHER),
      pick: fc.nat(50),
    });
    const limit = 20 * PAGE;
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { broker, ask, charge } = make([
        ['source/vulkan:0', { bytes: limit }],
        [`source/vulkan:${OTHER}:1`, { bytes: limit }],
      ]);
      for (const { kind, uid, pages, heap, device, pick } of steps) {
        const all = [...broker.buffers];
        const buffer = all[pick % all.length];
        if (kind === 'take') ask(uid, pages, heap, device);
        else if (buffer !== undefined) broker.release(buffer, 'owner');
        const counted = new Map<string, number>();
        for (const { allocation } of broker.buffers) {
          for (const [key, { bytes }] of heapAmounts(allocation, MAIN)) {
            counted.set(key, (counted.get(key) ?? 0) + bytes);
          }
        }
        for (const key of [0, 1, 2].flatMap((each) => [
          `vulkan:${each}`,
          `vulkan:${OTHER}:${each}`,
        ])) {
          if ((charge(key)?.bytes ?? 0) !== (counted.get(key) ?? 0)) return false;
        }
        if ((counted.get('vulkan:0') ?? 0) > limit) return false;
        if ((counted.get(`vulkan:${OTHER}:1`) ?? 0) > limit) return false;
      }
      for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
      return [...broker.quotas.accounts].every((account) => account.empty);
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }));
  },
);
