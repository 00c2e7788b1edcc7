/** Memory for scanout, where displays may be asked: which source it becomes, what is kept of their answers, what is said. */
import t, { type Test } from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { allOf } from '../../src/broker/displays.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import { BrokerError } from '../../src/memory/errors.js';
import { MOD_LINEAR } from '../../src/memory/fourcc.js';
import type { Result } from '../../src/memory/result.js';
import type { CardScanout, Scanout } from '../../src/memory/scanout.js';
import type { MemorySpec, Plan, SourceState } from '../../src/memory/source.js';
import { Usage } from '../../src/memory/source.js';
import { FakeWorld, image, linear, memfd, peer, request } from './support/world.js';

const names = ['vulkan', 'dma-heap:system', 'udmabuf'] as const;
const sources: SourceState[] = names.map((name) => ({
  ...{ name, handleType: 'dma_buf', usable: true, reason: '' },
}));
const offers = names.map((source) => ({
  ...{ format: image.format, modifier: MOD_LINEAR, planes: 1, source },
  ...({ handleType: 'dma_buf', made: 'layout' } as const),
}));

const takes: Scanout = { state: 'verified', reason: 'card0 takes it' };
const refuses: Scanout = { state: 'refused', reason: 'card0 refuses it: EINVAL' };
const cannot: Scanout = { state: 'unverified', reason: 'another program shows' };

/** A broker that may ask, unless it is said otherwise. */
function bench(rules: [RuleId, Rule][] = []) {
  const world = new FakeWorld();
  world.immediate = true;
  const quotas = new Quotas(world.clock, { defaults: new Map(rules) });
  const broker = new Broker(world, { sources: [...sources, memfd], offers }, quotas);
  broker.displays.areAsked = true;
  const owner = { client: broker.connect(peer), peer };
  const wanted = (spec: Partial<MemorySpec> = {}, more: Partial<AllocationRequest> = {}) =>
    request({
      spec: { ...image, usage: Usage.scanout, ...spec } as MemorySpec,
      handleTypes: ['dma_buf'],
      ...more,
    });
  const ask = (spec: Partial<MemorySpec> = {}, more: Partial<AllocationRequest> = {}) => {
    const answers: Result<BrokerBuffer>[] = [];
    broker.allocate(owner, wanted(spec, more), (result) => answers.push(result));
    return answers;
  };
  const plan = (): Plan => {
    const plans: Plan[] = [];
    broker.test(owner, wanted(), (result) => plans.push(result as Plan));
    return plans[0] as Plan;
  };
  const say = (scanout: Scanout) => {
    const { done, pictures } = world.shown.shift() ?? {};
    done?.(scanout);
    return pictures;
  };
  const nothingIsLeft = (t: Test) => {
    for (const buffer of [...broker.buffers]) broker.release(buffer, 'owner');
    broker.poll();
    t.equal(world.open.size, 0, 'no fd');
    t.equal(quotas.accounts.find('user', '1000')?.charge.bytes ?? 0, 0, 'no charge');
  };
  return { world, broker, owner, ask, plan, say, nothingIsLeft };
}

t.test('a display takes it: that very memory', async (t) => {
  const { world, broker, ask, plan, say, nothingIsLeft } = bench();
  t.match(plan(), { source: 'vulkan', scanout: { state: 'unverified', reason: /was shown none/ } });
  const answers = ask();
  t.same(answers, [], 'not before it has answered');
  const { width, height, format } = image;
  t.match(say(takes), [{ width, height, format, modifier: MOD_LINEAR, planes: [{ stride: 64 }] }]);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: takes } }]);
  t.notOk((answers[0] as BrokerBuffer).allocation.fellBack);
  t.same(plan().scanout, takes, 'a dry run hears of it');
  ask();
  t.equal(world.shown.length, 1, 'another memory is shown itself');
  say(takes);
  broker.displays.areAsked = true;
  t.equal(plan().scanout?.state, 'unverified', 'forgotten with the setting');
  nothingIsLeft(t);
});

t.test('who is not shown to a display', async (t) => {
  const { world, broker, ask, plan } = bench();
  t.match(ask({ usage: Usage.render }), [{ allocation: {} }]);
  t.match(ask({ ...linear, usage: Usage.scanout }), [{ allocation: {} }], 'no image');
  broker.displays.areAsked = false;
  t.match(ask(), [{ allocation: { source: 'vulkan' } }]);
  t.notOk(plan().scanout);
  t.same(world.shown, []);
});

t.test('the next source is taken where it refuses one, and the buffer says so', async (t) => {
  const { world, ask, plan, say, nothingIsLeft } = bench();
  const answers = ask();
  say(refuses);
  t.equal(world.open.size, 1, 'what was refused is gone');
  say(takes);
  const why = { reason: 'display_refused', source: 'vulkan', message: refuses.reason };
  const there = { allocation: { source: 'dma-heap:system', scanout: takes, fellBack: why } };
  t.match(answers, [there]);
  const later = ask();
  t.equal(world.shown.length, 1);
  say(takes);
  t.match(later, [there], 'at once the next time');
  t.match(plan(), { source: 'dma-heap:system', scanout: takes });
  const other = ask({ width: image.width / 2 });
  say(takes);
  t.match(other, [{ allocation: { source: 'vulkan' } }], 'an image of another size is another');
  world.pass(61_000);
  const anew = ask();
  say(takes);
  t.match(anew, [{ allocation: { source: 'vulkan', scanout: takes } }], 'asked again by then');
  nothingIsLeft(t);
});

t.test('of those that the request names, and of no others', async (t) => {
  const { ask, say, nothingIsLeft } = bench();
  const answers = ask({}, { sources: ['udmabuf'] });
  say(refuses);
  t.match(answers, [{ allocation: { source: 'udmabuf', scanout: refuses } }]);
  t.notOk((answers[0] as BrokerBuffer).allocation.fellBack, 'it is what was wanted first');
  nothingIsLeft(t);
});

t.test('where it refuses all, memory is what it would be without it', async (t) => {
  const { world, ask, say, nothingIsLeft } = bench();
  const answers = ask();
  for (let i = 0; i < 4; i++) say(refuses);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: refuses } }]);
  t.notOk((answers[0] as BrokerBuffer).allocation.fellBack);
  t.same(world.shown, []);
  const again = ask();
  say(refuses);
  t.match(again, [{ allocation: { source: 'vulkan', scanout: refuses } }], 'at once');
  const better = ask();
  say(takes);
  t.match(better, [{ allocation: { source: 'vulkan', scanout: takes } }], 'it is asked each time');
  nothingIsLeft(t);
});

t.test('what the next source refuses does not matter', async (t) => {
  const { world, ask, say, nothingIsLeft } = bench([
    ['source/dma-heap:system', { bytes: 0 }],
    ['source/udmabuf', { bytes: 0 }],
  ]);
  const answers = ask();
  say(refuses);
  t.same(answers, []);
  say(refuses);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: refuses } }], 'a quota');
  nothingIsLeft(t);

  const other = bench();
  const late = other.ask();
  other.world.immediate = false;
  other.say(refuses);
  other.world.refuse(new BrokerError('out_of_memory', 'it has no more', {}));
  other.world.answer();
  other.say(refuses);
  t.match(late, [{ allocation: { source: 'vulkan', scanout: refuses } }], 'no memory');
  t.same(world.shown, []);
  other.nothingIsLeft(t);
});

t.test('what it could not be asked is told, and nothing is kept of it', async (t) => {
  const { ask, plan, say, nothingIsLeft } = bench();
  const first = ask();
  say(refuses);
  say(takes);
  t.match(first, [{ allocation: { source: 'dma-heap:system' } }]);
  const answers = ask();
  say(cannot);
  t.match(answers, [{ allocation: { source: 'dma-heap:system', scanout: cannot } }]);
  t.equal(plan().source, 'vulkan', 'something has changed: all is asked again');
  nothingIsLeft(t);
});

t.test(
  'several buffers are shown together; a client that has gone meanwhile gets none',
  async (t) => {
    const { world, broker, owner, ask, say, nothingIsLeft } = bench();
    const made: Result<readonly BrokerBuffer[]>[] = [];
    const wanted = request({
      ...{ spec: { ...image, usage: Usage.scanout }, handleTypes: ['dma_buf'], count: 3 },
    });
    broker.allocateMany(owner, wanted, (result) => made.push(result));
    t.equal(say(takes)?.length, 3);
    t.match(made, [[takes, takes, takes].map((scanout) => ({ allocation: { scanout } }))]);
    const answers = ask({}, { lifetime: 'connection' });
    broker.disconnect(owner.client);
    say(takes);
    t.match(answers, [{ error: { code: 'not_found' } }]);
    t.same(world.shown, []);
    nothingIsLeft(t);
  },
);

t.test('memory that is lost while it is shown is refused', async (t) => {
  const { world, broker, ask, say, nothingIsLeft } = bench();
  const answers = ask();
  const lost = { source: 'vulkan', handleType: 'dma_buf', key: 1 } as const;
  t.equal(broker.deviceLost([lost]), 0, 'no buffer yet');
  say(takes);
  t.match(answers, [{ error: { code: 'device_lost' } }]);
  t.ok(world.freed.has(1));
  const other = ask();
  broker.deviceLost([lost]);
  say(takes);
  t.match(other, [{ allocation: { scanout: takes } }]);
  nothingIsLeft(t);
});

t.test('what was refused before makes nothing impossible later', async (t) => {
  const { world, broker, owner, ask, plan, say, nothingIsLeft } = bench([
    ['source/dma-heap:system', { bytes: 0 }],
    ['source/udmabuf', { bytes: 0 }],
  ]);
  ask();
  while (world.shown.length > 0) say(refuses);
  t.equal(plan().source, 'vulkan', 'a dry run');
  for (const waitMs of [0, 1000]) {
    const later = ask({}, { waitMs });
    while (world.shown.length > 0) say(refuses);
    t.match(later, [{ allocation: { source: 'vulkan', scanout: refuses } }], `may wait ${waitMs}`);
  }
  t.ok(owner.client?.connected);
  t.equal([...broker.buffers].length, 3);
  nothingIsLeft(t);
});

t.test('a rate is used up once, however many sources are tried', async (t) => {
  const { world, broker, ask, say, nothingIsLeft } = bench([
    ['user/1000', { allocationsPerSecond: 1 }],
  ]);
  const answers = ask();
  while (world.shown.length > 0) say(refuses);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: refuses } }]);
  t.match(ask(), [{ error: { code: 'limit_exceeded' } }], 'once');
  world.pass(1000);
  broker.displays.areAsked = false;
  broker.fallback = ['dma-heap:system', 'udmabuf'];
  world.immediate = false;
  const other = ask({}, { sources: ['dma-heap:system', 'udmabuf'] });
  world.refuse(new BrokerError('out_of_memory', 'it has no more', {}));
  world.answer();
  t.match(other, [{ allocation: { source: 'udmabuf' } }], 'nor where a heap has no more');
  nothingIsLeft(t);
});

t.test('what displays say after others are to be asked is not kept', async (t) => {
  const { broker, ask, plan, say, nothingIsLeft } = bench();
  const answers = ask();
  broker.displays.areAsked = true;
  say(refuses);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: refuses } }]);
  t.match(plan(), { source: 'vulkan', scanout: { state: 'unverified' } });
  nothingIsLeft(t);
});

t.test('a heap that has no more, where a display has refused what was before it', async (t) => {
  const { world, broker, ask, say, nothingIsLeft } = bench();
  broker.fallback = ['dma-heap:system', 'udmabuf'];
  const after = (said: Scanout) => {
    broker.displays.areAsked = true;
    const answers = ask();
    world.immediate = false;
    say(refuses);
    world.refuse(new BrokerError('out_of_memory', 'it has no more', {}));
    world.immediate = true;
    world.answer();
    while (world.shown.length > 0) say(said);
    return answers;
  };
  const why = { reason: 'display_refused', source: 'vulkan' };
  t.match(after(takes), [{ allocation: { source: 'udmabuf', scanout: takes, fellBack: why } }]);
  const answers = after(refuses);
  t.match(answers, [{ allocation: { source: 'vulkan', scanout: refuses } }], 'what was there');
  t.notOk((answers[0] as BrokerBuffer).allocation.fellBack);
  nothingIsLeft(t);
});

t.test('of several cards each must take it that has a display', async (t) => {
  const absent: CardScanout = { ...cannot, reason: 'card1 has nothing connected', absent: true };
  const other: Scanout = { state: 'verified', reason: 'card2 takes it' };
  t.same(allOf([takes]), takes);
  t.same(allOf([takes, other]), { ...takes, reason: 'card0 takes it; card2 takes it' });
  t.same(allOf([absent, takes]), takes);
  t.same(allOf([absent]), { state: 'unverified', reason: absent.reason });
  t.same(allOf([takes, cannot]), cannot);
  t.same(allOf([cannot, refuses, takes]), refuses);
  t.equal(allOf([{ ...takes, reason: 'x'.repeat(1000) }]).reason.length, 400, 'within bounds');
});
