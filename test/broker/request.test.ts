/** From what a client asks for to a source: each refusal, the order of preference, no substitute. */
import fc from 'fast-check';
import t from 'tap';
import { type AllocationRequest, checkRequest, chooseSource } from '../../src/broker/request.js';
import { formats } from '../../src/memory/formats.js';
import { fourcc, MOD_INVALID, MOD_LINEAR } from '../../src/memory/fourcc.js';
import { MAX_IMAGE_DIMENSION, MAX_MODIFIERS, MAX_NAME_BYTES } from '../../src/memory/limits.js';
import type { FormatOffer, HandleType, SourceState } from '../../src/memory/source.js';
import { type Refused, refused } from '../support/refused.js';
import { image, linear, memfd, offers, request } from './support/world.js';

const TILED = 0x0100_0000_0000_0001n;
const dmaBuf: SourceState = { name: 'vulkan', handleType: 'dma_buf', usable: true, reason: 'GPU' };
const opaque: SourceState = { ...dmaBuf, handleType: 'opaque_fd' };
const noDmaBuf: SourceState = { ...dmaBuf, usable: false, reason: 'no exporter' };
const offer = (source: SourceState, modifier: bigint, format = 'XR24'): FormatOffer => ({
  format: fourcc(format),
  modifier,
  planes: 1,
  source: source.name,
  handleType: source.handleType,
  made: 'image',
});

t.test('values that no device can serve', async (t) => {
  const range = (max: number) => ({ min: 1, max });
  const size = (value: number) => request({ spec: { ...linear, size: value } });
  const cases: [AllocationRequest, Refused['code'], object][] = [
    [size(0), 'invalid_argument', { constraint: 'size', requested: 0 }],
    [size(-1), 'invalid_argument', { constraint: 'size', requested: -1 }],
    [size(1.5), 'invalid_argument', { constraint: 'size', requested: 1.5 }],
    [size(Number.NaN), 'invalid_argument', { constraint: 'size', requested: Number.NaN }],
    [size(2 ** 53), 'too_large', { possible: range(2 ** 53 - 1) }],
    // Another number than was asked for, perhaps: it is not said.
    [size(2 ** 63 - 1), 'too_large', { constraint: 'size', requested: undefined }],
    [
      request({ spec: { ...image, width: 0 } }),
      'invalid_argument',
      { constraint: 'width', requested: 0, possible: range(MAX_IMAGE_DIMENSION) },
    ],
    [
      request({ spec: { ...image, height: MAX_IMAGE_DIMENSION + 1 } }),
      'too_large',
      { constraint: 'height', requested: 65_537, possible: range(65_536) },
    ],
    [
      request({ spec: { ...image, modifiers: [] } }),
      'invalid_argument',
      { constraint: 'modifiers', requested: 0, possible: range(MAX_MODIFIERS) },
    ],
    [
      request({ spec: { ...image, modifiers: Array<bigint>(257).fill(0n) } }),
      'too_large',
      { constraint: 'modifiers', requested: 257 },
    ],
    [
      request({ name: 'ä'.repeat(MAX_NAME_BYTES / 2 + 1) }),
      'invalid_argument',
      { constraint: 'name', requested: 66, possible: { max: 64 } },
    ],
  ];
  for (const [wrong, code, refusal] of cases) {
    const found = refused(() => checkRequest(wrong));
    t.match(found, { code, refusal }, found.message);
  }
  t.doesNotThrow(() => checkRequest(size(2 ** 53 - 1)));
  t.doesNotThrow(() => checkRequest(request({ name: 'ä'.repeat(MAX_NAME_BYTES / 2) })));
});

t.test('no usable source for the handle types', async (t) => {
  const wanted = request({ handleTypes: ['dma_buf', 'opaque_fd'] });
  t.same(
    refused(() => chooseSource(checkRequest(wanted), [noDmaBuf, memfd], offers)),
    {
      code: 'unsupported_handle_type',
      message: 'no usable source exports dma_buf or opaque_fd – vulkan (dma_buf): no exporter',
      refusal: {
        constraint: 'handle_types',
        requested: ['dma_buf', 'opaque_fd'],
        possible: ['memfd'],
      },
    },
  );
  t.match(
    refused(() => chooseSource(checkRequest(request({ handleTypes: [] })), [memfd], offers)),
    { code: 'unsupported_handle_type', refusal: { requested: [], possible: ['memfd'] } },
    'none accepted is none had',
  );
});

t.test('one memory as all of the handle types', async (t) => {
  const both: SourceState = { ...dmaBuf, name: 'cuda', also: ['opaque_fd'] };
  const pages: SourceState = { ...dmaBuf, name: 'udmabuf', also: ['memfd'] };
  const sources = [dmaBuf, opaque, both, pages, memfd];
  const all = (...handleTypes: HandleType[]) =>
    checkRequest(request({ handleTypes, allHandleTypes: true }));
  const choose = (...types: HandleType[]) => chooseSource(all(...types), sources, offers);
  t.match(choose('dma_buf'), { source: 'vulkan', handleType: 'dma_buf' });
  t.notOk('also' in choose('dma_buf'));
  t.match(choose('opaque_fd', 'dma_buf'), {
    ...{ source: 'cuda', handleType: 'dma_buf', also: ['opaque_fd'] },
  });
  t.match(choose('memfd', 'dma_buf'), { source: 'udmabuf', also: ['memfd'] });
  for (const types of [
    ['memfd', 'opaque_fd'],
    ['dma_buf', 'opaque_fd', 'memfd'],
  ] as HandleType[][]) {
    const { code, refusal } = refused(() => choose(...types));
    t.equal(code, 'unsupported_handle_type');
    const possible = [
      ['dma_buf', 'opaque_fd'],
      ['dma_buf', 'memfd'],
    ];
    t.same(refusal, { constraint: 'handle_types', requested: types, possible });
  }
  const gone = [{ ...both, usable: false }];
  t.same(
    refused(() => chooseSource(all('dma_buf', 'opaque_fd'), gone, offers)).refusal.possible,
    [],
  );
});

t.test('no source for the format', async (t) => {
  const spec = { ...image, format: fourcc('ABCD') };
  t.same(
    refused(() => chooseSource(checkRequest(request({ spec })), [memfd], [...offers, ...offers])),
    {
      code: 'unsupported_format',
      message: 'no usable source allocates ABCD',
      refusal: { constraint: 'format', requested: 'ABCD', possible: ['XR24'] },
    },
  );
  const elsewhere = [offer(dmaBuf, MOD_LINEAR, 'AR24'), ...offers];
  const wanted = request({ spec: { ...image, format: fourcc('AR24') } });
  t.match(
    refused(() => chooseSource(checkRequest(wanted), [dmaBuf, memfd], elsewhere)),
    { code: 'unsupported_format', refusal: { requested: 'AR24', possible: ['XR24'] } },
    'a format of a source that was not accepted is none',
  );
});

t.test('no source for the modifiers', async (t) => {
  const spec = { ...image, modifiers: [TILED, MOD_INVALID] };
  t.same(
    refused(() => chooseSource(checkRequest(request({ spec })), [memfd], [...offers, ...offers])),
    {
      code: 'unsupported_modifier',
      message: 'none of these modifiers can be had',
      refusal: {
        constraint: 'modifiers',
        requested: ['0x0100000000000001', '0x00ffffffffffffff'],
        possible: ['0x0000000000000000'],
      },
    },
  );
});

t.test('the first usable source that can is taken', async (t) => {
  const any = request({ handleTypes: ['memfd', 'opaque_fd', 'dma_buf'] });
  const chosen = (sources: SourceState[]) =>
    chooseSource(checkRequest(any), sources, offers).handleType;
  t.equal(chosen([dmaBuf, opaque, memfd]), 'dma_buf');
  t.equal(chosen([noDmaBuf, opaque, memfd]), 'opaque_fd');
  t.equal(chosen([memfd, dmaBuf]), 'memfd', 'the order is the sources’, not the client’s');

  const both = [offer(dmaBuf, TILED), ...offers];
  const linearOnly = chooseSource(checkRequest({ ...any, spec: image }), [dmaBuf, memfd], both);
  t.equal(linearOnly.source, 'memfd', 'the first one has other modifiers');
  const spec = { ...image, modifiers: [MOD_LINEAR, MOD_INVALID, TILED] };
  t.same(
    chooseSource(checkRequest({ ...any, spec }), [dmaBuf, memfd], both),
    { source: 'vulkan', handleType: 'dma_buf', spec: { ...spec, modifiers: [TILED] } },
    'modifiers are cut down to what it has',
  );
});

const types: HandleType[] = ['dma_buf', 'opaque_fd', 'memfd'];
const state = fc.record({
  name: fc.constantFrom('vulkan' as const, 'memfd' as const),
  handleType: fc.constantFrom(...types),
  usable: fc.boolean(),
  reason: fc.constant('because'),
});
const modifier = fc.constantFrom<bigint>(MOD_LINEAR, TILED, 7n);
const code = fc.constantFrom(...formats.slice(0, 2).map((format) => format.code));
const anOffer = fc.record({
  format: code,
  modifier,
  planes: fc.constant(1),
  source: fc.constantFrom('vulkan' as const, 'memfd' as const),
  handleType: fc.constantFrom(...types),
  made: fc.constantFrom('image' as const, 'layout' as const),
});
const spec = fc.oneof(
  fc.constant(linear),
  fc
    .record({ format: code, modifiers: fc.uniqueArray(modifier, { minLength: 1 }) })
    .map((part) => ({ ...image, ...part })),
);

t.test('nothing is substituted', async (t) => {
  let served = 0;
  const property = fc.property(
    fc.array(state, { maxLength: 4 }),
    fc.array(anOffer, { maxLength: 8 }),
    fc.subarray(types),
    spec,
    (sources, some, handleTypes, wanted) => {
      const can = (source: SourceState) =>
        source.usable &&
        handleTypes.includes(source.handleType) &&
        (wanted.kind === 'buffer' ||
          some.some(
            (o) =>
              o.source === source.name &&
              o.handleType === source.handleType &&
              o.format === wanted.format &&
              wanted.modifiers.includes(o.modifier),
          ));
      const first = sources.find(can);
      const choose = () =>
        chooseSource(checkRequest(request({ spec: wanted, handleTypes })), sources, some);
      if (first === undefined) {
        const { code: why, refusal } = refused(choose);
        return why.startsWith('unsupported_') && JSON.stringify(refusal).includes('"possible"');
      }
      served++;
      const choice = choose();
      const mine = choice.spec.kind === 'image' ? choice.spec.modifiers : [];
      const offered = some.filter(
        (o) => o.source === first.name && o.handleType === first.handleType,
      );
      return (
        choice.source === first.name &&
        choice.handleType === first.handleType &&
        choice.spec.kind === wanted.kind &&
        (wanted.kind === 'buffer' || mine.length > 0) &&
        mine.every(
          (m) =>
            wanted.kind === 'image' &&
            wanted.modifiers.includes(m) &&
            offered.some((o) => o.modifier === m && o.format === wanted.format),
        )
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }));
  t.ok(served > 20, `${served} requests were served`);
});

t.test("a client's own memory is made a dma_buf by udmabuf, or nothing is", async (t) => {
  const udmabuf: SourceState = { ...dmaBuf, name: 'udmabuf' };
  const over = () => {};
  const own = request({
    spec: linear,
    handleTypes: ['dma_buf'],
    memory: { fd: 7, offset: 4096, over },
  });
  const choose = (more: Partial<AllocationRequest>, sources = [dmaBuf, udmabuf, memfd]) =>
    chooseSource(checkRequest({ ...own, ...more }), sources, offers);
  const { source, memory } = choose({});
  t.equal(source, 'udmabuf', 'though another is preferred');
  t.strictSame(memory, { fd: 7, offset: 4096 }, 'what can be sent to another thread');
  t.equal(choose({ sources: ['vulkan', 'udmabuf'] }).source, 'udmabuf');
  const cases: [() => unknown, Refused['code']][] = [
    [() => choose({ sources: ['vulkan'] }), 'unsupported_source'],
    [() => choose({}, [dmaBuf, memfd]), 'unsupported_source'],
    [() => choose({}, [{ ...udmabuf, usable: false }]), 'unsupported_source'],
    [() => choose({ handleTypes: ['memfd'] }), 'unsupported_handle_type'],
    [() => choose({ spec: { ...linear, placement: 'device_local' } }), 'unsupported_placement'],
    [() => choose({ spec: { ...image, separatePlanes: true } }), 'invalid_argument'],
  ];
  for (const [what, code] of cases) t.equal(refused(what).code, code);
});
