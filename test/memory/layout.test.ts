/** Linear layouts: measured and hand-computed ones, properties over all formats, and what is refused. */
import fc from 'fast-check';
import t from 'tap';
import { type Alignment, checkAlignment, MAX_ALIGNMENT } from '../../src/memory/alignment.js';
import { type FormatInfo, formats } from '../../src/memory/formats.js';
import { type LinearLayout, linearLayout, MAX_OFFSET, meets } from '../../src/memory/layout.js';
import { refused } from '../support/refused.js';

const named = (name: string): FormatInfo => {
  const found = formats.find((format) => format.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};
const of = (name: string, width: number, height: number, alignment?: Alignment) => {
  const { planes, memories } = linearLayout(named(name), { width, height }, alignment);
  return [planes.map(({ offset, stride, rows }) => [offset, stride, rows]), memories];
};

t.test('one plane is laid out as lavapipe does', async (t) => {
  // Measured with VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT, Mesa 25.0.7.
  t.strictSame(of('AR24', 1366, 768), [[[0, 5504, 768]], [4_227_072]]);
});

t.test('by hand', async (t) => {
  const cases: [ReturnType<typeof of>, unknown][] = [
    // 1920 x 1080: luma 2,073,600 bytes, chroma right behind it.
    [
      of('NV12', 1920, 1080),
      [
        [
          [0, 1920, 1080],
          [2_073_600, 1920, 540],
        ],
        [3_112_960],
      ],
    ],
    [
      of('NV12', 1920, 1080, { height: 16, stride: 256 }),
      [
        [
          [0, 2048, 1088],
          [2_228_224, 2048, 544],
        ],
        [3_342_336],
      ],
    ],
    [
      of('P010', 1, 1),
      [
        [
          [0, 64, 1],
          [64, 64, 1],
        ],
        [4096],
      ],
    ],
    // Odd: 683 chroma samples in 342 rows; luma's stride is twice chroma's.
    [
      of('YU12', 1365, 683),
      [
        [
          [0, 1408, 683],
          [961_664, 704, 342],
          [1_202_432, 704, 342],
        ],
        [1_445_888],
      ],
    ],
    [
      of('NV24', 100, 2),
      [
        [
          [0, 128, 2],
          [256, 256, 2],
        ],
        [4096],
      ],
    ],
    // 33 pixels are 17 blocks of 4 bytes.
    [of('YUYV', 33, 1), [[[0, 128, 1]], [4096]]],
    [of('RG24', 22, 1), [[[0, 128, 1]], [4096]]],
    [of('R8  ', 1, 1, { size: 65_536 }), [[[0, 64, 1]], [65_536]]],
  ];
  for (const [found, wanted] of cases) t.strictSame(found, wanted);
});

t.test('planes on their own', async (t) => {
  const extent = { width: 1920, height: 1080 };
  t.strictSame(linearLayout(named('NV12'), extent, {}, true), {
    planes: [
      { memory: 0, offset: 0, stride: 1920, rows: 1080, size: 2_073_600 },
      { memory: 1, offset: 0, stride: 1920, rows: 540, size: 1_036_800 },
    ],
    memories: [2_076_672, 1_040_384],
  });
});

const power = (max: number) =>
  fc.integer({ min: 0, max: Math.log2(max) }).map((exponent) => 2 ** exponent);
const alignments = fc.record(
  {
    stride: power(4096),
    offset: power(65_536),
    size: power(2 ** 21),
    height: power(256),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Alignment>;
const pixels = fc.integer({ min: 1, max: 16_384 });
const format = fc.constantFrom(...formats);
const whole = (value: number) => Number.isInteger(value);

/** What every layout must have, computed from the format alone and not by layout.ts. */
function sound(
  layout: LinearLayout,
  info: FormatInfo,
  w: number,
  h: number,
  a: Alignment,
): boolean {
  let end = 0;
  let memory = 0;
  for (const [i, plane] of layout.planes.entries()) {
    const source = info.planes[i];
    if (source === undefined) return false;
    const samples = Math.floor((w + source.hsub - 1) / source.hsub);
    const blocks = Math.floor((samples + source.blockWidth - 1) / source.blockWidth);
    if (plane.memory !== memory) {
      memory = plane.memory;
      end = 0;
    }
    const ok =
      plane.offset >= end &&
      plane.stride >= blocks * source.bytesPerBlock &&
      plane.rows * source.vsub >= h &&
      plane.size === plane.stride * plane.rows &&
      whole(plane.stride / Math.max(64, a.stride ?? 1)) &&
      whole(plane.offset / Math.max(64, a.offset ?? 1)) &&
      plane.offset + plane.size <= (layout.memories[plane.memory] ?? 0);
    if (!ok) return false;
    end = plane.offset + plane.size;
  }
  const rows = layout.planes[0]?.rows ?? 0;
  return (
    layout.planes.length === info.planes.length &&
    whole(rows / (a.height ?? 1)) &&
    layout.memories.every((size) => whole(size / Math.max(4096, a.size ?? 1)))
  );
}

t.test('planes hold their rows, are aligned and do not overlap', async () => {
  fc.assert(
    fc.property(format, pixels, pixels, alignments, fc.boolean(), (info, w, h, a, separate) =>
      sound(linearLayout(info, { width: w, height: h }, a, separate), info, w, h, a),
    ),
  );
});

t.test('no larger image takes less', async () => {
  const less = (a: LinearLayout, b: LinearLayout) =>
    a.memories.every((size, i) => size <= (b.memories[i] ?? 0)) &&
    a.planes.every((plane, i) => {
      const other = b.planes[i];
      return other !== undefined && plane.offset <= other.offset && plane.stride <= other.stride;
    });
  const more = fc.nat({ max: 100 });
  fc.assert(
    fc.property(format, pixels, pixels, more, more, alignments, (info, w, h, dw, dh, a) =>
      less(
        linearLayout(info, { width: w, height: h }, a),
        linearLayout(info, { width: w + dw, height: h + dh }, a),
      ),
    ),
  );
});

t.test('strides keep their proportion', async () => {
  const bits = (info: FormatInfo, i: number) => {
    const plane = info.planes[i];
    return plane === undefined ? 0 : plane.bytesPerBlock / plane.blockWidth / plane.hsub;
  };
  fc.assert(
    fc.property(format, pixels, alignments, (info, width, a) => {
      const { planes } = linearLayout(info, { width, height: 4 }, a);
      const luma = planes[0]?.stride ?? 0;
      return planes.every(({ stride }, i) => stride * bits(info, 0) === luma * bits(info, i));
    }),
  );
});

t.test('what the protocol cannot say is refused', async (t) => {
  // 65,536 x 65,536 of luma are 2^32 bytes: chroma's offset has no 32 bits.
  const square = { width: 65_536, height: 65_536 };
  t.match(
    refused(() => linearLayout(named('NV12'), square)),
    {
      code: 'too_large',
      refusal: { constraint: 'offset', requested: 2 ** 32, possible: { max: MAX_OFFSET } },
    },
  );
  t.equal(linearLayout(named('NV12'), square, {}, true).memories[0], 2 ** 32, 'but on its own');
  t.match(
    refused(() => linearLayout(named('AB4H'), { width: 2 ** 29, height: 1 })),
    {
      code: 'too_large',
      refusal: { constraint: 'stride', requested: 2 ** 32, possible: { max: MAX_OFFSET } },
    },
  );
  t.match(
    refused(() => linearLayout(named('AR24'), { width: 65_536, height: 2 ** 40 })),
    {
      code: 'too_large',
      refusal: { constraint: 'size', requested: 2 ** 58, possible: { max: 2 ** 53 - 1 } },
    },
  );
});

t.test('alignments', async (t) => {
  checkAlignment({});
  checkAlignment({ ...MAX_ALIGNMENT });
  for (const wrong of [0, -64, 3, 63, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.match(
      refused(() => checkAlignment({ offset: wrong })),
      {
        code: 'invalid_argument',
        refusal: { constraint: 'alignment.offset', possible: { power_of_two: true, max: 65_536 } },
      },
    );
  }
  t.match(
    refused(() => checkAlignment({ stride: 131_072 })),
    {
      code: 'too_large',
      refusal: { constraint: 'alignment.stride', requested: 131_072, possible: { max: 65_536 } },
    },
  );
  t.match(
    refused(() => checkAlignment({ stride: 64 }, ['size'])),
    {
      code: 'invalid_argument',
      refusal: { constraint: 'alignment.stride', possible: ['alignment.size'] },
    },
  );
  checkAlignment({ stride: 1, size: 4096 }, ['size']);
});

t.test("a driver's layout against a demand", async (t) => {
  const extent = { width: 1366, height: 768 };
  const layout = { planes: [{ offset: 0, stride: 5504 }], size: 4_227_072 };
  t.ok(meets(layout, extent, {}));
  t.ok(meets(layout, extent, { stride: 128, size: 4096, height: 256 }));
  t.notOk(meets(layout, extent, { stride: 256 }));
  t.notOk(meets(layout, extent, { size: 65_536 }));
  t.notOk(meets(layout, extent, { height: 512 }), '1024 rows have no room');
  t.notOk(meets({ ...layout, planes: [{ offset: 64, stride: 64 }] }, extent, { offset: 128 }));
});
