/**
 * The daemon's Vulkan device is lost while clients use it, at every step of an allocation: what
 * they are told, what they get, what REST and the log say; and that nothing stays behind.
 */
import { once } from 'node:events';
import t from 'tap';
import { type Client, type ClientBuffer, connect } from '../../src/client/index.js';
import { info } from '../../src/native/dmabuf.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { close, duplicate } from '../../src/native/libc/fd.js';
import { DeviceLoss, type LosableCall } from '../native/vulkan/loss.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { recounted } from '../support/recount.js';

t.setTimeout(500_000);

const loss = new DeviceLoss();
// A driver that is not known is not trusted to hand out zeroed memory: it is cleared by commands. Each
// allocation must make the calls that lose the device: none is answered from the pool.
const daemon = await TestDaemon.start(['--pool-bytes', '0'], {
  env: loss.environment('not known'),
});
t.teardown(() => daemon.stop('SIGKILL'));
const rest = (method: string, path: string) => daemon.rest(method, path);
const open = () => connect({ socket: daemon.clientSocket });

/** Neither its size nor its rows are whole pages, so that the GPU must clear it. */
const small = { kind: 'image', width: 33, height: 17, format: 'AR24', source: 'vulkan' } as const;
const linear = { kind: 'buffer', size: 65_536, source: 'vulkan' } as const;

const content = (buffer: ClientBuffer) => {
  const memory = buffer.map();
  const first = memory.read((bytes) => bytes[0]);
  const same = memory.read((bytes) => bytes.every((byte) => byte === first));
  memory.unmap();
  return same ? first : null;
};
const fill = (buffer: ClientBuffer, value: number) => {
  const memory = buffer.map();
  memory.write((bytes) => bytes.fill(value));
  memory.unmap();
};

async function lose(client: Client, call: LosableCall): Promise<void> {
  loss.at(call);
  const wanted = call === 'vkBindBufferMemory' ? linear : small;
  const fresh = await client.allocate(wanted);
  t.ok(loss.happened(call), `lost at ${call}, and allocated all the same`);
  t.equal(content(fresh), 0);
  await fresh.close();
}

const [owner, other] = [await open(), await open()];
// The first allocations open what stays open.
await (await owner.allocate(small)).close();
/** Without the validation layer's: it opens its log for each VkInstance and keeps it. */
const openFds = () => daemon.openFdsThat((target) => !target.endsWith('/log'));
/** A socket and a pidfd. */
const before = openFds();

const calls: LosableCall[] = [
  'vkAllocateMemory',
  'vkBindImageMemory',
  'vkBindBufferMemory',
  'vkGetMemoryFdKHR',
  'vkQueueSubmit',
  'vkWaitForFences',
];
let losses = 0;
for (const call of calls) {
  t.test(`lost at ${call}`, async (t) => {
    const image = await owner.allocate(small);
    const heap = await owner.allocate({ ...linear, source: 'dma-heap:system' });
    const mine = await other.allocate(linear);
    const token = await image.share({ uses: 5 });
    const redeemed = await other.redeem(token);
    const imported = await other.import({
      kind: linear.kind,
      size: linear.size,
      planes: heap.planes,
    });
    t.equal(imported.checked?.how, 'device');
    const old = image.map();
    old.write((bytes) => bytes.fill(7));
    fill(heap, 3);

    await lose(owner, call);
    losses++;
    await eventually(() => image.lost && redeemed.lost && mine.lost, 'all who have it are told');
    await Promise.all([owner.sync(), other.sync()]);
    t.notOk(heap.lost || imported.lost, 'memory of other sources is not lost');
    t.equal(content(heap), 3);
    t.match(imported.generation, 1);
    t.match((await rest('GET', `/v1/buffers/${image.id}`)).body, { state: 'lost', generation: 1 });
    t.match((await rest('GET', `/v1/buffers/${heap.id}`)).body, { state: 'live' });
    await t.rejects(image.share(), { code: 'device_lost' });
    await t.rejects(other.redeem(token), { code: 'device_lost' });
    await t.rejects(redeemed.reissue(), { code: 'permission_denied' });

    const told = new Promise<void>((resolve) => redeemed.onReissued(resolve));
    const [plane] = await image.reissue();
    t.match(image, { generation: 2, lost: false });
    t.ok(isDmaBuf(plane?.fd ?? -1));
    t.equal(info(plane?.fd ?? -1)?.name, `dmabroker:${image.id}`);
    t.equal(content(image), 0, 'zeroed');
    t.ok(
      old.read((bytes) => bytes.every((byte) => byte === 7)),
      'the old mapping is memory still',
    );
    await told;
    await redeemed.reissue();
    fill(image, 9);
    t.equal(content(redeemed), 9, 'both have the same new memory');
    const third = await other.redeem(token);
    t.match(third, { generation: 2 });
    t.match((await rest('GET', `/v1/buffers/${image.id}`)).body, { state: 'live', generation: 2 });
    for (const buffer of [third, redeemed, mine, imported, heap, image]) await buffer.close();
  });
}

t.test('the old memory is charged until nobody has it', async (t) => {
  const image = await owner.allocate(small);
  const copy = duplicate(image.planes[0]?.fd ?? -1);
  await lose(owner, 'vkGetMemoryFdKHR');
  losses++;
  await eventually(() => image.lost, 'its owner is told');
  await image.reissue();
  const former = async () =>
    (await daemon.buffers()).find(({ former_of }) => former_of === image.id);
  const kept = await former();
  t.match(kept, { state: 'lingering', generation: 1, owner: { client: /^c/ } });
  const path = `/v1/buffers/${kept?.id}`;
  t.match((await rest('GET', `${path}/holders`)).body.holders, [{ pid: process.pid }]);
  t.equal((await rest('DELETE', path)).status, 404, 'it is released already');
  await recounted(daemon);
  close(copy);
  await eventually(async () => (await former()) === undefined, 'the old memory is gone');
  await recounted(daemon);
  await image.close();
});

t.test('a buffer made over REST is re-issued over REST', async (t) => {
  const made = await daemon.rest('POST', '/v1/buffers', {
    kind: 'buffer',
    size: 4096,
    sources: ['vulkan'],
    token: { uses: 2 },
  });
  t.equal(made.status, 201);
  const path = `/v1/buffers/${made.body.buffer.id}`;
  await lose(owner, 'vkGetMemoryFdKHR');
  losses++;
  t.match((await rest('GET', path)).body, { state: 'lost' });
  const reissued = await rest('POST', `${path}/reissue`);
  t.match(reissued, { status: 200, body: { state: 'live', generation: 2, tokens: 1 } });
  t.match((await rest('POST', `${path}/reissue`)).body, { generation: 2 }, 'once');
  const redeemed = await other.redeem(made.body.token.token);
  t.equal(content(redeemed), 0);
  await redeemed.close();
  t.equal((await rest('DELETE', path)).status, 204);
});

t.test('a device that is gone for a while', async (t) => {
  const image = await owner.allocate(small);
  loss.refuseDevices(true);
  loss.at('vkAllocateMemory');
  await t.rejects(owner.allocate(linear), { code: 'device_lost' });
  losses++;
  await eventually(() => image.lost, 'its owner is told');
  await t.rejects(owner.allocate(linear), { code: 'unsupported_source' });
  await t.rejects(image.reissue(), { code: 'device_lost' });
  const { source } = await owner.allocate({ kind: 'buffer', size: 4096 });
  t.not(source, 'vulkan', 'others take its place');
  const { sources } = (await rest('GET', '/v1/device')).body;
  t.match(
    sources.find(({ name }: { name: string }) => name === 'vulkan'),
    { usable: false, reason: /cannot be used again/ },
  );
  loss.refuseDevices(false);
  const restored = () => daemon.log.filter(({ event }) => event === 'device_restored').length;
  await eventually(() => restored() === losses, 'it is opened again');
  await image.reissue();
  t.match(image, { generation: 2 });
  t.equal(content(image), 0);
  await image.close();
});

t.test('twenty losses leave nothing behind', async (t) => {
  const kept = await owner.allocate(small);
  for (let i = 0; i < 20; i++) {
    await lose(owner, i % 2 === 0 ? 'vkAllocateMemory' : 'vkWaitForFences');
    losses++;
    await kept.reissue();
  }
  t.equal(kept.generation, 21);
  await kept.close();
});

t.test('what is left', async (t) => {
  owner.close();
  other.close();
  // This process has fds of its own of some: those linger.
  const released = async () => (await daemon.buffers()).every(({ state }) => state !== 'live');
  await eventually(released, 'no live buffers');
  const lingering = (await daemon.buffers()).length;
  const { body } = await rest('GET', '/v1/device');
  t.match(body.device, { losses, last_lost_at: /^2/ });
  const events = (name: string) => daemon.log.filter(({ event }) => event === name);
  t.equal(events('device_lost').length, losses);
  t.match(events('device_lost')[0], {
    level: 50,
    device: /llvmpipe/,
    buffers: 2,
    reason: 'vkAllocateMemory: VK_ERROR_DEVICE_LOST',
  });
  t.equal(events('device_restored').length, losses);
  t.equal(events('buffer_reissued').length, calls.length + 23);
  await eventually(
    () => openFds() <= before + lingering,
    () => `${openFds()} fds, not at most ${before} and ${lingering} that linger`,
  );
  daemon.process.kill('SIGTERM');
  await once(daemon.process, 'exit');
  t.equal(daemon.process.exitCode, 0);
});
