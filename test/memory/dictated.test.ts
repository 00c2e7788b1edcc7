/** Layouts that a client dictates: used as they are where planes fit and lie apart, else refused. */
import fc from 'fast-check';
import t from 'tap';
import { estimateOf } from '../../src/broker/quota/estimate.js';
import { checked } from '../../src/memory/check-spec.js';
import { checkDictated, checkRoom, layoutOf } from '../../src/memory/dictated.js';
import { formats } from '../../src/memory/formats.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { checkImport } from '../../src/memory/import.js';
import { knownFormat, linearLayout } from '../../src/memory/layout.js';
import type { PlaneLayout } from '../../src/memory/plane.js';
import type { ImageSpec } from '../../src/memory/source.js';
import { refused } from '../support/refused.js';

type Places = readonly (readonly [offset: number, stride: number])[];

const places = (list: Places): PlaneLayout[] =>
  list.map(([offset, stride]) => ({ offset, stride }));

const image = (format: string, list: Places, more: Partial<ImageSpec> = {}): ImageSpec => ({
  kind: 'image',
  width: 100,
  height: 51,
  format: fourcc(format),
  modifiers: [0n],
  usage: 4,
  layout: places(list),
  ...more,
});

const made = (spec: ImageSpec) => layoutOf(knownFormat(spec.format), spec);

t.test('a driver whose image ends before its planes', async (t) => {
  const room = (spec: ImageSpec, bytes: number) => () => checkRoom(spec, spec.layout ?? [], bytes);
  // 50 whole rows and 400 bytes of the last.
  const end = 8 + 50 * 1024 + 400;
  t.doesNotThrow(room(image('XR24', [[8, 1024]]), end));
  t.match(refused(room(image('XR24', [[8, 1024]]), end - 1)), {
    code: 'unsupported_layout',
    message: new RegExp(`end at ${end}, .* has ${end - 1} bytes`),
    refusal: { constraint: 'layout', requested: { end }, possible: { max: end - 1 } },
  });
  const nv12: Places = [
    [16_384, 128],
    [0, 256],
  ];
  t.throws(room(image('NV12', nv12), 16_384 + 50 * 128 + 99), 'the one that ends last');
  t.doesNotThrow(room(image('NV12', nv12), 16_384 + 50 * 128 + 100));
  const tiled = { modifiers: [0x100000000000001n] };
  t.doesNotThrow(room(image('XR24', [[8192, 512]], tiled), 8193), 'only the driver knows the rows');
  t.throws(room(image('XR24', [[8192, 512]], tiled), 8192), 'but where they begin');
});

t.test('used as it is', async (t) => {
  t.match(made(image('XR24', [[4, 404]])), {
    planes: [{ memory: 0, offset: 4, stride: 404, rows: 51, size: 404 * 51 }],
    memories: [24_576],
  });
  const apart: Places = [
    [16_384, 128],
    [0, 256],
  ];
  t.match(
    made(image('NV12', apart)),
    { planes: [{ offset: 16_384 }, { offset: 0, rows: 26 }], memories: [24_576] },
    'in any order',
  );
  t.match(made(image('NV12', apart, { separatePlanes: true })), {
    planes: [{ memory: 0 }, { memory: 1 }],
    memories: [24_576, 8192],
  });
  const more = { alignment: { height: 16, size: 65_536 } };
  t.match(made(image('XR24', [[0, 1024]], more)), { planes: [{ rows: 64 }], memories: [65_536] });
  t.strictSame(
    layoutOf(knownFormat(fourcc('NV12')), { ...image('NV12', []), layout: undefined as never }),
    linearLayout(knownFormat(fourcc('NV12')), { width: 100, height: 51 }),
    'without one the broker’s own',
  );
  t.strictSame(estimateOf(checked(image('XR24', [[1_000_000, 1024]]))), {
    bytes: 1_052_672 + 4096 - 4096,
    fds: 1,
  });
});

t.test('the broker’s own layout can be dictated, and imported', async (t) => {
  const extents = fc.record({
    width: fc.integer({ min: 1, max: 300 }),
    height: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...formats), extents, fc.boolean(), (format, extent, separate) => {
      const own = linearLayout(format, extent, {}, separate);
      const layout = own.planes.map(({ offset, stride }) => ({ offset, stride }));
      const spec = { ...image(format.name, []), ...extent, separatePlanes: separate, layout };
      checkDictated(spec);
      t.strictSame(made(spec), own);
      const sizes = own.planes.map(({ memory }) => own.memories[memory] ?? 0);
      checkImport(
        spec,
        layout.map((place) => ({ fd: 3, ...place })),
        sizes,
        own.planes.map(({ memory }) => memory),
      );
    }),
    { numRuns: 200 },
  );
});

t.test('what cannot be', async (t) => {
  const cases: [string, ImageSpec, object][] = [
    [
      'rows do not fit',
      image('XR24', [[0, 396]]),
      { constraint: 'layout.0.stride', possible: { min: 400 } },
    ],
    [
      'too many planes',
      image('XR24', [
        [0, 400],
        [65_536, 400],
      ]),
      { constraint: 'layout', possible: { planes: 1 } },
    ],
    [
      'too few planes',
      image('NV12', [[0, 128]]),
      { constraint: 'layout', possible: { planes: 2 } },
    ],
    [
      'an overlap of a row',
      image('NV12', [
        [0, 128],
        [50 * 128, 128],
      ]),
      { constraint: 'layout.1.offset', requested: 6400, possible: { min: 51 * 128 } },
    ],
    [
      'a pixel cut in two',
      image('XR24', [[0, 402]]),
      { constraint: 'layout.0.stride', possible: { multiple_of: 4 } },
    ],
    [
      'what the alignment demands',
      image('XR24', [[64, 512]], { alignment: { stride: 256, offset: 256 } }),
      { constraint: 'layout.0.offset', possible: { multiple_of: 256 } },
    ],
  ];
  for (const [name, spec, refusal] of cases) {
    t.match(
      refused(() => made(spec)),
      { code: 'invalid_argument', refusal },
      name,
    );
  }
});

t.test('values that no layout has', async (t) => {
  const cases: [ImageSpec, object][] = [
    [image('XR24', [[0, 512]], { modifiers: [0n, 1n] }), { constraint: 'modifiers', requested: 2 }],
    [image('XR24', [[0, 2 ** 32]]), { constraint: 'layout.0.stride', requested: 2 ** 32 }],
    [image('XR24', [[0, 0]]), { constraint: 'layout.0.stride', possible: { min: 1 } }],
    [image('XR24', [[-4, 512]]), { constraint: 'layout.0.offset', requested: -4 }],
    [image('XR24', [[0.5, 512]]), { constraint: 'layout.0.offset' }],
  ];
  for (const [spec, refusal] of cases) {
    t.match(
      refused(() => checkDictated(spec)),
      { code: 'invalid_argument', refusal },
    );
  }
  t.match(
    made(image('XR24', [[2 ** 32 - 4, 2 ** 32 - 4]], { height: 65_536 })),
    { memories: [Math.ceil(((2 ** 32 - 4) * 65_537) / 4096) * 4096] },
    'the largest is computed exactly',
  );
});
