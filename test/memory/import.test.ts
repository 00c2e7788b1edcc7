/**
 * Memory that clients bring: its planes must lie in it, and its fds are the broker's to close,
 * whatever comes of it.
 */
import fc from 'fast-check';
import t from 'tap';
import { Broker, type ImportRequest } from '../../src/broker/broker.js';
import type { BrokerError } from '../../src/memory/errors.js';
import { formats } from '../../src/memory/formats.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { checkImport } from '../../src/memory/import.js';
import { linearLayout } from '../../src/memory/layout.js';
import type { BroughtPlane } from '../../src/memory/plane.js';
import type { ImageSpec, MemorySpec } from '../../src/memory/source.js';
import { FakeWorld, peer } from '../broker/support/world.js';
import { refused } from '../support/refused.js';

const image = (format: string, width: number, height: number): ImageSpec => ({
  kind: 'image',
  width,
  height,
  format: fourcc(format),
  modifiers: [0n],
  usage: 4,
});
/** Where nothing else is said, each descriptor is a memory of its own. */
const check = (
  spec: MemorySpec,
  planes: readonly BroughtPlane[],
  sizes: readonly number[],
  memories: readonly unknown[] = planes.map(({ fd }) => fd),
) => checkImport(spec, planes, sizes, memories);
const plane = (offset: number, stride: number, fd = 3): BroughtPlane => ({ fd, offset, stride });

t.test('what the broker itself lays out can be imported, and not a byte less', async (t) => {
  const extents = fc.record({
    width: fc.integer({ min: 1, max: 300 }),
    height: fc.integer({ min: 1, max: 300 }),
  });
  fc.assert(
    fc.property(fc.constantFrom(...formats), extents, (format, extent) => {
      const layout = linearLayout(format, extent);
      const spec: ImageSpec = { ...image(format.name, extent.width, extent.height) };
      const planes = layout.planes.map(({ offset, stride }) => plane(offset, stride));
      const sizes = planes.map(() => layout.memories[0] ?? 0);
      check(spec, planes, sizes);
      const last = layout.planes.at(-1);
      if (last === undefined) throw new Error('no planes');
      // The end of the last row, without its padding, is the least that will do.
      const short = sizes.map(() => last.offset + last.stride * (last.rows - 1));
      t.throws(() => check(spec, planes, short));
    }),
    { numRuns: 200 },
  );
});

t.test('a format of no characters is refused, and 0 is no image', async (t) => {
  for (const format of [0, 0x0a000041, 0xb4325258]) {
    const spec = { ...image('XR24', 4, 4), format };
    t.throws(() => check(spec, [plane(0, 64)], [4096]), {
      code: 'unsupported_format',
      refusal: { constraint: 'format', requested: /^0x/ },
    });
  }
  const unknown = image('ZZ99', 4, 4);
  check(unknown, [plane(0, 64)], [4096]);
});

t.test('each misfit is named', async (t) => {
  const nv12 = image('NV12', 64, 64);
  const good = [plane(0, 64), plane(4096, 64)];
  const sizes = [8192, 8192];
  check(nv12, good, sizes);
  const wrong = (planes: BroughtPlane[], spec = nv12) => refused(() => check(spec, planes, sizes));
  t.match(wrong([plane(0, 64)]), { refusal: { constraint: 'planes', requested: 1, possible: 2 } });
  t.match(wrong([plane(0, 63), plane(4096, 64)]), {
    refusal: { constraint: 'planes.0.stride', requested: 63, possible: { min: 64 } },
  });
  t.match(wrong([plane(0, 64), plane(8192, 64)]), {
    refusal: { constraint: 'planes.1.offset', requested: 8192, possible: { max: 8191 } },
  });
  t.match(wrong([plane(0, 64), plane(7000, 64)]), { refusal: { constraint: 'planes.1' } });
  t.match(wrong([plane(0, 0), plane(0, 0)], image('AR24', 8, 8)), {
    refusal: { constraint: 'planes' },
  });
  const linear = { kind: 'buffer', size: 8000, usage: 4 } as const;
  check(linear, [plane(192, 0)], sizes);
  t.match(
    refused(() => check(linear, [plane(193, 0)], sizes)),
    {
      code: 'invalid_argument',
      refusal: { constraint: 'size', requested: 8000, possible: { max: 7999 } },
    },
  );
  const tiled: ImageSpec = { ...nv12, modifiers: [0x0100_0000_0000_0001n] };
  check(tiled, [plane(0, 1)], sizes);
});

t.test('the fds are closed exactly once', async (t) => {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [], offers: [] });
  const client = broker.connect(peer);
  const owner = { client, peer };
  const request = (size = 100): ImportRequest => ({
    spec: { kind: 'buffer', size, usage: 4 },
    planes: [plane(0, 0, world.openFd())],
    lifetime: 'connection',
    name: null,
  });
  const errors: BrokerError[] = [];
  const take = (size?: number) =>
    broker.import(owner, request(size), (result) => {
      if ('error' in result) errors.push(result.error);
    });

  take(0);
  t.equal(errors.length, 1, 'refused before the source was asked');
  t.equal(world.open.size, 0);

  take();
  t.equal(world.open.size, 1, 'held while it is checked');
  world.answerImport();
  const [buffer] = broker.buffers;
  t.match(buffer?.allocation, { source: 'import', check: { how: 'layout' } });
  t.equal(client.owned.size, 1);

  take();
  broker.disconnect(client);
  t.equal(world.open.size, 1, 'the finished one is released, the pending one is not closed yet');
  world.answerImport();
  t.equal(world.open.size, 0);
  t.strictSame([...broker.buffers], []);
});

t.test('planes of one image that lie in the same bytes', async (t) => {
  const nv12 = image('NV12', 64, 64);
  const both = (planes: BroughtPlane[], memories?: readonly unknown[]) =>
    check(nv12, planes, [65_536, 65_536], memories);
  const overlap = { refusal: { constraint: 'planes.1.offset', requested: 64 * 64 - 1 } };
  t.match(
    refused(() => both([plane(0, 64), plane(64 * 64 - 1, 64)])),
    overlap,
  );
  t.match(
    refused(() => both([plane(0, 64, 3), plane(64 * 64 - 1, 64, 4)], ['same', 'same'])),
    overlap,
    'in one dma_buf by two descriptors',
  );
  both([plane(0, 64), plane(64 * 64, 64)]);
  both([plane(0, 64, 3), plane(0, 64, 4)]);
  both([plane(0, 128), plane(64, 128)]);
  t.match(
    refused(() => both([plane(0, 128), plane(63, 128)])),
    { message: 'planes 0 and 1 overlap' },
    'rows that take turns may not touch either',
  );
});
