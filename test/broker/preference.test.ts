/** Which sources a request may have and in which order: scanout's CMA heaps, placement. */
import t from 'tap';
import { Aliases } from '../../src/broker/aliases.js';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { Policy } from '../../src/broker/policy.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import { type AllocationRequest, checkRequest, chooseSource } from '../../src/broker/request.js';
import { contiguityOf, isCmaHeap } from '../../src/memory/contiguity.js';
import { BrokerError, type Refusal } from '../../src/memory/errors.js';
import { fourcc, MOD_LINEAR } from '../../src/memory/fourcc.js';
import type { Result } from '../../src/memory/result.js';
import type { Scanout } from '../../src/memory/scanout.js';
import type { FormatOffer, ImageSpec, MemorySpec, SourceState } from '../../src/memory/source.js';
import { Usage } from '../../src/memory/source.js';
import { unverified, usageNames } from '../../src/memory/usage.js';
import { refused } from '../support/refused.js';
import { FakeWorld, image, linear, memfd, peer, request } from './support/world.js';

const TILED = 0x0100_0000_0000_0001n;
const state = (name: SourceState['name']): SourceState => ({
  name,
  handleType: 'dma_buf',
  usable: true,
  reason: '',
});
const machine = [
  'vulkan',
  'dma-heap:system',
  'dma-heap:linux,cma',
  'udmabuf',
] as const satisfies readonly SourceState['name'][];
const sources = [...machine.map(state), memfd];
/** A driver with tiled and linear XR24, and layouts for NV12; everybody else has linear layouts. */
const offer = (
  source: SourceState['name'],
  format: string,
  modifier: bigint,
  made: FormatOffer['made'],
): FormatOffer => ({
  format: fourcc(format),
  modifier,
  planes: 1,
  source,
  handleType: 'dma_buf',
  made,
});
const offers = [
  offer('vulkan', 'XR24', TILED, 'image'),
  offer('vulkan', 'XR24', MOD_LINEAR, 'image'),
  offer('vulkan', 'NV12', MOD_LINEAR, 'layout'),
  ...machine
    .slice(1)
    .flatMap((name) => ['XR24', 'NV12'].map((f) => offer(name, f, MOD_LINEAR, 'layout'))),
];
const chosen = (spec: Partial<ImageSpec>, named: string[] = [], some = sources) =>
  chooseSource(
    checkRequest(
      request({ spec: { ...image, ...spec }, handleTypes: ['dma_buf'], sources: named }),
    ),
    some,
    offers,
  ).source;
const scanout = Usage.scanout | Usage.render;
const NV12 = fourcc('NV12');

t.test('heaps of contiguous memory by their names', async (t) => {
  for (const heap of [
    'reserved',
    'linux,cma',
    'vendor-CMA-pool',
    'memory@42000000-contiguous',
  ] as const) {
    t.ok(isCmaHeap(`dma-heap:${heap}`), heap);
  }
  for (const other of ['dma-heap:system', 'dma-heap', 'udmabuf', 'vulkan', 'memfd'] as const) {
    t.notOk(isCmaHeap(other), other);
  }
});

t.test('contiguous memory: what is known of a source', async (t) => {
  const of = (name: SourceState['name']) => contiguityOf(name);
  t.same(['dma-heap:reserved', 'dma-heap:default_cma_region'].map(of as never), ['yes', 'yes']);
  const scattered = ['dma-heap:system', 'udmabuf', 'memfd'] as const;
  t.same(scattered.map(of), ['no', 'no', 'no']);
  const untold = ['vulkan', 'cuda', 'dma-heap:carveout'] as const;
  t.same(untold.map(of), ['unknown', 'unknown', 'unknown']);
});

t.test('one source by several names: requests, policy, quotas', async (t) => {
  const region: SourceState = {
    ...state('dma-heap:default_cma_region'),
    aliases: ['dma-heap:reserved'],
  };
  const layouts = [offer(region.name, 'XR24', MOD_LINEAR, 'layout')];
  const from = (named: string[], permitted: string[] | null = null) => {
    const rules = permitted === null ? [] : [{ who: null, sources: permitted }];
    const nobody = { uids: [], gids: [] };
    const rights = { connect: nobody, admin: nobody, operator: nobody, reader: nobody };
    const policy = new Policy({ ...rights, preview: nobody, owner: nobody, rules });
    const asked = checkRequest(request({ handleTypes: ['dma_buf'], sources: named }));
    return chooseSource(asked, policy.permitted(peer, [state('udmabuf'), region]), layouts).source;
  };
  t.equal(from(['dma-heap:reserved']), region.name);
  t.equal(from([region.name]), region.name);
  t.equal(from([], ['dma-heap:reserved']), region.name);
  t.equal(from(['dma-heap:reserved'], [region.name]), region.name);
  t.match(
    refused(() => from(['dma-heap:other'])),
    { code: 'unsupported_source', message: 'not usable: dma-heap:other: there is no such source' },
  );

  const aliases = new Aliases([region, state('udmabuf')]);
  t.same(aliases.namesOf(['dma-heap:reserved', 'udmabuf', region.name]), [region.name, 'udmabuf']);
  const rules = new Map<RuleId, Rule>([
    ['source/dma-heap:reserved', { bytes: 1, fds: 2 }],
    [`source/${region.name}`, { bytes: 3 }],
    ['user/default', { bytes: 4 }],
  ]);
  const own: [RuleId, Rule][] = [
    [`source/${region.name}`, { bytes: 3, fds: 2 }],
    ['user/default', { bytes: 4 }],
  ];
  t.same([...aliases.rulesOf(rules)], own, 'its own name is what counts where both say something');
  t.same([...aliases.rulesOf(new Map([...rules].toReversed()))].toReversed(), own);
});

t.test('contiguous: preferred comes first, required alone', async (t) => {
  const { usage } = image;
  t.equal(chosen({ usage }), 'vulkan');
  t.equal(chosen({ usage, contiguous: 'any' }), 'vulkan');
  t.equal(chosen({ usage, contiguous: 'preferred' }), 'dma-heap:linux,cma');
  t.equal(chosen({ usage, contiguous: 'required' }), 'dma-heap:linux,cma');
  t.equal(chosen({ usage: scanout, contiguous: 'preferred' }), 'dma-heap:linux,cma');
  const named = ['udmabuf', 'dma-heap:linux,cma'];
  t.equal(
    chosen({ usage, contiguous: 'preferred' }, named),
    'dma-heap:linux,cma',
    'of those named',
  );
  const without = sources.filter(({ name }) => name !== 'dma-heap:linux,cma');
  t.equal(chosen({ usage, contiguous: 'preferred' }, [], without), 'vulkan', 'as ever without');
  const tiled = { usage, modifiers: [TILED], contiguous: 'preferred' } as const;
  t.equal(chosen(tiled), 'vulkan', 'where no contiguous memory serves the request');
  t.match(
    refused(() => chosen({ usage, contiguous: 'required' }, [], without)),
    {
      code: 'unsupported_placement',
      message: /^vulkan, dma-heap:system, udmabuf: .* contiguous/,
      refusal: { constraint: 'contiguous', requested: 'required', possible: ['any', 'preferred'] },
    },
  );
});

t.test('scanout: what the driver makes, else a CMA heap', async (t) => {
  t.equal(chosen({ usage: scanout }), 'vulkan', 'the driver has a linear image of it');
  t.equal(chosen({ usage: scanout, modifiers: [TILED, MOD_LINEAR] }), 'vulkan');
  t.equal(chosen({ format: NV12, usage: Usage.render }), 'vulkan', 'without scanout as ever');
  t.equal(chosen({ format: NV12, usage: scanout }), 'dma-heap:linux,cma');
  const withoutCma = sources.filter(({ name }) => name !== 'dma-heap:linux,cma');
  t.equal(chosen({ format: NV12, usage: scanout }, [], withoutCma), 'vulkan');
  const heaps = sources.filter(({ name }) => name !== 'vulkan');
  t.equal(chosen({ usage: scanout }, [], heaps), 'dma-heap:linux,cma');
  t.equal(chosen({ usage: Usage.render }, [], heaps), 'dma-heap:system');
  const named = ['udmabuf', 'dma-heap:system'];
  t.equal(chosen({ format: NV12, usage: scanout }, named), 'dma-heap:system', 'of those named');
});

t.test('scanout of linear memory: the driver’s buffer, then a CMA heap', async (t) => {
  const spec = { ...linear, usage: Usage.scanout };
  const wanted = request({ spec, handleTypes: ['dma_buf'] });
  t.equal(chooseSource(checkRequest(wanted), sources, offers).source, 'vulkan');
  t.equal(
    chooseSource(checkRequest(wanted), sources.slice(1), offers).source,
    'dma-heap:linux,cma',
  );
});

t.test('a CMA heap that has no more is a refusal, and no other memory', async (t) => {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources, offers });
  const owner = { client: broker.connect(peer), peer };
  const answers: Result<BrokerBuffer>[] = [];
  const spec = { ...image, format: NV12, usage: scanout };
  const wanted = request({ spec, handleTypes: ['dma_buf'] });
  broker.allocate(owner, wanted, (result) => answers.push(result));
  t.match(world.pending, [{ choice: { source: 'dma-heap:linux,cma' } }]);
  const details: Refusal = { constraint: 'size', requested: 460_800 };
  world.refuse(new BrokerError('out_of_memory', 'it has no 460800 bytes: ENOMEM', details));
  t.match(answers, [{ error: { code: 'out_of_memory', refusal: details } }]);
  t.same(world.pending, []);
  t.same([...broker.buffers], []);
  t.equal(world.open.size, 0);
});

t.test('a heap that has no more falls back along the chain, and the buffer says so', async (t) => {
  const world = new FakeWorld();
  const quotas = new Quotas(world.clock, {
    defaults: new Map<RuleId, Rule>([['source/udmabuf', { buffers: 2 }]]),
  });
  const broker = new Broker(world, { sources, offers }, quotas);
  broker.fallback = ['dma-heap:system', 'udmabuf'];
  const owner = { client: broker.connect(peer), peer };
  const ask = (wanted: Partial<AllocationRequest>, spec: Partial<MemorySpec> = {}) => {
    const answers: Result<BrokerBuffer>[] = [];
    const asked = { ...image, format: NV12, usage: scanout, ...spec } as MemorySpec;
    const all = request({ spec: asked, handleTypes: ['dma_buf'], ...wanted });
    broker.allocate(owner, all, (result) => answers.push(result));
    return answers;
  };
  const noMore = (name: string) =>
    new BrokerError('out_of_memory', `${name} has no 460800 bytes: ENOMEM`, { constraint: 'size' });
  const next = () => world.pending.map(({ choice }) => choice.source);

  const answers = ask({});
  t.same(next(), ['dma-heap:linux,cma']);
  world.refuse(noMore('dma-heap:linux,cma'));
  t.same(next(), ['dma-heap:system']);
  world.refuse(noMore('dma-heap:system'));
  t.same(next(), ['udmabuf'], 'the first behind the one that has no more');
  world.answer();
  const message = 'dma-heap:linux,cma has no 460800 bytes: ENOMEM';
  const fellBack = { reason: 'out_of_memory', source: 'dma-heap:linux,cma', message };
  t.match(answers, [{ allocation: { fellBack } }]);

  t.same(ask({}, { contiguous: 'required' }), []);
  world.refuse(noMore('dma-heap:linux,cma'));
  t.same(next(), [], 'nothing else is contiguous');

  const named = ask({ sources: ['dma-heap:linux,cma'] });
  world.refuse(noMore('dma-heap:linux,cma'));
  t.match(named, [{ error: { code: 'out_of_memory' } }], 'of the source that was named alone');

  const neither = ask({ sources: ['dma-heap:linux,cma', 'dma-heap:system'] });
  t.same(next(), ['dma-heap:system'], 'in the daemon’s order');
  world.refuse(noMore('dma-heap:system'));
  t.match(neither, [{ error: { code: 'out_of_memory' } }]);

  ask({});
  world.refuse(noMore('dma-heap:linux,cma'));
  world.answer();
  const preferred = ask({ sources: ['udmabuf'] }, { contiguous: 'preferred' });
  world.answer();
  t.match(preferred, [{ allocation: { fellBack: { reason: 'not_contiguous', source: null } } }]);
  const full = ask({});
  world.refuse(noMore('dma-heap:linux,cma'));
  world.refuse(noMore('dma-heap:system'));
  t.match(
    full,
    [{ error: { code: 'out_of_memory', message: /linux,cma has no .* place: .*udmabuf/ } }],
    'what is taken in its place is charged as that, whose quota says no',
  );
  const plain = ask({ sources: ['dma-heap:system'] });
  world.answer();
  t.equal((plain[0] as BrokerBuffer).allocation.fellBack, undefined);

  // By other names of the same: what a request names, and the chain.
  const called = (source: SourceState, alias: SourceState['name']) => ({
    ...source,
    aliases: source.name === 'udmabuf' || source.name === 'memfd' ? [] : [alias],
  });
  const renamed = sources.map((source) => called(source, `dma-heap:its-${source.name.slice(9)}`));
  broker.setSources(renamed, offers, []);
  broker.fallback = ['dma-heap:its-system', 'udmabuf'];
  const byAliases = ask(
    { sources: ['dma-heap:its-linux,cma', 'dma-heap:its-system'] },
    {
      contiguous: 'preferred',
    },
  );
  t.same(next(), ['dma-heap:linux,cma']);
  world.refuse(noMore('dma-heap:linux,cma'));
  t.same(next(), ['dma-heap:system']);
  world.answer();
  t.match(byAliases, [{ allocation: { fellBack: { source: 'dma-heap:linux,cma' } } }]);
});

t.test('the device’s own memory comes from a device', async (t) => {
  t.equal(chosen({ placement: 'device_local' }), 'vulkan');
  const named = ['udmabuf', 'dma-heap:system'];
  t.match(
    refused(() => chosen({ placement: 'device_local' }, named)),
    {
      code: 'unsupported_placement',
      message: /dma-heap:system, udmabuf/,
      refusal: {
        constraint: 'placement',
        requested: 'device_local',
        possible: ['any', 'host_visible', 'host_cached'],
      },
    },
  );
  for (const placement of ['any', 'host_visible', 'host_cached'] as const) {
    t.equal(chosen({ placement }, named), 'dma-heap:system', placement);
  }
});

t.test("CUDA's memory: for whoever need not map it, and images last", async (t) => {
  const gpu = (['cuda', 'dma-heap:system', 'udmabuf'] as const).map(state);
  const linearOffers = gpu.map(({ name }) => offer(name, 'XR24', MOD_LINEAR, 'layout'));
  const of = (spec: object, named: string[] = [], some: readonly SourceState[] = gpu) =>
    chooseSource(
      checkRequest(
        request({ spec: { ...linear, ...spec }, handleTypes: ['dma_buf'], sources: named }),
      ),
      some,
      linearOffers,
    ).source;
  t.equal(of({ usage: Usage.transfer }), 'cuda');
  t.equal(of({ usage: Usage.transfer }, [], [state('vulkan'), ...gpu]), 'vulkan');
  t.equal(of({ usage: Usage.transfer, placement: 'device_local' }), 'cuda');
  t.equal(of({ usage: Usage.cpuRead }), 'dma-heap:system');
  t.equal(of({ usage: Usage.transfer, placement: 'host_visible' }), 'dma-heap:system');
  t.equal(of({ usage: Usage.scanout }), 'dma-heap:system');
  t.equal(of({ ...image, usage: Usage.render }), 'dma-heap:system');
  t.equal(of({ ...image, usage: Usage.render, placement: 'device_local' }), 'cuda');
  t.equal(of({ ...image, usage: Usage.render }, ['udmabuf', 'cuda']), 'cuda', 'as it is named');
  t.equal(of({ usage: Usage.cpuRead }, ['cuda']), 'cuda', 'which says itself why not');
  t.match(
    refused(() => of({ placement: 'host_cached' }, ['cuda'])),
    {
      code: 'unsupported_placement',
      message: "cuda: memory of a GPU's own, of which none is host_cached",
      refusal: { possible: ['any', 'device_local'] },
    },
  );
});

t.test('what is taken on trust', async (t) => {
  t.equal(unverified(Usage.render | Usage.cpuRead), 0);
  const all = Object.values(Usage).reduce((bits, bit) => bits | bit, 0);
  t.same(usageNames(unverified(all)), ['scanout', 'video_decode', 'video_encode']);
  const said = (state: Scanout['state']) => usageNames(unverified(all, { state, reason: '' }));
  t.same(said('verified'), ['video_decode', 'video_encode']);
  t.same(said('refused'), ['scanout', 'video_decode', 'video_encode']);
  t.same(usageNames(Usage.cpuRead | Usage.sample), ['sample', 'cpu_read']);
});
