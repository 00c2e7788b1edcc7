/**
 * Every format through the daemon, as a client asks for it: where its planes lie is held against sizes
 * written down here from drm_fourcc.h's comments, not computed by the code under test, and by a
 * pattern in each plane that a copy on the device brings to another buffer.
 */
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { formats } from '../../src/memory/formats.js';
import { TestDaemon } from '../support/daemon.js';

t.setTimeout(300_000);

/** Bytes that the samples of one row take, and rows, of one plane of a w × h image. */
type Extent = (w: number, h: number) => readonly [bytes: number, rows: number];

const half = (n: number) => Math.ceil(n / 2);
const pixels =
  (bytes: number): Extent =>
  (w, h) => [w * bytes, h];
/** Cb and Cr side by side in every second row, each sample of so many bytes. */
const pairs420 =
  (bytes: number): Extent =>
  (w, h) => [half(w) * 2 * bytes, half(h)];
const quarter: Extent = (w, h) => [half(w), half(h)];
/** Y0 Cb Y1 Cr: two pixels in four bytes, and a lone last one in four as well. */
const macropixels: Extent = (w, h) => [half(w) * 4, h];

const planesOf: Readonly<Record<string, readonly Extent[]>> = {
  ...Object.fromEntries(['R8'].map((name) => [name, [pixels(1)]])),
  ...Object.fromEntries(['RG16', 'BG16', 'GR88', 'R16'].map((name) => [name, [pixels(2)]])),
  ...Object.fromEntries(['RG24', 'BG24'].map((name) => [name, [pixels(3)]])),
  ...Object.fromEntries(
    ['AR24', 'XR24', 'AB24', 'XB24', 'RA24', 'RX24', 'BA24', 'BX24']
      .concat(['AR30', 'XR30', 'AB30', 'XB30', 'GR32'])
      .map((name) => [name, [pixels(4)]]),
  ),
  ...Object.fromEntries(['AB4H', 'XB4H', 'AB48', 'XB48'].map((name) => [name, [pixels(8)]])),
  NV12: [pixels(1), pairs420(1)],
  NV21: [pixels(1), pairs420(1)],
  NV16: [pixels(1), (w, h) => [half(w) * 2, h]],
  NV24: [pixels(1), pixels(2)],
  P010: [pixels(2), pairs420(2)],
  P012: [pixels(2), pairs420(2)],
  P016: [pixels(2), pairs420(2)],
  YU12: [pixels(1), quarter, quarter],
  YV12: [pixels(1), quarter, quarter],
  YU16: [pixels(1), (w, h) => [half(w), h], (w, h) => [half(w), h]],
  YU24: [pixels(1), pixels(1), pixels(1)],
  YUYV: [macropixels],
  UYVY: [macropixels],
};

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const client = await connect({ socket: daemon.clientSocket });
const before = daemon.openFds();

/** Every sample's place in each plane of it, once: `visit` gets plane, offset in the plane's memory. */
function samples(
  buffer: ClientBuffer,
  extents: readonly (readonly [number, number])[],
  visit: (bytes: Buffer, row: number, from: number, length: number, plane: number) => void,
): void {
  for (const [plane, [length, rows]] of extents.entries()) {
    const mapped = buffer.map({ plane });
    const { offset, stride } = buffer.planes[plane] as ClientBuffer['planes'][number];
    mapped.write((bytes) => {
      for (let row = 0; row < rows; row++) visit(bytes, row, offset + row * stride, length, plane);
    });
    mapped.unmap();
  }
}

/** A byte that tells plane, row and column from their neighbours. */
const byteAt = (plane: number, row: number, column: number) =>
  (plane * 101 + row * 31 + column * 7 + 1) & 0xff;

t.test('the table has them all', async (t) => {
  t.same(Object.keys(planesOf).sort(), formats.map(({ name }) => name.trim()).sort());
});

for (const [name, extentsOf] of Object.entries(planesOf)) {
  t.test(name, async (t) => {
    const [width, height] = [101, 67];
    const extents = extentsOf.map((extent) => extent(width, height));
    const wish = { kind: 'image', width, height, format: name.padEnd(4) } as const;
    const buffer = await client.allocate(wish);
    const apart = await client.allocate({ ...wish, separatePlanes: true });
    for (const made of [buffer, apart]) {
      t.match(made, { handleType: 'dma_buf', modifier: 0n });
      t.equal(made.planes.length, extents.length);
      for (const [plane, [length]] of extents.entries()) {
        t.ok((made.planes[plane]?.stride ?? 0) >= length, `plane ${plane}: a row has room`);
      }
    }
    let outside = 0;
    samples(buffer, extents, (bytes, row, from, length, plane) => {
      if (from + length > bytes.length) outside++;
      for (let column = 0; column < length; column++) {
        bytes[from + column] = byteAt(plane, row, column);
      }
    });
    t.equal(outside, 0, 'every row is inside its memory');
    t.equal(await apart.copyFrom(buffer), 'device');
    // A plane that shared bytes with another would have been written over by it.
    let wrong = 0;
    for (const made of [buffer, apart]) {
      samples(made, extents, (bytes, row, from, length, plane) => {
        for (let column = 0; column < length; column++) {
          if (bytes[from + column] !== byteAt(plane, row, column)) wrong++;
        }
      });
    }
    t.equal(wrong, 0, 'every sample of every plane is there');
    await buffer.close();
    await apart.close();
  });
}

t.test('nothing stays behind', async (t) => {
  await daemon.released(before);
  client.close();
  t.same(daemon.errors, []);
  t.equal(await daemon.stop(), 0);
});
