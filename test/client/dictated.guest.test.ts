/**
 * Layouts that the client dictates, by the Vulkan driver (the explicit form of the modifier) and by the
 * broker: what is answered is what was asked for, rows lie where it says, and what cannot be is refused.
 */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { connect, type ImageRequest } from '../../src/client/index.js';
import { TestDaemon } from '../support/daemon.js';
import { rejected } from '../support/refused.js';

t.setTimeout(180_000);
const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const before = await daemon.idleFds();
const client = await connect({ socket: daemon.clientSocket });

/** 400 bytes a row; lavapipe would take 448. */
const xr24 = { kind: 'image', width: 100, height: 50, format: 'XR24', source: 'vulkan' } as const;
const nv12 = { kind: 'image', width: 100, height: 50, format: 'NV12' } as const;

t.test('one plane', async (t) => {
  const usual = await client.allocate(xr24);
  t.notSame(usual.planes[0]?.stride, 1024, 'not the driver’s own choice');
  usual.map().write((bytes) => {
    for (const i of bytes.keys()) bytes[i] = (i * 11) & 0xff;
  });
  for (const source of ['vulkan', 'dma-heap:system', 'udmabuf']) {
    for (const offset of source === 'vulkan' ? [0] : [0, 8192]) {
      const place = { offset, stride: 1024 };
      const layout = [place];
      const image = await client.allocate({ ...xr24, source, layout });
      t.match(image.planes, layout, `${source}: the answer`);
      t.equal(image.planes.length, 1);
      const { stride } = place;
      t.ok(fstatSync(image.planes[0]?.fd ?? -1).size >= offset + 49 * stride + 400, 'it fits');
      // The device, or whoever else copies, finds the rows there.
      t.equal(await image.copyFrom(usual), 'device');
      const expected = usual.map().read((bytes) => Buffer.from(bytes));
      const found = image.map().read((bytes) => Buffer.from(bytes));
      const from = usual.planes[0] ?? { offset: 0, stride: 0 };
      for (let y = 0; y < 50; y++) {
        const a = expected.subarray(from.offset + y * from.stride).subarray(0, 400);
        const b = found.subarray(offset + y * stride).subarray(0, 400);
        if (!a.equals(b)) t.fail(`${source}: row ${y} of ${JSON.stringify(place)}`);
      }
      await image.close();
    }
  }
  await usual.close();
});

t.test('NV12 with dictated offsets', async (t) => {
  const layout = [
    { offset: 4096, stride: 256 },
    { offset: 65_536, stride: 128 },
  ];
  for (const source of ['vulkan', 'dma-heap:system', 'udmabuf']) {
    const image = await client.allocate({ ...nv12, source, layout });
    t.match(image.planes, layout, source);
    t.ok(image.size >= 65_536 + 25 * 128);
    await image.close();
    const apart = await client.allocate({ ...nv12, source, layout, separatePlanes: true });
    t.match(apart.planes, layout, `${source}: in memories of their own`);
    const sizes = apart.planes.map(({ fd }) => fstatSync(fd).size);
    t.strictSame(sizes, [4096 + 4 * 4096, 65_536 + 4096]);
    await apart.close();
  }
});

t.test('refused', async (t) => {
  const place = (offset: number, stride: number) => ({ offset, stride });
  const cases: [string, Partial<ImageRequest>, object][] = [
    [
      'a stride that is too small',
      { layout: [place(0, 396)] },
      {
        code: 'invalid_argument',
        refusal: { constraint: 'layout.0.stride', possible: { min: 400 } },
      },
    ],
    [
      'two planes of one',
      { layout: [place(0, 1024), place(65_536, 1024)] },
      { code: 'invalid_argument', refusal: { constraint: 'layout', possible: { planes: 1 } } },
    ],
    [
      'two modifiers',
      { layout: [place(0, 1024)], modifiers: [0n, 1n] },
      { code: 'invalid_argument', refusal: { constraint: 'modifiers', possible: 1 } },
    ],
    [
      'planes that overlap',
      { format: 'NV12', layout: [place(0, 128), place(128 * 50 - 128, 128)] },
      { refusal: { constraint: 'layout.1.offset', possible: { min: 6400 } } },
    ],
    [
      'half a pixel',
      { layout: [place(2, 1024)] },
      { refusal: { constraint: 'layout.0.offset', possible: { multipleOf: 4 } } },
    ],
    // Half of the machine's memory is what the daemon may have.
    ['more than there is', { layout: [place(0, 2 ** 32 - 4)] }, { code: 'limit_exceeded' }],
  ];
  for (const [what, change, expected] of cases) {
    for (const source of ['vulkan', 'dma-heap:system']) {
      const wish = { ...xr24, source, ...change };
      t.match(await rejected(client.allocate(wish)), expected, `${source}: ${what}`);
    }
  }
  // lavapipe puts every image at offset 0, whatever is asked for (Mesa 25): noticed, and told.
  t.match(await rejected(client.allocate({ ...xr24, layout: [place(8192, 1024)] })), {
    code: 'unsupported_layout',
    refusal: { constraint: 'layout', possible: [{ offset: 0, stride: 1024 }] },
  });
});

t.test('nothing stays behind', async (t) => {
  client.close();
  await daemon.settled(before);
  t.same(daemon.errors, []);
  t.equal(await daemon.stop(), 0);
});
