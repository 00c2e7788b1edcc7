/**
 * The daemon with CUDA's memory, by the double of libcuda, whose dma_bufs are real ones: which requests get it, what other
 * users and the device see of it, what is told when it is lost or there is none left; and that nothing stays behind.
 */
import { readdirSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type BrokerError, type ClientBuffer, connect } from '../../src/client/index.js';
import { info } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { close, duplicate, isCloexec } from '../../src/native/libc/fd.js';
import { map } from '../../src/native/libc/memory.js';
import { CudaDouble, ILLEGAL_ADDRESS, NOTHING } from '../native/cuda/double.js';
import { Actor } from '../support/actor.js';
import { eventually, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { temporaryFolder } from '../support/folder.js';
import { poolOf } from '../support/pool.js';
import { recounted } from '../support/recount.js';
import { ALICE, BOB, clientOf, daemonForTwo } from '../support/two-users.js';

t.setTimeout(300_000);

const MIB = 2 ** 20;
const UUID = '5a'.repeat(16);
const double = new CudaDouble();
const env = {
  ...withoutVulkan,
  ...double.environment({ uuid: UUID, total: 32 * MIB }),
};
// A POSIX file descriptor tells nothing of who has it.
const toml = '[pool]\nbytes = 0\n[accounting]\nunknown_grace_seconds = 0\n';
const daemon = await daemonForTwo(t, { env, toml });
const rest = (method: string, path: string) => daemon.rest(method, path);
const client = await connect({ socket: daemon.clientSocket });
const before = daemon.openFds();
const linear = { kind: 'buffer', size: 5000 } as const;

/** The double's dma_bufs can be mapped, which NVIDIA's cannot. */
const bytesOf = (buffer: ClientBuffer) => {
  const memory = buffer.map();
  const bytes = memory.read((all) => Buffer.from(all));
  memory.unmap();
  return bytes;
};
const isZero = (bytes: Buffer) => bytes.equals(Buffer.alloc(bytes.length));
const fdOf = ({ planes }: ClientBuffer) => planes[0]?.fd ?? -1;

t.test('what there is', async (t) => {
  const { body } = await rest('GET', '/v1/device');
  t.equal(body.device, null, 'no Vulkan device');
  const cuda = body.sources.filter(({ name }: { name: string }) => name === 'cuda');
  t.match(cuda, [
    { handle_type: 'dma_buf', usable: true, reason: 'Double 0' },
    { handle_type: 'opaque_fd', usable: true, reason: 'Double 0' },
  ]);
  t.same(double.live, NOTHING, 'nobody has asked for memory of it');
});

t.test('a dma_buf of the GPU, for whoever does not want to map it', async (t) => {
  const buffer = await client.allocate(linear);
  t.match(buffer, {
    ...{ source: 'cuda', handleType: 'dma_buf', size: 2 * MIB, device: UUID },
    ...{ memories: [{ size: 2 * MIB }], planes: [{ offset: 0, stride: 0 }] },
  });
  const fd = fdOf(buffer);
  t.ok(isDmaBuf(fd) && isCloexec(fd));
  t.match(info(fd), { exporter: 'udmabuf', size: 2 * MIB, name: `dmabroker:${buffer.id}` });
  t.ok(isZero(bytesOf(buffer)), 'zeroed, all of it');
  t.match((await rest('GET', `/v1/buffers/${buffer.id}`)).body, {
    ...{ source: 'cuda', device: UUID, placement: ['device_local'], exporter: 'udmabuf' },
    vulkan: null,
  });
  await buffer.close();
  const sourceOf = async (request: Parameters<typeof client.allocate>[0]) => {
    const made = await client.allocate(request);
    await made.close();
    return made.source;
  };
  t.equal(await sourceOf({ ...linear, placement: 'device_local' }), 'cuda');
  t.equal(await sourceOf({ ...linear, usage: ['transfer', 'cpu_write'] }), 'dma-heap:system');
  t.equal(await sourceOf({ ...linear, placement: 'host_visible' }), 'dma-heap:system');
  const image = { kind: 'image', width: 640, height: 480, format: 'NV12' } as const;
  t.equal(await sourceOf(image), 'dma-heap:system');
  t.equal(await sourceOf({ ...image, placement: 'device_local' }), 'cuda');
  t.equal(await sourceOf({ ...linear, device: UUID }), 'cuda', 'named as a device');
  await t.rejects(client.allocate({ ...linear, source: 'cuda', usage: ['cpu_read'] }), {
    code: 'unsupported_usage',
  });
});

t.test('another user has the same memory', async (t) => {
  const [alice, bob] = [await clientOf(t, daemon, ALICE), await clientOf(t, daemon, BOB)];
  const { number } = await alice.tell<{ number: number }>({
    ...({ what: 'allocate', size: 4096, source: 'cuda', lifetime: 'connection' } as const),
  });
  const token = await alice.tell<string>({ what: 'share', number, terms: { uses: 1 } });
  const got = await bob.tell<{ number: number }>({ what: 'redeem', token });
  t.equal(await bob.tell({ what: 'word', number: got.number }), 0);
  await alice.tell({ what: 'fill', number, value: 0x0102_0304 });
  t.equal(await bob.tell({ what: 'word', number: got.number }), 0x0102_0304);
  await Promise.all([alice, bob].map((each) => each.end('kill')));
});

t.test('the device fills, reads and copies it', async (t) => {
  const [a, b] = [await client.allocate(linear), await client.allocate(linear)];
  const host = await client.allocate({ ...linear, size: 2 * MIB, source: 'udmabuf' });
  t.equal(await a.fill(0x0403_0201, { offset: 4, size: 8 }), 'device');
  t.same([...bytesOf(a).subarray(0, 16)], [0, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 0, 0]);
  t.equal(await b.copyFrom(a), 'device');
  t.ok(bytesOf(b).equals(bytesOf(a)), "CUDA's to CUDA's");
  const memory = host.map();
  memory.write((bytes) => bytes.fill('not words'));
  memory.unmap();
  t.equal(await b.copyFrom(host), 'device');
  t.ok(bytesOf(b).equals(bytesOf(host)), 'from memory that the CPU maps');
  await a.fill(0);
  await host.copyFrom(a);
  t.ok(isZero(bytesOf(host)), 'and back');
  const read = await b.read({ offset: 7, size: 100_000 });
  t.ok(read.bytes.equals(bytesOf(b).subarray(7, 100_007)));
  for (const each of [a, b, host]) await each.close();
});

t.test('as a POSIX file descriptor', async (t) => {
  const buffer = await client.allocate({ ...linear, handleTypes: ['opaque_fd'] });
  t.match(buffer, { source: 'cuda', handleType: 'opaque_fd', device: UUID, vulkan: null });
  t.ok(isCloexec(fdOf(buffer)));
  t.equal(await buffer.fill(0x0101_0101, { offset: 0, size: 4 }), 'device');
  const read = await buffer.read({ offset: 0, size: 8 });
  t.same([...read.bytes], [1, 1, 1, 1, 0, 0, 0, 0]);
  await buffer.close();
});

const both = { allHandleTypes: true } as const;
const furtherOf = ({ planes }: ClientBuffer) => planes[0]?.further?.[0]?.fd ?? -1;
const wordOf = (fd: number) => {
  const memory = map(fd, 4096, { write: false });
  const word = memory.bytes.readUInt32LE();
  memory.release();
  return word;
};
const stateOf = async ({ id }: { readonly id: string }) =>
  (await daemon.buffers()).find((each) => each.id === id)?.state;

t.test('one memory as a dma_buf and as a POSIX file descriptor', async (t) => {
  const request = { ...linear, ...both, handleTypes: ['opaque_fd', 'dma_buf'] } as const;
  t.match(await client.test(request), { source: 'cuda', handleTypes: ['dma_buf', 'opaque_fd'] });
  const buffer = await client.allocate({ ...request, name: 'both' });
  t.match(buffer, { source: 'cuda', handleType: 'dma_buf', size: 2 * MIB });
  t.same(buffer.handleTypes, ['dma_buf', 'opaque_fd']);
  t.ok(isDmaBuf(fdOf(buffer)) && !isDmaBuf(furtherOf(buffer)));
  t.ok(isCloexec(furtherOf(buffer)));
  t.equal(await buffer.fill(0x0102_0304), 'device');
  t.same([wordOf(fdOf(buffer)), wordOf(furtherOf(buffer))], [0x0102_0304, 0x0102_0304]);
  const { body } = await rest('GET', `/v1/buffers/${buffer.id}`);
  t.match(body, { handle_type: 'dma_buf', further_handle_types: ['opaque_fd'] });
  const charged = (await rest('GET', '/v1/users')).body[0].charge;
  t.match(charged, { bytes: 2 * MIB, buffers: 1, fds: 2 }, 'charged once, with both fds');
  const { body: held } = await rest('GET', `/v1/buffers/${buffer.id}/holders`);
  t.match(held, { complete: false, missing: /opaque fd, too/ });
  const other = await connect({ socket: daemon.clientSocket });
  const redeemed = await other.redeem(await buffer.share());
  t.same(redeemed.handleTypes, ['dma_buf', 'opaque_fd'], 'whoever redeems it has both');
  t.equal(wordOf(furtherOf(redeemed)), 0x0102_0304);
  const token = await buffer.share({ uses: 3 });
  const refused = other.redeem(token, { handleTypes: ['memfd', 'opaque_fd'] });
  await t.rejects(refused, {
    code: 'unsupported_handle_type',
    message: `${buffer.id} is had as dma_buf and opaque_fd, and was asked for as opaque_fd and memfd`,
    refusal: { constraint: 'handle_types', possible: ['dma_buf', 'opaque_fd'] },
  });
  const own = readdirSync('/proc/self/fd').length;
  const one = await other.redeem(token, { handleTypes: ['opaque_fd'] });
  t.equal(readdirSync('/proc/self/fd').length, own + 1, 'one fd came');
  t.same(one.handleTypes, ['opaque_fd'], 'as what it was asked for alone');
  t.equal(wordOf(fdOf(one)), 0x0102_0304);
  const another = await other.redeem(token, { handleTypes: ['dma_buf'] });
  t.same(another.handleTypes, ['dma_buf']);
  t.ok(isDmaBuf(fdOf(another)));
  await another.close();
  double.at('cuMemsetD8_v2', ILLEGAL_ADDRESS);
  await (await client.allocate(linear)).close();
  await eventually(() => buffer.lost, 'lost');
  await buffer.reissue();
  t.same(buffer.handleTypes, ['dma_buf', 'opaque_fd'], 'issued anew as both');
  await buffer.fill(5);
  t.equal(wordOf(furtherOf(buffer)), 5);
  await one.reissue();
  t.same(one.handleTypes, ['opaque_fd'], 'who has one of them has one of the new ones');
  t.equal(wordOf(fdOf(one)), 5);
  t.equal(readdirSync('/proc/self/fd').length, own + 1);
  await redeemed.close();
  other.close();
  await buffer.close();
  await eventually(async () => (await stateOf(buffer)) === undefined, 'gone');
  await recounted(daemon);
});

t.test('a udmabuf with the memfd behind it', async (t) => {
  const request = { ...linear, ...both, handleTypes: ['dma_buf', 'memfd'] } as const;
  for (const size of [5000, MIB]) {
    const buffer = await client.allocate({ ...request, size });
    t.match(buffer, { source: 'udmabuf', handleTypes: ['dma_buf', 'memfd'] });
    const memory = buffer.map();
    memory.write((bytes) => bytes.writeUInt32LE(0x0908_0706, 0));
    memory.unmap();
    const memfd = duplicate(furtherOf(buffer));
    t.equal(
      wordOf(memfd),
      0x0908_0706,
      'what is written through the one is read through the other',
    );
    t.throws(() => map(memfd, 4096, { write: true }), 'the memfd is for reading');
    t.throws(() => writeSync(memfd, 'x'), { code: 'EPERM' });
    // A look at all processes may be a second old.
    const seen = async () =>
      (await rest('GET', `/v1/buffers/${buffer.id}/holders`)).body.holders[0]?.fds === 3;
    await eventually(seen, 'all three fds are seen, and whose they are');
    const { body: all } = await rest('GET', `/v1/processes?pid=${process.pid}`);
    t.match(all.processes, [{ bytes: buffer.size, buffers: 1 }], 'which has it once');
    await buffer.close();
    await eventually(async () => (await stateOf(buffer)) === 'lingering', 'the memfd is held');
    close(memfd);
    await eventually(async () => (await stateOf(buffer)) === undefined, 'it is gone');
    await recounted(daemon);
  }
});

t.test('types that no memory has together', async (t) => {
  const request = { ...linear, ...both, handleTypes: ['memfd', 'opaque_fd'] } as const;
  const refused = await client.allocate(request).catch((error: unknown) => error);
  t.match(refused, {
    code: 'unsupported_handle_type',
    message: 'no usable source gives one memory as opaque_fd and memfd',
  });
  const { possible, nearest } = (refused as BrokerError).refusal;
  t.has(possible, [
    ['dma_buf', 'opaque_fd'],
    ['dma_buf', 'memfd'],
  ]);
  if (nearest == null) throw new Error('there is none');
  await (await client.allocate(nearest)).close();
});

t.test('no memory left', async (t) => {
  const all = await client.allocate({ ...linear, size: 30 * MIB });
  await t.rejects(client.allocate({ ...linear, size: 4 * MIB, source: 'cuda' }), {
    code: 'out_of_memory',
    refusal: { constraint: 'size', requested: 4 * MIB, possible: { max: 2 * MIB } },
  });
  await t.rejects(client.allocate({ ...linear, size: 33 * MIB, source: 'cuda' }), {
    code: 'too_large',
  });
  const last = await client.allocate({ ...linear, source: 'cuda' });
  await all.close();
  await last.close();
  const most = await client.allocate({ ...linear, size: 28 * MIB });
  const image = { kind: 'image', width: 2560, height: 1440, format: 'NV12' } as const;
  await t.rejects(client.allocate({ ...image, separatePlanes: true, source: 'cuda' }), {
    code: 'out_of_memory',
    refusal: { constraint: 'size', requested: 6 * MIB, possible: { max: 4 * MIB } },
  });
  await most.close();
});

t.test('released, and still held', async (t) => {
  const buffer = await client.allocate(linear);
  const copy = duplicate(fdOf(buffer));
  const { id } = buffer;
  await buffer.close();
  const state = async () => (await daemon.buffers()).find((each) => each.id === id)?.state;
  t.equal(await state(), 'lingering', 'its count tells');
  // The allocator's thread does it, in its turn.
  const isLetGo = ({ handles, mappings, reservations } = double.live) =>
    handles + mappings + reservations === 0;
  await eventually(() => isLetGo(), 'the daemon has let go of it');
  await recounted(daemon);
  close(copy);
  await eventually(async () => (await state()) === undefined, 'it is gone');
  await recounted(daemon);
});

const steps = ['cuMemCreate', 'cuMemsetD8_v2', 'cuMemGetHandleForAddressRange'];
for (const call of [...steps, 'cuCtxSynchronize']) {
  t.test(`lost at ${call}`, async (t) => {
    const other = await connect({ socket: daemon.clientSocket });
    const mine = await client.allocate(linear);
    const heap = await client.allocate({ ...linear, source: 'dma-heap:system' });
    const redeemed = await other.redeem(await mine.share());
    double.at(call, ILLEGAL_ADDRESS);
    const fresh = await client.allocate(linear);
    t.ok(double.happened(call), 'lost, and allocated all the same');
    t.ok(isZero(bytesOf(fresh)));
    await eventually(() => mine.lost && redeemed.lost, 'all who have it are told');
    t.notOk(heap.lost, 'memory of other sources is not lost');
    await t.rejects(mine.fill(0), { code: 'device_lost' });
    await t.rejects(mine.share(), { code: 'device_lost' });
    await mine.reissue();
    t.match(mine, { generation: 2, lost: false, source: 'cuda' });
    t.ok(isZero(bytesOf(mine)));
    await redeemed.reissue();
    await mine.fill(0x0909_0909);
    t.equal(bytesOf(redeemed)[0], 9, 'both have the same new memory');
    for (const each of [redeemed, fresh, heap, mine]) await each.close();
    other.close();
  });
}

t.test('gone for a while', async (t) => {
  const buffer = await client.allocate(linear);
  double.gone(true);
  await t.rejects(buffer.fill(0), { code: 'device_lost' });
  await eventually(() => buffer.lost, 'its owner is told');
  await t.rejects(client.allocate({ ...linear, source: 'cuda' }), { code: 'unsupported_source' });
  const other = await client.allocate(linear);
  t.equal(other.source, 'dma-heap:system', 'others take its place');
  await other.close();
  double.gone(false);
  const usable = async () =>
    (await rest('GET', '/v1/device')).body.sources.some(
      (each: { name: string; usable: boolean }) => each.name === 'cuda' && each.usable,
    );
  await eventually(usable, 'it is there again');
  await buffer.reissue();
  t.match(buffer, { generation: 2, source: 'cuda' });
  await buffer.close();
});

t.test('no file descriptor left', async (t) => {
  const its = new CudaDouble();
  const few = await TestDaemon.start(['--pool-bytes', '0'], {
    env: { ...env, ...its.variables({ uuid: UUID }) },
    wrapper: ['prlimit', '--nofile=80'],
  });
  const mine = await connect({ socket: few.clientSocket });
  const held: ClientBuffer[] = [];
  const refusal = async () => {
    for (;;) {
      try {
        held.push(await mine.allocate({ ...linear, source: 'cuda' }));
      } catch (error) {
        return error;
      }
    }
  };
  const refused = { code: 'limit_exceeded', refusal: { constraint: 'fds' } };
  t.match(await refusal(), refused);
  await held.pop()?.close();
  held.push(await mine.allocate({ ...linear, handleTypes: ['memfd'] }));
  t.match(
    await refusal(),
    refused,
    'an even number, an odd one: whichever of its own the driver lacks',
  );
  for (const each of held) await each.close();
  const again = await mine.allocate({ ...linear, source: 'cuda' });
  await again.close();
  await eventually(() => its.live.handles === 0, 'the allocator has let go of it');
  its.slow(200);
  const late = t.rejects(mine.allocate({ ...linear, source: 'cuda' }), 'the daemon ends');
  await eventually(() => its.live.mappings === 1, 'the GPU clears it');
  t.same(few.errors, []);
  await few.stop();
  mine.close();
  await late;
  t.same(its.live, NOTHING, 'it waits for that');
  t.equal(its.complaints, '');
});

t.test('a GPU has spares of its own memory where the machine has none of its', async (t) => {
  const its = new CudaDouble();
  const file = join(temporaryFolder(t), 'dmabroker.toml');
  writeFileSync(file, `[pool]\nbytes = 0\ndevice_bytes = "4M"\n`);
  const pooled = await TestDaemon.start(['--config', file], {
    env: { ...env, ...its.variables({ uuid: UUID }) },
  });
  const mine = await connect({ socket: pooled.clientSocket });
  for (let i = 0; i < 3; i++) {
    await (await mine.allocate({ ...linear, source: 'cuda' })).close();
    await (await mine.allocate({ ...linear, handleTypes: ['memfd'] })).close();
  }
  const gpus = { device: UUID, limit: 4 * MIB, bytes: 4 * MIB };
  const isFull = async () => (await poolOf(pooled)).bytes === 4 * MIB;
  await eventually(isFull, 'there are as many as have room');
  t.match(await poolOf(pooled), {
    memories: [{ device: null, limit: 0, bytes: 0 }, gpus],
    specs: [{ source: 'cuda', spares: 2 }],
  });
  const spare = await mine.allocate({ ...linear, source: 'cuda' });
  t.ok(isZero(bytesOf(spare)));
  t.equal((await poolOf(pooled)).hits, 1);
  await spare.close();
  const types = ['dma_buf', 'opaque_fd'] as const;
  for (let i = 0; i < 3; i++)
    await (await mine.allocate({ ...linear, ...both, handleTypes: types })).close();
  t.match((await poolOf(pooled)).specs, [
    { handle_type: 'dma_buf', further_handle_types: ['opaque_fd'] },
    { handle_type: 'dma_buf', further_handle_types: undefined },
  ]);
  mine.close();
  t.same(pooled.errors, []);
  await pooled.stop();
  t.same(its.live, NOTHING);
});

t.test('a GPU that Vulkan has, too, is one device', async (t) => {
  const plain = await TestDaemon.start();
  const { device_uuid: uuid } = (await plain.rest('GET', '/v1/device')).body.device;
  await plain.stop();
  const its = new CudaDouble();
  const both = await TestDaemon.start(['--pool-bytes', '0'], { env: its.environment({ uuid }) });
  t.teardown(() => both.stop('SIGKILL'));
  const mine = await connect({ socket: both.clientSocket });
  const device = async () => (await both.rest('GET', '/v1/devices')).body;
  const [first, ...others] = await device();
  t.same(others, []);
  t.match(first, {
    ...{ device_uuid: uuid, cuda: { total: 2 ** 30, free: null, allocated: 0 } },
    sources: ['vulkan', 'vulkan', 'cuda', 'cuda'].map((name) => ({ name, usable: true })),
  });
  const ordered = (await both.rest('GET', '/v1/device')).body.sources;
  t.match(
    ordered.map((each: { name: string }) => each.name),
    ['vulkan', 'cuda', /heap/, /udmabuf/, 'vulkan', 'cuda', 'memfd'],
  );

  const unnamed = await mine.allocate(linear);
  t.equal(unnamed.source, 'vulkan', 'its driver exports dma_bufs itself');
  const vulkan = await mine.allocate({ ...linear, source: 'vulkan', handleTypes: ['opaque_fd'] });
  const cuda = await mine.allocate({ ...linear, source: 'cuda' });
  const posix = await mine.allocate({ ...linear, source: 'cuda', handleTypes: ['opaque_fd'] });
  t.match([unnamed, vulkan, cuda, posix], Array(4).fill({ device: uuid }));
  t.match(posix.vulkan, { memoryType: 0, dedicated: false }, 'how Vulkan imports it');
  t.match(await device(), [{ cuda: { free: 2 ** 30 - 4 * MIB, allocated: 4 * MIB } }]);
  const lent = await mine.allocate({ ...linear, source: 'cuda', handleTypes: ['opaque_fd'] });
  its.keeps(true);
  await lent.close();
  // A look at nobody's memory finds nothing, and who was handed it has not exited.
  const released = { held: 0, unknown: 2 * MIB, unknown_at_most: 2 * MIB };
  const lastRelease = { bytes: 2 * MIB, returned: 0 };
  const held = { allocated: 4 * MIB, released, others_at_most: 2 * MIB, last_release: lastRelease };
  // The allocator's thread lets go of it, and says how far free memory rose, in its turn.
  const isTold = async () => {
    const { cuda } = (await device())[0];
    return cuda.released.unknown > 0 && cuda.allocated === 4 * MIB && cuda.last_release !== null;
  };
  await eventually(isTold, 'it is unknown');
  t.match(await device(), [{ cuda: held }], 'somebody may have it, and no more than that');
  t.match((await both.rest('GET', '/v1/device')).body.device, { cuda: held });
  its.keeps(false);
  t.match(await device(), [
    { cuda: { released: { unknown: 2 * MIB, unknown_at_most: 0 }, others_at_most: 0 } },
  ]);
  const back = await mine.allocate({ ...linear, source: 'cuda', handleTypes: ['opaque_fd'] });
  await back.close();
  const isBack = async () => (await device())[0].cuda.last_release.returned === 2 * MIB;
  await eventually(isBack, 'nobody else had it');
  const counted = await mine.allocate({ ...linear, source: 'cuda' });
  const copy = duplicate(fdOf(counted));
  await counted.close();
  t.match(await device(), [{ cuda: { released: { held: 2 * MIB } } }], 'its count tells');
  close(copy);
  await cuda.fill(0x0706_0504);
  for (const [to, from] of [
    [posix, cuda],
    [vulkan, posix],
    [unnamed, vulkan],
  ] as const) {
    t.equal(await to.copyFrom(from, { size: 4096 }), 'device');
  }
  t.ok(bytesOf(unnamed).subarray(0, 4096).equals(bytesOf(cuda).subarray(0, 4096)), 'all the way');

  its.at('cuMemsetD32_v2', ILLEGAL_ADDRESS);
  await t.rejects(cuda.fill(0), { code: 'device_lost' });
  await eventually(() => cuda.lost && posix.lost, 'they are told');
  t.notOk(unnamed.lost || vulkan.lost, 'Vulkan has lost nothing');
  t.match(await device(), [{ losses: 1, last_lost_at: /^2/, cuda: { allocated: 0 } }]);
  for (const each of [unnamed, vulkan, cuda, posix]) await each.close();
  await t.test(
    'of what was released as both kinds the daemon keeps a dma_buf while others have it',
    async (t) => {
      const [owner, reader] = [await Actor.connected(t, both), await Actor.connected(t, both)];
      type Kept = { number: number; id: string };
      const wanted = {
        ...({ what: 'allocate', size: MIB, source: 'cuda', lifetime: 'connection' } as const),
        handleTypes: ['dma_buf', 'opaque_fd'],
      } as const;
      const charge = async (): Promise<{ buffers: number; fds: number }> =>
        (await both.rest('GET', '/v1/users')).body[0].charge;
      const first = await charge();
      const made: Kept[] = [];
      for (let i = 0; i < 3; i++) made.push(await owner.tell<Kept>(wanted));
      const [lent] = made as [Kept, ...Kept[]];
      const states = async () => {
        const all = await both.buffers();
        return made.map(({ id }) => all.find((each) => each.id === id)?.state);
      };
      /** Of those the daemon has. */
      const open = () =>
        readdirSync(`/proc/${both.pid}/fd`).filter((fd) => {
          try {
            const file = readlinkSync(`/proc/${both.pid}/fd/${fd}`);
            return made.some(({ id }) => file.startsWith(`/dmabuf:dmabroker:${id}`));
          } catch {
            return false;
          }
        }).length;
      const charged = { buffers: first.buffers + 3, fds: first.fds + 6 };
      t.match(await charge(), charged);
      t.equal(open(), 3);
      const terms = { uses: 1 };
      const token = await owner.tell<string>({ what: 'share', number: lent.number, terms });
      const got = await reader.tell<Kept>({ what: 'redeem', token });
      for (const { number } of made) await owner.tell({ what: 'release', number });
      await eventually(() => open() === 1, 'a dma_buf that nobody has tells nothing more');
      t.same(await states(), ['lingering', 'unknown', 'unknown'], 'the other is held');
      await reader.tell({ what: 'close', number: got.number });
      await eventually(() => open() === 0, 'nor does that, then, and it would keep the memory');
      t.same(await states(), ['unknown', 'unknown', 'unknown']);
      t.match(await charge(), charged, 'all is charged meanwhile, both fds');
      await Promise.all([owner.end('kill'), reader.end('kill')]);
      const isBack = async () => (await charge()).fds === first.fds;
      await eventually(isBack, 'until all who were handed it have exited');
      t.same(await states(), [undefined, undefined, undefined]);
    },
  );
  mine.close();
  t.same(
    both.errors.filter(({ event }) => event !== 'device_lost'),
    [],
  );
  await both.stop();
  t.same(its.live, NOTHING);
  t.equal(its.complaints, '');
});

t.test('what is left', async (t) => {
  client.close();
  await eventually(async () => (await daemon.buffers()).length === 0, 'no buffer');
  await recounted(daemon);
  t.ok(daemon.openFds() <= before, `${daemon.openFds()} fds, before ${before}`);
  t.match(
    daemon.errors.filter(({ event }) => event !== 'device_lost'),
    [{ msg: 'the device cannot be used', reason: /CUDA_ERROR_UNKNOWN/ }],
    'of while it was gone',
  );
  await daemon.stop();
  t.same(double.live, NOTHING);
  t.equal(double.complaints, '');
});
