/**
 * Memory that was made elsewhere, here by a DMA heap and by udmabuf without the broker: registered,
 * imported into the Vulkan device, shared, and read by another client. What is no dma_buf, or is too
 * small, is refused with the plane named. And a client's own memfd, of which the daemon makes a dma_buf.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { get } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { decode } from 'fast-png';
import t from 'tap';
import { type BroughtPlane, connect } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import { info } from '../../src/native/dmabuf.js';
import { identity } from '../../src/native/libc/fd.js';
import { sealedBytes, sealedMemfd } from '../../src/native/libc/memory.js';
import { probeHeaps, probeUdmabuf } from '../../src/native/sources/probe.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { FuseFile, fuseMissing } from '../support/fuse.js';
import { rejected } from '../support/refused.js';

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const client = await connect({ socket: daemon.clientSocket });
const before = daemon.openFds();

const brought = ({ fd, offset, stride }: BroughtPlane): BroughtPlane => ({ fd, offset, stride });

/** Planes of memory that the daemon has never seen. */
function elsewhere(
  from: 'heap' | 'udmabuf',
  spec: { width: number; height: number; format: number },
) {
  const [source] = from === 'heap' ? probeHeaps().sources : probeUdmabuf().sources;
  if (source === undefined) throw new Error(`no ${from} in the guest`);
  const image = { kind: 'image', ...spec, modifiers: [0n], usage: 4 } as const;
  const planes = source.allocate(checked(image), 'elsewhere').planes.map(brought);
  return {
    planes,
    close: () => {
      for (const fd of new Set(planes.map((plane) => plane.fd))) closeSync(fd);
    },
  };
}

const NV12 = 0x3231564e;
const XR24 = 0x34325258;

for (const from of ['heap', 'udmabuf'] as const) {
  t.test(`an NV12 image from a ${from} is registered and shared`, async (t) => {
    const made = elsewhere(from, { width: 320, height: 240, format: NV12 });
    const imported = await client.import({
      kind: 'image',
      width: 320,
      height: 240,
      format: 'NV12',
      planes: made.planes,
      name: 'from elsewhere',
    });
    t.equal(imported.source, 'import');
    t.equal(imported.checked?.how, 'device', imported.checked?.reason ?? 'not checked');
    t.equal(
      identity(imported.planes[0]?.fd ?? -1),
      identity(made.planes[0]?.fd ?? -1),
      'the same file',
    );
    t.strictSame(
      imported.planes.map(({ offset, stride }) => ({ offset, stride })),
      made.planes.map(({ offset, stride }) => ({ offset, stride })),
    );
    imported.map().write((bytes) => bytes.fill('frame'));

    const { body } = await daemon.rest('GET', `/v1/buffers/${imported.id}`);
    t.match(body, { source: 'import', import: { checked: 'device' }, format: 'NV12' });
    t.equal(body.exporter, from === 'heap' ? 'system' : 'udmabuf');

    const other = await connect({ socket: daemon.clientSocket });
    const redeemed = await other.redeem(await imported.share());
    t.equal(
      redeemed.map({ write: false }).read((bytes) => bytes.toString('utf8', 0, 10)),
      'frameframe',
    );
    t.equal(redeemed.checked?.how, 'device', 'who redeems is told, too');
    made.close();
    await imported.release();
    t.ok((info(redeemed.planes[0]?.fd ?? -1)?.count ?? 0) >= 1, 'the memory lives on');
    await redeemed.close();
    other.close();
  });
}

t.test('what is no dma_buf is refused', async (t) => {
  const memfd = sealedMemfd('no dma_buf', 4096);
  const planes = [{ fd: memfd, offset: 0, stride: 0 }];
  t.match(await rejected(client.import({ kind: 'buffer', size: 4096, planes })), {
    code: 'invalid_argument',
    refusal: { constraint: 'planes.0.fd' },
  });
  closeSync(memfd);
});

t.test('planes that do not fit are refused, and nothing is lost', async (t) => {
  const made = elsewhere('heap', { width: 64, height: 64, format: XR24 });
  const image = { kind: 'image', width: 64, height: 64, format: 'XR24' } as const;
  const [plane] = made.planes;
  if (plane === undefined) throw new Error('no plane');
  t.match(await rejected(client.import({ ...image, height: 4000, planes: made.planes })), {
    refusal: { constraint: 'planes.0' },
  });
  t.match(await rejected(client.import({ ...image, planes: [{ ...plane, stride: 4 }] })), {
    refusal: { constraint: 'planes.0.stride', possible: { min: 256 } },
  });
  const imported = await client.import({ ...image, planes: made.planes });
  await imported.close();
  made.close();
});

t.test('memory that is too small for an image of the device is not called its', async (t) => {
  const size = { width: 32, height: 4 };
  const made = elsewhere('heap', { ...size, format: XR24 });
  const [plane] = made.planes;
  if (plane === undefined) throw new Error('no plane');
  const total = info(plane.fd)?.size ?? 0;
  const wish = { kind: 'image', width: 32, height: 1, format: 'XR24' } as const;
  const taken = async (offset: number, stride: number) => {
    const imported = await client.import({ ...wish, planes: [{ fd: plane.fd, offset, stride }] });
    const { checked } = imported;
    // Copied it can be, all the same.
    t.equal(await imported.fill(0), 'device');
    await imported.close();
    return checked;
  };
  t.match(await taken(0, total / 4), { how: 'device' });
  // lavapipe has four rows of every image (Mesa 25).
  t.match(await taken(0, total), {
    how: 'layout',
    reason: new RegExp(`needs ${4 * total} bytes, the memory has ${total}$`),
  });
  // and puts each at offset 0.
  t.match(await taken(256, 256), { how: 'layout', reason: /planes at .*"offset":0/ });
  made.close();
});

t.test('an image in the middle of a larger dma_buf: its pixels alone are touched', async (t) => {
  const [width, height, left, top] = [16, 8, 32, 10];
  // One of its own: the thread that makes pictures stays.
  const daemon = await TestDaemon.start();
  t.teardown(() => daemon.stop('SIGKILL'));
  const client = await connect({ socket: daemon.clientSocket });
  const made = elsewhere('heap', { width: 64, height: 64, format: XR24 });
  const [plane] = made.planes;
  if (plane === undefined) throw new Error('no plane');
  const { fd, stride } = plane;
  const outer = await client.import({
    kind: 'image',
    width: 64,
    height: 64,
    format: 'XR24',
    planes: made.planes,
  });
  const place = { fd, stride, offset: top * stride + left * 4 };
  const wish = { kind: 'image', width, height, format: 'XR24', planes: [place] } as const;
  const inner = await client.import(wish);
  await outer.fill(0x0101_0101);
  await inner.fill(0x0202_0202);
  const { bytes } = await outer.read();
  const wrong: string[] = [];
  for (let y = 0; y < 64; y++) {
    for (let x = 0; x < 64; x++) {
      const inside = x >= left && x < left + width && y >= top && y < top + height;
      if (bytes[y * stride + x * 4] !== (inside ? 2 : 1)) wrong.push(`${x},${y}`);
    }
  }
  t.strictSame(wrong, []);
  t.equal((await inner.read()).bytes.length, (height - 1) * stride + width * 4);
  const path = `/v1/buffers/${inner.id}/preview.png`;
  const [response] = await once(
    get({ socketPath: daemon.restSocket, path, agent: false }),
    'response',
  );
  const { data, ...size } = decode(await buffer(response));
  t.match(size, { width, height });
  t.ok(
    data.every((value, i) => value === (i % 4 === 3 ? 255 : 2)),
    'its picture is of its own pixels',
  );
  await inner.close();
  await outer.close();
  made.close();
  client.close();
  t.equal(await daemon.stop(), 0);
});

t.test('a memfd of the client’s own is the buffer’s memory', async (t) => {
  const memfd = sealedMemfd('own', 3 * 4096);
  writeSync(memfd, 'frame', 4096);
  const own = await client.allocate({
    kind: 'buffer',
    size: 8192,
    memory: { fd: memfd, offset: 4096 },
    name: 'own',
  });
  t.equal(own.source, 'udmabuf');
  const mapping = own.map();
  t.equal(
    mapping.read((bytes) => bytes.toString('latin1', 0, 5)),
    'frame',
  );
  mapping.write((bytes) => bytes.write('other'));
  const seen = Buffer.alloc(5);
  readSync(memfd, seen, 0, 5, 4096);
  t.equal(seen.toString(), 'other', 'the same memory');
  const { body } = await daemon.rest('GET', `/v1/buffers/${own.id}`);
  t.match(body, { funded_by: 'client', source: 'udmabuf', size: 8192 });
  mapping.unmap();
  await own.release();
  const plan = await client.test({ kind: 'buffer', size: 8192, memory: { fd: memfd } });
  t.match(plan, { source: 'udmabuf', size: 8192 }, 'a dry run needs no more');
  await eventually(
    async () => (await daemon.rest('GET', '/v1/buffers')).body.length === 0,
    'it is gone, though the memfd is not',
  );
  closeSync(memfd);
});

t.test('a memfd that will not do', async (t) => {
  const readOnly = sealedMemfd('read only', 4096);
  const reopened = openSync(`/proc/self/fd/${readOnly}`, 'r');
  const content = sealedBytes('content', Buffer.alloc(4096));
  const short = sealedMemfd('short', 4096);
  const cases: [string, number, number][] = [
    ['is open for reading alone', reopened, 0],
    ['is sealed against writing', content, 0],
    ['ends too early', short, 4096],
    ['begins within a page', short, 1],
  ];
  for (const [name, fd, offset] of cases) {
    const asked = client.allocate({ kind: 'buffer', size: 4096, memory: { fd, offset } });
    const refusal = { constraint: 'memory', nearest: null };
    t.match(await rejected(asked), { code: 'invalid_argument', refusal }, name);
  }
  for (const fd of [readOnly, reopened, content, short]) closeSync(fd);
});

/** write(2) holds the lock of its file while it reads a page of memory, which is FUSE's here: for as long as that likes. */
t.test('a memfd whose owner holds its lock', { skip: fuseMissing() }, async (t) => {
  const file = await FuseFile.mount(t);
  const memfd = sealedMemfd('locked', 4096);
  await file.hold('READ');
  const held = file.held();
  const script = [
    'import mmap, os, sys',
    'memory = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 4096, prot=mmap.PROT_READ)',
    'os.write(3, memory)',
  ];
  const stdio = ['ignore', 'inherit', 'inherit', memfd] as const;
  const writer = spawn('python3', ['-c', script.join('\n'), file.path], { stdio: [...stdio] });
  const exit = once(writer, 'exit');
  await held;
  const slow = client.allocate({ kind: 'buffer', size: 4096, memory: { fd: memfd } });
  let answered = false;
  const noted = slow.finally(() => {
    answered = true;
  });
  const other = await connect({ socket: daemon.clientSocket, reconnect: false });
  const quick = await other.allocate({ kind: 'buffer', size: 1 << 20, source: 'udmabuf' });
  t.equal(quick.size, 1 << 20, 'others of the same user are served, from the same source');
  t.comment(answered ? 'this kernel takes no lock' : 'it waits');
  await quick.release();
  other.close();
  await file.letGo();
  t.strictSame(await exit, [0, null]);
  await (await noted).release();
  closeSync(memfd);
});

t.test('nothing stays behind', async (t) => {
  t.strictSame((await daemon.rest('GET', '/v1/buffers?state=live')).body, []);
  await eventually(() => daemon.openFds() === before, 'the daemon closed what it was given');
  client.close();
  t.equal(await daemon.stop(), 0);
});
