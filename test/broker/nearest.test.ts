/** What a refusal proposes instead: each rule, and that every proposal told is one that works. */

import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import {
  MAX_ATTEMPTS,
  nearestFormat,
  proposals,
  type requestWords,
} from '../../src/broker/nearest.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import { BrokerError, type ErrorCode } from '../../src/memory/errors.js';
import { formatInfo, formats } from '../../src/memory/formats.js';
import { fourcc, MOD_LINEAR } from '../../src/memory/fourcc.js';
import type { Constraint, Possible } from '../../src/memory/refusal-words.js';
import type { Result } from '../../src/memory/result.js';
import { type Plan, Usage } from '../../src/memory/source.js';
import { mismatch } from '../server/http/support/conforms.js';
import { FakeWorld, image, linear, memfd, offers, peer, request } from './support/world.js';

const TILED = 0x0100_0000_0000_0001n;
const refusal = (code: ErrorCode, constraint: Constraint, requested: unknown, possible: Possible) =>
  new BrokerError(code, '', { constraint, requested, possible });
const first = (asked: AllocationRequest, error: BrokerError) =>
  proposals(asked, error).map(({ spec, ...rest }) => ({ ...spec, ...rest }))[0];
const ofImage = (changes: object = {}) => request({ spec: { ...image, ...changes } });

t.test('each constraint is relaxed, and nothing else', async (t) => {
  const cases: [string, AllocationRequest, BrokerError, object][] = [
    [
      'the largest size',
      request({ spec: { ...linear, size: 9000 } }),
      refusal('too_large', 'size', 9000, { max: 4096 }),
      { size: 4096 },
    ],
    [
      'the largest size of an alignment',
      request({ spec: { ...linear, size: 9000, alignment: { size: 4096 } } }),
      refusal('out_of_memory', 'heap_budget', 9000, { max: 8191, heap: 0 }),
      { size: 4096 },
    ],
    [
      'an empty buffer',
      request({ spec: { ...linear, size: 0 } }),
      refusal('invalid_argument', 'size', 0, { min: 1, max: 10 }),
      { size: 1 },
    ],
    [
      'an image of the same proportions',
      ofImage({ width: 4000, height: 1000 }),
      refusal('too_large', 'size', 16_000_000, 4_000_000),
      { width: 2000, height: 500 },
    ],
    [
      'the device’s dimensions',
      ofImage({ width: 100_000, height: 7 }),
      refusal('too_large', 'width, height', {}, { width: 16_384, height: 16_384 }),
      { width: 16_384, height: 7 },
    ],
    [
      'an alignment that is no power of two',
      ofImage({ alignment: { stride: 100, height: 16 } }),
      refusal('invalid_argument', 'alignment.stride', 100, { max: 65_536 }),
      { alignment: { stride: 64, height: 16 } },
    ],
    [
      'an alignment beyond the largest',
      ofImage({ alignment: { stride: 2 ** 20 } }),
      refusal('too_large', 'alignment.stride', 2 ** 20, { max: 65_536 }),
      { alignment: { stride: 65_536 } },
    ],
    [
      'the modifiers that there are',
      ofImage({ modifiers: [7n] }),
      refusal('unsupported_modifier', 'modifiers', [], ['0x0100000000000001']),
      { modifiers: [TILED] },
    ],
    [
      'the layout that meets an alignment',
      ofImage({ modifiers: [TILED], alignment: { stride: 512 } }),
      refusal('unsupported_modifier', 'alignment', {}, { modifiers: ['0x0000000000000000'] }),
      { modifiers: [MOD_LINEAR], alignment: { stride: 512 } },
    ],
    [
      'the handle types that there are',
      request({ handleTypes: ['opaque_fd'] }),
      refusal('unsupported_handle_type', 'handle_types', [], ['dma_buf', 'memfd']),
      { handleTypes: ['dma_buf', 'memfd'] },
    ],
    [
      'the usages that are served',
      ofImage({ usage: Usage.render | Usage.storage | Usage.sample }),
      refusal('unsupported_usage', 'usage', [], [{ usage: ['sample', 'render'] }]),
      { usage: Usage.render | Usage.sample },
    ],
    [
      'any placement',
      request({ spec: { ...linear, placement: 'device_local' } }),
      refusal('unsupported_placement', 'placement', 'device_local', []),
      { placement: 'any' },
    ],
    [
      'mapped, if not cached',
      request({ spec: { ...linear, placement: 'host_cached' } }),
      refusal('unsupported_placement', 'placement', 'host_cached', []),
      { placement: 'host_visible' },
    ],
    [
      'the sources that there are',
      request({ sources: ['udmabuf'] }),
      refusal('unsupported_source', 'sources', ['udmabuf'], ['memfd']),
      { sources: ['memfd'] },
    ],
    [
      'a format of the same bytes',
      ofImage(),
      refusal('unsupported_format', 'format', 'XR24', ['NV12', 'RG16', 'AR24']),
      { format: fourcc('AR24') },
    ],
  ];
  for (const [what, asked, error, changes] of cases) {
    const { spec, ...rest } = asked;
    t.same(first(asked, error), { ...spec, ...rest, ...changes }, what);
  }
});

t.test('the nearest format', async (t) => {
  const info = (name: string) => {
    const found = formatInfo(fourcc(name));
    if (found === undefined) throw new Error(name);
    return found;
  };
  const nearest = (wanted: string, ...among: string[]) =>
    nearestFormat(info(wanted), among.map(info))?.name;
  t.equal(nearest('XR24', 'RG16', 'GR32', 'AB24', 'AR30'), 'AB24', 'the same bytes and components');
  t.equal(nearest('XR24', 'AB4H', 'RG24'), 'RG24', 'the nearest number of bytes');
  t.equal(nearest('NV12', 'XR24', 'YU12', 'NV16', 'NV21'), 'NV21');
  t.equal(nearest('NV12', 'XR24', 'R8  '), undefined, 'no other kind, no other planes');
});

const anyRequest = fc
  .record({
    kind: fc.boolean(),
    size: fc.integer({ min: 0, max: 2 ** 50 }),
    width: fc.integer({ min: 0, max: 70_000 }),
    height: fc.integer({ min: 0, max: 70_000 }),
    format: fc.constantFrom(...formats.map(({ code }) => code), fourcc('ABCD')),
    modifiers: fc.uniqueArray(fc.constantFrom(MOD_LINEAR, TILED, 7n)),
    usage: fc.integer({ min: 1, max: 511 }),
    placement: fc.constantFrom('any', 'device_local', 'host_visible', 'host_cached'),
    alignment: fc.record(
      { stride: fc.integer({ min: 0, max: 2 ** 18 }), size: fc.constantFrom(1, 4096, 2 ** 31) },
      { requiredKeys: [] },
    ),
    handleTypes: fc.subarray(['dma_buf', 'opaque_fd', 'memfd'] as const),
    sources: fc.subarray(['memfd', 'udmabuf', 'dma-heap:none']),
    planLimit: fc.constantFrom(4096, 2 ** 20, 2 ** 40),
  })
  .map(
    ({
      kind,
      size,
      width,
      height,
      format,
      modifiers,
      usage,
      placement,
      alignment,
      handleTypes,
      sources,
      planLimit,
    }) => {
      const common = { usage, placement, alignment } as const;
      const spec = kind
        ? ({ kind: 'buffer', size, ...common } as const)
        : ({ kind: 'image', width, height, format, modifiers, ...common } as const);
      return { asked: request({ spec, handleTypes, sources }), planLimit };
    },
  );

t.test(
  'whatever is asked: what is told as nearest works, and is a request of the API',
  async (t) => {
    let told = 0;
    let none = 0;
    const property = fc.property(anyRequest, ({ asked, planLimit }) => {
      const world = new FakeWorld();
      world.planLimit = planLimit;
      const broker = new Broker(world, { sources: [memfd], offers });
      const owner = { client: broker.connect(peer), peer };
      const run = (what: AllocationRequest): Result<Plan> => {
        const answers: Result<Plan>[] = [];
        broker.test(owner, what, (result) => answers.push(result));
        if (answers.length !== 1 || answers[0] === undefined) throw new Error('not one answer');
        return answers[0];
      };
      const result = run(asked);
      if (world.plans > MAX_ATTEMPTS + 1) throw new Error(`${world.plans} plans`);
      if (!('error' in result)) return;
      const { nearest } = result.error.refusal;
      if (nearest === undefined) throw new Error(`${result.error.code} has no answer`);
      if (nearest === null) {
        none++;
        return;
      }
      told++;
      const wrong = mismatch('/components/schemas/CreateBuffer', nearest);
      if (wrong !== undefined) throw new Error(`${JSON.stringify(nearest)}: ${wrong}`);
      const again = run(fromWords(nearest as Words, asked));
      if ('error' in again) throw new Error(`${JSON.stringify(nearest)}: ${again.error.message}`);
    });
    t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
    t.ok(told > 100, `${told} were told, for ${none} there was none`);
  },
);

type Words = ReturnType<typeof requestWords> & {
  readonly format?: string;
  readonly modifiers?: string[];
  readonly usage: string[];
  readonly handle_types: AllocationRequest['handleTypes'];
  readonly sources?: string[];
};

/** The request that words stand for, as src/server/plane/creation.ts reads them. */
function fromWords(words: Words, asked: AllocationRequest): AllocationRequest {
  const { handle_types: handleTypes, sources = [], modifiers, format, ...rest } = words;
  const usage = asked.spec.usage;
  const spec = {
    ...rest,
    usage,
    ...(format !== undefined && { format: fourcc(format) }),
    ...(modifiers !== undefined && { modifiers: modifiers.map(BigInt) }),
  } as unknown as AllocationRequest['spec'];
  return { ...asked, handleTypes, sources, spec };
}

t.test('a refusal of the source after the choice is explained as well', async (t) => {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const answers: Result<BrokerBuffer>[] = [];
  const owner = { client: broker.connect(peer), peer };
  broker.allocate(owner, request({ spec: { ...linear, size: 10_000 } }), (r) => answers.push(r));
  world.refuse(refusal('too_large', 'size', 10_000, 8192));
  t.match(answers, [
    {
      error: {
        code: 'too_large',
        refusal: { nearest: { kind: 'buffer', size: 8192, handle_types: ['memfd'] } },
      },
    },
  ]);

  broker.allocate(owner, request(), (r) => answers.push(r));
  world.refuse(new BrokerError('device_lost', 'gone'));
  t.match(answers[1], { error: { code: 'device_lost', refusal: { nearest: null } } });

  // Of how many and how often, no other request would help.
  for (const rule of [
    { buffers: 0 },
    { fds: 0 },
    { pending: 0 },
    { allocationsPerSecond: 1e-9 },
    { bytes: 0 },
  ]) {
    broker.quotas.configure('rest', new Map([['user/1000', rule]]));
    const told: Result<object>[] = [];
    broker.test(owner, request(), (r) => told.push(r));
    // A bucket has one at first.
    if ('allocationsPerSecond' in rule) broker.allocate(owner, request(), () => {});
    broker.allocate(owner, request(), (r) => told.push(r));
    t.match(told.at(-1), { error: { code: 'limit_exceeded', refusal: { nearest: null } } });
  }
});

t.test('a dry run leaves nothing behind, and waits like anything else', async (t) => {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const owner = { client: broker.connect(peer), peer };
  const waiting: (() => void)[] = [];
  const { plan } = world;
  world.plan = (asker, choice, done) => waiting.push(() => plan.call(world, asker, choice, done));
  const answers: Result<Plan>[] = [];
  for (let i = 0; i < 65; i++) broker.test(owner, request(), (result) => answers.push(result));
  t.match(answers, [{ error: { code: 'limit_exceeded', refusal: { constraint: 'dry runs' } } }]);
  for (const go of waiting.splice(0)) go();
  t.equal(answers.length, 65);
  t.same([...broker.buffers], []);
  t.equal(world.pending.length, 0);
  broker.test(owner, request(), (result) => answers.push(result));
  for (const go of waiting.splice(0)) go();
  t.match(answers[65], { memories: [4096] });
});
