/**
 * An image imported at an offset of a larger memory, with others beside it: whatever is done to it touches
 * its own bytes alone.
 */
import fc from 'fast-check';
import t from 'tap';
import { planCopy } from '../../src/memory/copy.js';
import { type FormatInfo, formats } from '../../src/memory/formats.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { rowBytes } from '../../src/memory/layout.js';
import type { Extent, Rows, Side } from '../../src/memory/region.js';
import type { Allocation, ImageSpec } from '../../src/memory/source.js';
import { planFill, planRead } from '../../src/memory/work.js';
import { refused } from '../support/refused.js';

const MEMORY = 1 << 20;
const whole = { offset: 0n, size: 0n };
const all = { sourceOffset: 0n, offset: 0n, size: 0n };

/** Planes one behind the other, each with padding in its rows and before it. */
function imported(
  format: FormatInfo,
  { width, height, gap, padding }: Record<'width' | 'height' | 'gap' | 'padding', number>,
  modifier = 0n,
): Side {
  let at = 0;
  const planes = format.planes.map((plane) => {
    const offset = at + gap;
    const stride = rowBytes(plane, width) + padding;
    at = offset + stride * Math.ceil(height / plane.vsub);
    return { fd: 10, memory: 0, offset, stride };
  });
  const spec: ImageSpec = {
    kind: 'image',
    width,
    height,
    format: fourcc(format.name),
    modifiers: [modifier],
    usage: 4,
  };
  const allocation: Allocation = {
    source: 'import',
    handleType: 'dma_buf',
    key: 1,
    memories: [MEMORY],
    size: MEMORY,
    modifier,
    placement: [],
    planes,
    exporter: 'system',
  };
  return { spec, allocation };
}

/** The bytes of its pixels, marked. */
function pixels({ spec, allocation }: Side, format: FormatInfo): Uint8Array {
  const { width, height } = spec as ImageSpec;
  const marked = new Uint8Array(MEMORY);
  for (const [index, plane] of format.planes.entries()) {
    const { offset = 0, stride = 0 } = allocation.planes[index] ?? {};
    for (let row = 0; row < Math.ceil(height / plane.vsub); row++) {
      marked.fill(1, offset + row * stride, offset + row * stride + rowBytes(plane, width));
    }
  }
  return marked;
}

function touched(rows: readonly Rows[]): Uint8Array {
  const marked = new Uint8Array(MEMORY);
  for (const { offset, stride, bytes, rows: count } of rows) {
    for (let row = 0; row < count; row++) {
      marked.fill(1, offset + row * stride, offset + row * stride + bytes);
    }
  }
  return marked;
}

function asRows(extent: Extent): readonly Rows[] {
  if ('size' in extent) throw new Error('a range of whole memories');
  return extent;
}

const images = fc.record({
  width: fc.integer({ min: 1, max: 60 }),
  height: fc.integer({ min: 1, max: 30 }),
  gap: fc.integer({ min: 0, max: 500 }),
  padding: fc.integer({ min: 0, max: 100 }),
});

t.test('a fill touches the pixels and nothing else', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...formats), images, (format, image) => {
      const side = imported(format, image);
      try {
        const rows = asRows(planFill(side, whole));
        return Buffer.compare(touched(rows), pixels(side, format)) === 0;
      } catch (error) {
        // Words of 32 bits: what is no multiple of them is refused.
        return error instanceof Error && /filled by words/.test(error.message);
      }
    }),
  );
});

t.test('a copy touches the pixels and nothing else, on both sides', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...formats), images, images, (format, image, other) => {
      const { width, height } = image;
      const [from, to] = [imported(format, image), imported(format, { ...other, width, height })];
      const plan = planCopy(from, to, all);
      if (plan === 'memories') return false;
      const ends = (end: 'source' | 'destination') =>
        touched(plan.map(({ [end]: place, bytes, rows }) => ({ ...place, bytes, rows })));
      return (
        Buffer.compare(ends('source'), pixels(from, format)) === 0 &&
        Buffer.compare(ends('destination'), pixels(to, format)) === 0
      );
    }),
  );
});

t.test('a read begins and ends with the pixels', async () => {
  fc.assert(
    fc.property(fc.constantFrom(...formats), images, (format, image) => {
      const side = imported(format, image);
      const { extent, size } = planRead(side, whole);
      const [span, ...others] = asRows(extent);
      const marked = pixels(side, format);
      const [first, last] = [marked.indexOf(1), marked.lastIndexOf(1)];
      return others.length === 0 && span?.offset === first && size === last - first + 1;
    }),
  );
});

t.test('a part of a read; planes in memories of their own', async (t) => {
  const format = formats.find(({ name }) => name === 'NV12') as FormatInfo;
  const side = imported(format, { width: 8, height: 4, gap: 16, padding: 8 });
  const [luma, chroma] = side.allocation.planes;
  const apart: Side = {
    ...side,
    allocation: {
      ...side.allocation,
      planes: [
        { fd: 10, memory: 0, offset: luma?.offset ?? 0, stride: 16 },
        { fd: 11, memory: 1, offset: 100, stride: chroma?.stride ?? 0 },
      ],
    },
  };
  const sizes = [16 * 3 + 8, 16 + 8];
  t.strictSame(planRead(apart, whole), {
    extent: [
      { plane: 0, offset: 16, stride: 0, bytes: sizes[0], rows: 1 },
      { plane: 1, offset: 100, stride: 0, bytes: sizes[1], rows: 1 },
    ],
    size: 80,
  });
  t.strictSame(planRead(apart, { offset: 50n, size: 10n }), {
    extent: [
      { plane: 0, offset: 66, stride: 0, bytes: 6, rows: 1 },
      { plane: 1, offset: 100, stride: 0, bytes: 4, rows: 1 },
    ],
    size: 10,
  });
  t.match(
    refused(() => planRead(apart, { offset: 80n, size: 1n })),
    { refusal: { possible: { max: 79 } } },
  );
});

t.test('a layout that only its driver knows is not touched', async (t) => {
  const format = formats.find(({ name }) => name === 'XR24') as FormatInfo;
  const side = imported(format, { width: 64, height: 64, gap: 0, padding: 0 }, 1n);
  const refusal = { code: 'unsupported_modifier', refusal: { constraint: 'modifier' } };
  for (const work of [
    () => planFill(side, whole),
    () => planRead(side, whole),
    () => planCopy(side, side, all),
  ]) {
    t.match(refused(work), refusal);
  }
  const own = { ...side, allocation: { ...side.allocation, source: 'vulkan' as const } };
  t.strictSame(
    planFill(own, whole),
    { offset: 0, size: MEMORY },
    'the broker’s own is all its own',
  );
  t.equal(planCopy(own, own, all), 'memories');
});
