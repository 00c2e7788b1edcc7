/**
 * Which bytes a copy, fill or read touches: ranges of 64 bits, images row by row, and every value that
 * cannot be.
 */
import t from 'tap';
import { type CopyRequest, overlaps, planCopy } from '../../src/memory/copy.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { MAX_READ_SIZE } from '../../src/memory/limits.js';
import type { Side } from '../../src/memory/region.js';
import type { Allocation, ImageSpec } from '../../src/memory/source.js';
import { planFill, planRead, referenceTo } from '../../src/memory/work.js';
import { refused } from '../support/refused.js';

const MAX = 2n ** 64n - 1n;
const all = { sourceOffset: 0n, offset: 0n, size: 0n };
const whole = { offset: 0n, size: 0n };

type Planes = readonly (readonly [offset: number, stride: number, fd?: number])[];

const allocation = (size: number, planes: Planes, more: Partial<Allocation> = {}): Allocation => ({
  source: 'udmabuf',
  handleType: 'dma_buf',
  key: 7,
  memories: [size],
  size,
  modifier: null,
  placement: [],
  planes: planes.map(([offset, stride, fd = 10]) => ({ fd, memory: fd - 10, offset, stride })),
  exporter: null,
  ...more,
});

const linear = (size: number, more: Partial<Allocation> = {}, offset = 0): Side => ({
  spec: { kind: 'buffer', size, usage: 4 },
  allocation: allocation(8192, [[offset, 0]], more),
});

const image = (
  format: string,
  planes: Planes,
  { modifier = 0n, ...more }: Partial<ImageSpec> & { modifier?: bigint } = {},
): Side => ({
  spec: {
    kind: 'image',
    width: 10,
    height: 5,
    format: fourcc(format),
    modifiers: [modifier],
    usage: 4,
    ...more,
  },
  allocation: allocation(8192, planes, { modifier }),
});

t.test('a range of linear memory', async (t) => {
  const plan = (request: Partial<CopyRequest>, from = linear(5000), to = linear(5000)) =>
    planCopy(from, to, { ...all, ...request });
  const run = (from: number, to: number, bytes: number) => [
    {
      source: { plane: 0, offset: from, stride: 0 },
      destination: { plane: 0, offset: to, stride: 0 },
      bytes,
      rows: 1,
    },
  ];
  t.strictSame(plan({}), run(0, 0, 8192), 'size 0: all of the memory');
  t.strictSame(plan({ sourceOffset: 8000n }), run(8000, 0, 192), 'from there to the end');
  t.strictSame(plan({ sourceOffset: 1n, offset: 2n, size: 3n }), run(1, 2, 3));
  t.strictSame(plan({ offset: 8191n, size: 1n }), run(0, 8191, 1), 'the last byte');
  const registered = linear(100, { source: 'import' }, 4096);
  t.strictSame(plan({}, registered), run(4096, 0, 100), 'of an import what was registered');
  const opaque = linear(5000, { handleType: 'opaque_fd' });
  t.strictSame(plan({}, opaque), run(0, 0, 5000), 'of an opaque fd what was asked for');
});

t.test('ranges that are not there', async (t) => {
  const cases: [Partial<CopyRequest>, string, unknown, number][] = [
    [{ sourceOffset: 8192n }, 'source_offset', 8192, 8191],
    [{ sourceOffset: MAX }, 'source_offset', MAX.toString(), 8191],
    [{ offset: MAX, size: 1n }, 'offset', MAX.toString(), 8191],
    [{ offset: 1n }, 'size', 8192, 8191],
    [{ size: 8193n }, 'size', 8193, 8192],
    // As numbers, offset + size would be rounded to 2^64 or wrap to 0.
    [{ sourceOffset: 1n, size: MAX }, 'size', MAX.toString(), 8191],
    [{ sourceOffset: 4096n, size: 2n ** 53n }, 'size', (2n ** 53n).toString(), 4096],
  ];
  for (const [request, constraint, requested, max] of cases) {
    t.match(
      refused(() => planCopy(linear(1), linear(1), { ...all, ...request })),
      { code: 'invalid_argument', refusal: { constraint, requested, possible: { max } } },
      constraint,
    );
  }
  const registered = linear(100, { source: 'import' }, 4096);
  t.match(
    refused(() => planCopy(linear(1), registered, all)),
    { refusal: { constraint: 'size', possible: { max: 100 } } },
    'the source is larger',
  );
});

t.test('images', async (t) => {
  const plan = (from: Side, to: Side) => planCopy(from, to, all);
  const places = (from: [number, number], to: [number, number], plane = 0) => ({
    source: { plane, offset: from[0], stride: from[1] },
    destination: { plane, offset: to[0], stride: to[1] },
  });
  t.strictSame(
    plan(image('XR24', [[0, 64]]), image('XR24', [[0, 64]])),
    [{ ...places([0, 64], [0, 64]), bytes: 64 * 4 + 40, rows: 1 }],
    'the same layout: in one run, the last row without its padding',
  );
  t.strictSame(
    plan(image('XR24', [[0, 64]]), image('XR24', [[128, 256]])),
    [{ ...places([0, 64], [128, 256]), bytes: 40, rows: 5 }],
    'another stride: row by row',
  );
  t.strictSame(
    plan(
      image('NV12', [
        [0, 64],
        [320, 64],
      ]),
      image('NV12', [
        [0, 128, 11],
        [0, 128, 12],
      ]),
    ),
    [
      { ...places([0, 64], [0, 128]), bytes: 10, rows: 5 },
      { ...places([320, 64], [0, 128], 1), bytes: 10, rows: 3 },
    ],
    'planes on their own, chroma of odd rows',
  );
  // I420 as some cameras have it: U and V side by side in one row of Y's stride.
  const woven: Planes = [
    [0, 64],
    [320, 64],
    [352, 64],
  ];
  const apart: Planes = [
    [0, 64],
    [320, 64],
    [512, 64],
  ];
  t.match(
    plan(image('YU12', woven), image('YU12', apart)),
    [{ rows: 5 }, { rows: 3 }, { rows: 3 }],
    'padding in which another plane may lie does not go along',
  );
  const tiled = { modifier: 0x100000000000001n };
  t.equal(plan(image('XR24', [[0, 512]], tiled), image('XR24', [[0, 512]], tiled)), 'memories');
  t.equal(plan(image('????', [[0, 64]]), image('????', [[0, 64]])), 'memories', 'unknown format');
});

t.test('images that do not go together', async (t) => {
  const xr24 = image('XR24', [[0, 64]]);
  const tiled = image('XR24', [[0, 512]], { modifier: 0x100000000000001n });
  const cases: [Side, Side, object][] = [
    [
      xr24,
      image('AR24', [[0, 64]]),
      { code: 'unsupported_format', refusal: { constraint: 'format' } },
    ],
    [
      xr24,
      image('XR24', [[0, 64]], { height: 6 }),
      {
        code: 'invalid_argument',
        refusal: { constraint: 'width, height', requested: '10x5', possible: '10x6' },
      },
    ],
    [
      xr24,
      tiled,
      {
        code: 'unsupported_modifier',
        refusal: {
          constraint: 'modifier',
          requested: { modifier: '0x0000000000000000' },
          possible: { modifier: '0x0100000000000001' },
        },
      },
    ],
    [
      tiled,
      image('XR24', [[0, 1024]], { modifier: 0x100000000000001n }),
      { code: 'unsupported_modifier' },
    ],
    [xr24, linear(5000), { code: 'invalid_argument', refusal: { constraint: 'kind' } }],
  ];
  for (const [from, to, expected] of cases) {
    t.match(
      refused(() => planCopy(from, to, all)),
      expected,
      JSON.stringify(expected),
    );
  }
  for (const constraint of ['sourceOffset', 'offset', 'size'] as const) {
    t.match(
      refused(() => planCopy(xr24, xr24, { ...all, [constraint]: 4n })),
      { code: 'invalid_argument', refusal: { requested: 4 } },
      constraint,
    );
  }
});

t.test('what overlaps', async (t) => {
  const plan = (sourceOffset: bigint, offset: bigint, size: bigint) => {
    const regions = planCopy(linear(1), linear(1), { sourceOffset, offset, size });
    return regions === 'memories' ? [] : regions;
  };
  t.ok(overlaps(plan(0n, 4n, 5n), () => true));
  t.ok(overlaps(plan(4n, 0n, 5n), () => true));
  t.notOk(
    overlaps(plan(0n, 4n, 4n), () => true),
    'side by side',
  );
  t.notOk(
    overlaps(plan(0n, 4n, 5n), () => false),
    'in two memories',
  );
});

t.test('fill', async (t) => {
  t.strictSame(planFill(linear(5000), whole), { offset: 0, size: 8192 });
  t.strictSame(planFill(linear(5000), { offset: 8n, size: 12n }), { offset: 8, size: 12 });
  t.strictSame(planFill(image('XR24', [[0, 64]]), whole), { offset: 0, size: 8192 });
  const cases: [Side, { offset: bigint; size: bigint }, string, object][] = [
    [linear(1), { offset: 2n, size: 4n }, 'offset', { requested: 2, possible: { multiple_of: 4 } }],
    [linear(1), { offset: 0n, size: 6n }, 'size', { requested: 6, possible: { multiple_of: 4 } }],
    [linear(1), { offset: 8n, size: MAX - 3n }, 'size', { possible: { max: 8184 } }],
    [linear(1), { offset: MAX - 3n, size: 8n }, 'offset', { possible: { max: 8191 } }],
    [image('XR24', [[0, 64]]), { offset: 0n, size: 4n }, 'size', { possible: { max: 0 } }],
    [image('XR24', [[0, 64]]), { offset: 4n, size: 0n }, 'offset', { possible: { max: 0 } }],
  ];
  for (const [side, range, constraint, refusal] of cases) {
    t.match(
      refused(() => planFill(side, range)),
      { code: 'invalid_argument', refusal: { constraint, ...refusal } },
      constraint,
    );
  }
  const odd = linear(102, { source: 'import' }, 4096);
  t.match(
    refused(() => planFill(odd, whole)),
    { refusal: { constraint: 'size', requested: 102 } },
  );
});

t.test('read', async (t) => {
  t.strictSame(planRead(linear(5000), { offset: 3n, size: 5n }), {
    extent: { offset: 3, size: 5 },
    size: 5,
  });
  t.strictSame(planRead(linear(100, { source: 'import' }, 4096), whole), {
    extent: { offset: 4096, size: 100 },
    size: 100,
  });
  const large = { ...linear(1), allocation: allocation(MAX_READ_SIZE + 4096, [[0, 0]]) };
  t.match(
    refused(() => planRead(large, whole)),
    {
      code: 'too_large',
      refusal: {
        constraint: 'size',
        requested: MAX_READ_SIZE + 4096,
        possible: { max: MAX_READ_SIZE },
      },
    },
  );
  t.equal(planRead(large, { offset: 4096n, size: 0n }).size, MAX_READ_SIZE);
  t.match(
    refused(() => planRead(large, { offset: MAX, size: MAX })),
    { code: 'invalid_argument' },
  );
});

t.test('how memory is named to the allocator', async (t) => {
  const opaque = linear(5000, { handleType: 'opaque_fd', source: 'vulkan' });
  t.strictSame(referenceTo(opaque), {
    origin: 'vulkan',
    handleType: 'opaque_fd',
    key: 7,
    device: null,
    fds: [10],
    size: 5000,
  });
});
