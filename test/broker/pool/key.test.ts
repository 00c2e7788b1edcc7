/** Two requests have the same key where, and only where, a source is told the same. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { keyOf } from '../../../src/broker/pool/key.js';
import type { Choice } from '../../../src/broker/request.js';
import type { CheckedSpec, MemorySpec, Placement } from '../../../src/memory/source.js';
import { atNight } from '../../support/night.js';
import { image, linear } from '../support/world.js';

const few = (...values: number[]) => fc.constantFrom(...values);
const alignment = fc.record(
  { stride: few(1, 64), offset: few(1, 64), size: few(1, 4096), height: few(1, 16) },
  { requiredKeys: [] },
);
const common = {
  usage: few(1, 4),
  alignment,
  placement: fc.constantFrom<Placement>('any', 'host_visible'),
};
// isDeepStrictEqual compares prototypes, too.
const place = fc.record({ offset: few(0, 64), stride: few(64, 128) }, { noNullPrototype: true });
const spec = fc.oneof(
  fc.record(
    { kind: fc.constant('buffer' as const), size: few(1, 4096), ...common },
    { requiredKeys: ['kind', 'size', 'usage'] },
  ),
  fc.record(
    {
      kind: fc.constant('image' as const),
      width: few(64, 128),
      height: few(64, 128),
      format: few(1, 2),
      modifiers: fc.array(fc.constantFrom(0n, 1n), { minLength: 1, maxLength: 2 }),
      separatePlanes: fc.boolean(),
      layout: fc.array(place, { minLength: 1, maxLength: 2 }),
      ...common,
    },
    { requiredKeys: ['kind', 'width', 'height', 'format', 'modifiers', 'usage'] },
  ),
);
const choice: fc.Arbitrary<Choice> = fc.record(
  {
    source: fc.constantFrom('memfd', 'vulkan'),
    handleType: fc.constantFrom('memfd', 'dma_buf'),
    device: fc.constantFrom('a', 'b'),
    spec: spec as fc.Arbitrary<CheckedSpec>,
  },
  { requiredKeys: ['source', 'handleType', 'spec'] },
);

/** A choice with everything that is not given spelled out. */
function plain({ device = '', spec, ...rest }: Choice): object {
  const all = { stride: 1, offset: 1, size: 1, height: 1, ...spec.alignment };
  const common = { ...rest, device, placement: spec.placement ?? 'any', usage: spec.usage };
  if (spec.kind === 'buffer') return { ...common, size: spec.size, alignment: all.size };
  const { width, height, format, modifiers, separatePlanes = false, layout = [] } = spec;
  return { ...common, width, height, format, modifiers, separatePlanes, layout, alignment: all };
}

t.test('the same key for the same memory alone', async (t) => {
  let same = 0;
  const property = fc.property(choice, choice, (a, b) => {
    const isSame = isDeepStrictEqual(plain(a), plain(b));
    if (isSame) same++;
    return (keyOf(a) === keyOf(b)) === isSame;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(10_000, 200_000) }));
  t.ok(same > 2, `${same} pairs were the same`);
});

t.test('what is not given, and what is given as it is by default', async (t) => {
  const of = (spec: MemorySpec) =>
    keyOf({ source: 'memfd', handleType: 'memfd', spec: spec as CheckedSpec });
  t.equal(of(linear), of({ ...linear, alignment: { size: 1, stride: 64 }, placement: 'any' }));
  t.equal(of(image), of({ ...image, alignment: { height: 1 }, separatePlanes: false }));
  t.not(of(image), of({ ...image, modifiers: [...image.modifiers, 1n] }));
});
