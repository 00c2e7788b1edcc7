/**
 * Copy, fill and read through the real daemon between every two kinds of memory: by the device where it
 * takes both, through staging memory where only one, by the CPU where none. The suite's validation
 * layer watches the daemon; its fds are counted.
 */
import { closeSync } from 'node:fs';
import t from 'tap';
import { type ClientBuffer, connect, type ImageRequest } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import { probeUdmabuf } from '../../src/native/sources/probe.js';
import { sharedDaemon } from '../support/actor.js';
import { TestDaemon, withoutVulkan } from '../support/daemon.js';
import { rejected } from '../support/refused.js';

t.setTimeout(800_000); // in QEMU beside other work
const SIZE = 64 * 1024;
/** More than one piece of staging memory (transfers.ts, STAGING_BYTES). */
const LARGE = 17 * 1024 * 1024;

// Only a process's end, or this, says that its opaque_fds are gone: and this process is the client.
const daemon = await sharedDaemon(t, { toml: '[accounting]\nunknown_grace_seconds = 1\n' });
const before = await daemon.idleFds();
const client = await connect({ socket: daemon.clientSocket });

const kinds = ['vulkan', 'dma-heap:system', 'udmabuf', 'import', 'opaque_fd', 'memfd'] as const;
type Kind = (typeof kinds)[number];

/** Registers memory that the daemon has not made: the second half of a udmabuf. */
async function imported(size: number): Promise<ClientBuffer> {
  const [source] = probeUdmabuf().sources;
  if (source === undefined) throw new Error('no udmabuf in the guest');
  const [plane] = source.allocate(
    checked({ kind: 'buffer', size: 2 * size, usage: 4 }),
    'test',
  ).planes;
  source.close();
  if (plane === undefined) throw new Error('no plane');
  const planes = [{ ...plane, offset: size }];
  const buffer = await client.import({ kind: 'buffer', size, planes });
  closeSync(plane.fd);
  return buffer;
}

function allocate(kind: Kind, size = SIZE): Promise<ClientBuffer> {
  if (kind === 'import') return imported(size);
  const handleTypes = [kind === 'opaque_fd' || kind === 'memfd' ? kind : 'dma_buf'] as const;
  const source = kind === 'opaque_fd' ? 'vulkan' : kind;
  return client.allocate({ kind: 'buffer', size, handleTypes, source });
}

/** Only a memfd is not for the device; two sides of which one is opaque are not for the CPU. */
function pathOf(...sides: Kind[]): 'device' | 'cpu' {
  return sides.includes('memfd') && !sides.includes('opaque_fd') ? 'cpu' : 'device';
}

t.test('every kind into every other', async (t) => {
  let value = 0x01020304;
  for (const from of kinds) {
    for (const to of kinds) {
      const [source, destination] = [await allocate(from), await allocate(to)];
      value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
      const word = Buffer.alloc(4);
      word.writeUInt32LE(value);
      t.equal(await source.fill(value), pathOf(from), `fill ${from}`);
      await source.fill(0xffffffff, { offset: 8, size: 4 });
      const expected = Buffer.alloc(SIZE, word);
      expected.fill(0xff, 8, 12);
      t.equal(await destination.copyFrom(source), pathOf(from, to), `${from} to ${to}`);
      const { bytes, path } = await destination.read({ size: SIZE });
      t.equal(path, pathOf(to), `read ${to}`);
      t.ok(bytes.equals(expected), `${from} to ${to}: all of it`);
      // At odd offsets, and nothing beside.
      await destination.copyFrom(source, { sourceOffset: 7, offset: 1001, size: 3 });
      expected.copy(expected, 1001, 7, 10);
      t.ok((await destination.read({ size: SIZE })).bytes.equals(expected), `${to}: a range`);
      if (destination.handleType !== 'opaque_fd') {
        const at = destination.planes[0]?.offset ?? 0;
        const seen = destination
          .map()
          .read((memory) => memory.subarray(at, at + SIZE).equals(expected));
        t.ok(seen, `${to}: the memory itself`);
      }
      await Promise.all([source.close(), destination.close()]);
    }
  }
});

t.test('an import is written where it was registered', async (t) => {
  const buffer = await imported(SIZE);
  await buffer.fill(0xffffffff);
  const outside = buffer.map().read((bytes) => bytes.subarray(0, SIZE).equals(Buffer.alloc(SIZE)));
  t.ok(outside, 'nothing before it');
  t.match(await rejected(buffer.read({ offset: SIZE })), { refusal: { constraint: 'offset' } });
  await buffer.close();
});

t.test('more than the staging memory holds', async (t) => {
  const [opaque, memfd] = [await allocate('opaque_fd', LARGE), await allocate('memfd', LARGE)];
  const pattern = memfd.map().bytes;
  for (let at = 0; at < LARGE; at += 4096) pattern.writeUInt32LE(at, at);
  t.equal(await opaque.copyFrom(memfd), 'device', 'up');
  const { bytes } = await opaque.read();
  t.ok(bytes.equals(pattern), 'read');
  await memfd.fill(0);
  t.equal(await memfd.copyFrom(opaque), 'device', 'down');
  t.ok(bytes.equals(pattern));
  await Promise.all([opaque.close(), memfd.close()]);
});

interface Rows {
  readonly plane: number;
  readonly rows: number;
  readonly bytes: number;
}

/** The bytes of an image's rows, without what lies between them. */
function rowsOf(image: ClientBuffer, planes: readonly Rows[]): Buffer {
  return Buffer.concat(
    planes.flatMap(({ plane, rows, bytes }) => {
      const { offset, stride } = image.planes[plane] ?? { offset: 0, stride: 0 };
      const memory = image.map({ plane });
      const all = memory.read((mapped) =>
        Array.from({ length: rows }, (_, y) => {
          const at = offset + stride * y;
          return Buffer.from(mapped.subarray(at, at + bytes));
        }),
      );
      memory.unmap();
      return all;
    }),
  );
}

t.test('images of different strides', async (t) => {
  const size = { width: 102, height: 66 };
  const cases: [string, Rows[]][] = [
    ['XR24', [{ plane: 0, rows: 66, bytes: 408 }]],
    [
      'NV12',
      [
        { plane: 0, rows: 66, bytes: 102 },
        { plane: 1, rows: 33, bytes: 102 },
      ],
    ],
  ];
  for (const [format, rows] of cases) {
    const wish: ImageRequest = { kind: 'image', ...size, format };
    const wide = { ...wish, alignment: { stride: 1024 } };
    const variants: [string, ImageRequest][] = [
      ['vulkan', { ...wish, source: 'vulkan' }],
      ['vulkan, wide', { ...wide, source: 'vulkan' }],
      ['heap, wide, separate', { ...wide, source: 'dma-heap:system', separatePlanes: true }],
      ['memfd, wide', { ...wide, handleTypes: ['memfd'] }],
    ];
    for (const [from, request] of variants) {
      const source = await client.allocate(request);
      for (const plane of new Set(source.planes.keys())) {
        source.map({ plane }).write((bytes) => {
          for (const i of bytes.keys()) bytes[i] = (i * 13 + plane) & 0xff;
        });
      }
      const expected = rowsOf(source, rows);
      for (const [to, target] of variants) {
        const destination = await client.allocate(target);
        const path = await destination.copyFrom(source);
        t.equal(path, `${from} ${to}`.includes('memfd') ? 'cpu' : 'device');
        t.ok(rowsOf(destination, rows).equals(expected), `${format}: ${from} to ${to}`);
        await destination.close();
      }
      await source.close();
    }
  }
});

t.test('refused, and released while work is pending', async (t) => {
  const [a, b] = [await allocate('vulkan'), await allocate('dma-heap:system')];
  const image = await client.allocate({ kind: 'image', width: 16, height: 16, format: 'XR24' });
  const other = await client.allocate({ kind: 'image', width: 16, height: 16, format: 'AR24' });
  const max = Number.MAX_SAFE_INTEGER;
  const cases: [() => Promise<unknown>, object][] = [
    [() => a.copyFrom(b, { offset: 4 }), { refusal: { constraint: 'size' } }],
    [
      () => a.copyFrom(b, { sourceOffset: max, size: max }),
      { refusal: { constraint: 'source_offset' } },
    ],
    [() => a.copyFrom(a, { offset: 4, size: 8 }), { code: 'invalid_argument', message: /overlap/ }],
    [() => a.fill(0, { offset: 1, size: 4 }), { refusal: { possible: { multipleOf: 4 } } }],
    [() => image.copyFrom(other), { code: 'unsupported_format' }],
    [() => image.fill(0, { size: 4 }), { code: 'invalid_argument' }],
  ];
  // One after the other: a refusal that nobody awaits yet would be unhandled.
  for (const [ask, expected] of cases) t.match(await rejected(ask()), expected);
  const large = await allocate('dma-heap:system', LARGE);
  const pending = Promise.all([a.fill(0x11111111), b.copyFrom(a), b.read(), large.fill(1)]);
  await client.sync(); // the daemon has read them: REST is another way to it
  await Promise.all([a.release(), daemon.rest('DELETE', `/v1/buffers/${b.id}`)]);
  const [, , { bytes }] = await pending;
  t.ok(
    bytes.every((byte) => byte === 0x11),
    'it was done all the same',
  );
  t.match(await rejected(b.read()), { code: 'not_found' });
  for (const buffer of [b, image, other, large]) await buffer.close();
});

t.test('dma_bufs without a device', async (t) => {
  const alone = await TestDaemon.start([], { env: withoutVulkan });
  const fds = await alone.idleFds();
  const other = await connect({ socket: alone.clientSocket });
  const [a, b] = await Promise.all(
    ['dma-heap:system', 'udmabuf'].map((source) =>
      other.allocate({ kind: 'buffer', size: SIZE, source }),
    ),
  );
  if (a === undefined || b === undefined) throw new Error('nothing was allocated');
  t.equal(await a.fill(0x22222222), 'cpu');
  t.equal(await b.copyFrom(a), 'cpu');
  t.ok(b.map().read((bytes) => bytes.every((byte) => byte === 0x22)));
  t.equal((await b.read()).path, 'cpu');
  other.close();
  await Promise.all([a.close().catch(() => {}), b.close().catch(() => {})]);
  await alone.settled(fds);
  t.equal(await alone.stop(), 0);
});

t.test('nothing stays behind', async (t) => {
  client.close();
  await daemon.settled(before);
  t.same(daemon.errors, []);
  t.equal(await daemon.stop(), 0);
});
