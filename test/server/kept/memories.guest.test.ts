/**
 * Memory of every kind over the end of the daemon, twice: what was written there is what the next one reads, its
 * Vulkan device works on it, and a token of before leads to the same files.
 */
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  type Client,
  type ClientBuffer,
  connect,
  type LinearRequest,
} from '../../../src/client/index.js';
import { checked } from '../../../src/memory/check-spec.js';
import { identity } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { probeUdmabuf } from '../../../src/native/sources/probe.js';
import type { BufferInfo } from '../../../src/rest/contract.js';
import { CudaDouble } from '../../native/cuda/double.js';
import { eventually, type TestDaemon } from '../../support/daemon.js';
import { ServiceManager } from '../../support/service-manager.js';

t.setTimeout(120_000);
const PAGE = 4096;
const SIZE = 16 * PAGE;
const nv12 = { kind: 'image', width: 320, height: 240, format: 'NV12' } as const;
const XR24 = { kind: 'image', width: 64, height: 64, format: 'XR24' } as const;
const heap = 'dma-heap:system';
const KEPT = [{ lifetime: 'until_released' }, { lifetime: { lease: 3600 } }] as const;
type Kept = (typeof KEPT)[number] | { readonly lifetime: 'connection' };

/** Memory that the daemon has not made. */
async function imported(client: Client, kept: Kept): Promise<ClientBuffer> {
  const [source] = probeUdmabuf().sources;
  const usage = 4;
  const planes = source?.allocate(checked({ kind: 'buffer', size: SIZE, usage }), 'test').planes;
  source?.close();
  if (planes === undefined) throw new Error('no udmabuf in the guest');
  const buffer = await client.import({ kind: 'buffer', size: SIZE, planes, ...kept });
  for (const { fd } of planes) closeSync(fd);
  return buffer;
}

/** A client's own. */
async function own(client: Client, kept: Kept): Promise<ClientBuffer> {
  const fd = sealedMemfd('own', SIZE);
  const buffer = await client.allocate({ kind: 'buffer', size: SIZE, memory: { fd }, ...kept });
  closeSync(fd);
  return buffer;
}

const linear =
  (what: Omit<LinearRequest, 'kind' | 'size'>) =>
  (client: Client, kept: Kept): Promise<ClientBuffer> =>
    client.allocate({ kind: 'buffer', size: SIZE, ...what, ...kept });

const kinds: Readonly<Record<string, (client: Client, kept: Kept) => Promise<ClientBuffer>>> = {
  vulkan: linear({ source: 'vulkan' }),
  heap: linear({ source: heap }),
  udmabuf: linear({ source: 'udmabuf' }),
  memfd: linear({ handleTypes: ['memfd'] }),
  opaque_fd: linear({ handleTypes: ['opaque_fd'] }),
  // Each as two types: what one cannot be read by after the restart, it is by the other.
  'cuda, both': linear({
    ...({ source: 'cuda', handleTypes: ['dma_buf', 'opaque_fd'], allHandleTypes: true } as const),
  }),
  'udmabuf, both': linear({
    ...({ source: 'udmabuf', handleTypes: ['dma_buf', 'memfd'], allHandleTypes: true } as const),
  }),
  import: imported,
  own,
  image: (client, kept) => client.allocate({ ...XR24, ...kept }),
  planes: (client, kept) =>
    client.allocate({ ...nv12, separatePlanes: true, source: heap, ...kept }),
  'disjoint planes': (client, kept) =>
    client.allocate({ ...nv12, separatePlanes: true, source: 'vulkan', ...kept }),
};

/** Of a size that all have. */
const FIRST = { size: 64 };
const isOpaque = ({ handleType }: ClientBuffer) => handleType === 'opaque_fd';
const filesOf = ({ planes }: ClientBuffer) => planes.map(({ fd }) => identity(fd));

/** Something else in each memory of each buffer. */
async function write(buffer: ClientBuffer, value: number): Promise<void> {
  if (isOpaque(buffer)) {
    await buffer.fill(value);
    return;
  }
  for (const memory of buffer.memories.keys()) {
    const mapping = buffer.map({ memory });
    mapping.write((bytes) => bytes.fill(`${value + memory} `));
    mapping.unmap();
  }
}

const charge = async (daemon: TestDaemon) =>
  (await daemon.rest('GET', `/v1/quotas/user/${process.getuid?.()}`)).body.charge;

function pick(buffer: BufferInfo | undefined) {
  const { source, size, planes }: Partial<BufferInfo> = buffer ?? {};
  return { source, size, planes };
}

t.test('what was there before the daemon ended, twice', async (t) => {
  const manager = new ServiceManager(t);
  // Only a process's end, or this, says that its opaque_fds are gone: and this process is the client.
  const config = join(manager.folder, 'config.toml');
  writeFileSync(config, '[accounting]\nunknown_grace_seconds = 1\n');
  const env = new CudaDouble().environment({ uuid: '5a'.repeat(16) });
  const start = () => manager.start(['--config', config], { env });
  let daemon = await start();
  t.teardown(() => daemon.end('SIGKILL'));
  const client = await connect({ socket: daemon.clientSocket });
  const other = await connect({ socket: daemon.clientSocket });
  const made: { kind: string; buffer: ClientBuffer; token: string; files: string[] }[] = [];
  for (const [kind, make] of Object.entries(kinds)) {
    const isUnmapped = kind === 'opaque_fd' || kind === 'cuda, both';
    const own = isUnmapped ? [] : [{ lifetime: 'connection' } as const];
    for (const kept of [...KEPT, ...own]) {
      const buffer = await make(client, kept);
      await write(buffer, made.length * 10);
      const token = await buffer.share({ uses: 4 });
      made.push({ kind, buffer, token, files: isOpaque(buffer) ? [] : filesOf(buffer) });
    }
  }
  // The service manager takes a file once: both have it, and each of the two is kept.
  const [first] = made;
  if (first === undefined) throw new Error('nothing was made');
  const { planes } = first.buffer;
  const double = await client.import({ kind: 'buffer', size: SIZE, planes, ...KEPT[0] });
  const token = await double.share({ uses: 4 });
  made.push({ kind: 'a double', buffer: double, token, files: filesOf(double) });

  // Somebody who has one of two types has no other of it, whatever a daemon tells that knows nothing of that.
  const both = made.find(({ kind }) => kind === 'udmabuf, both');
  const chosen = await other.redeem(both?.token ?? '', { handleTypes: ['memfd'] });

  const contents = await Promise.all(made.map(({ buffer }) => buffer.read(FIRST)));
  const listed = await daemon.buffers();
  const sum = listed.reduce((bytes, { size }) => bytes + size, 0);
  // What was read is charged until it is closed.
  await eventually(async () => (await charge(daemon)).bytes === sum, 'nothing else is charged');
  const charged = await charge(daemon);

  for (const time of ['first', 'second']) {
    const back = [client, other].map(
      (each) => new Promise<void>((resolve) => each.ref().onReconnected(resolve)),
    );
    await daemon.end('SIGKILL');
    daemon = await start();
    await Promise.all(back);
    t.same(daemon.errors, []);
    const after = new Map((await daemon.buffers()).map((each) => [each.id, each]));
    t.equal(after.size, made.length, `after the ${time} end`);
    t.same(await charge(daemon), charged);
    t.equal(chosen.gone, null);
    await chosen.reissue();
    t.same(chosen.handleTypes, ['memfd'], `after the ${time} end`);
    for (const [at, { kind, buffer, token, files }] of made.entries()) {
      const { type } = buffer.leaseSecondsLeft === null ? { type: 'no lease' } : { type: 'lease' };
      const about = `${kind} (${type}), the ${time} time`;
      t.equal(buffer.gone, null, about);
      const { source, size, planes, state }: Partial<BufferInfo> = after.get(buffer.id) ?? {};
      const before = listed.find(({ id }) => id === buffer.id);
      t.same({ source, size, planes, state }, { ...pick(before), state: 'live' }, about);
      t.same((await buffer.read(FIRST)).bytes, contents[at]?.bytes, `${about}: its content`);
      const redeemed = await other.redeem(token);
      t.equal(redeemed.id, buffer.id);
      if (!isOpaque(buffer)) t.same(filesOf(redeemed), files, `${about}: its files`);
      // What is its client's alone came back as the files that the client has brought.
      if (kind.endsWith('both') && before?.lifetime.type !== 'connection')
        t.same(redeemed.handleTypes, buffer.handleTypes, `${about}: all its types`);
      await redeemed.close();
    }
  }

  const device = made.filter(({ buffer }) => buffer.format === null);
  for (const [at, { kind, buffer }] of device.entries()) {
    await buffer.fill(0x01010101 * (at + 1));
    const { bytes } = await buffer.read(FIRST);
    t.same(bytes, Buffer.alloc(FIRST.size, at + 1), `${kind}: work is done on it`);
  }

  await chosen.close();
  for (const { buffer } of made) await buffer.release();
  await eventually(() => manager.names.length === 0, 'what is released leaves the store');
  await eventually(async () => (await charge(daemon)).buffers === 0, 'and is charged no more');
  client.close();
  other.close();
  await daemon.settled(await daemon.idleFds());
  t.same(daemon.errors, []);
});
