/**
 * Two real Vulkan devices (lavapipe and a copy of it with another UUID): what is shown of them, memory
 * of each, imports into and work on each, and that nothing of them stays behind.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import type { HandleType } from '../../src/memory/source.js';
import { isDmaBuf } from '../../src/native/kind.js';
import { close } from '../../src/native/libc/fd.js';
import { probeHeaps } from '../../src/native/sources/probe.js';
import { packageRoot } from '../../src/package-root.js';
import type { ListedDeviceInfo } from '../../src/rest/contract.js';
import { DeviceLoss } from '../native/vulkan/loss.js';
import { twoDevices } from '../native/vulkan/second-lavapipe.js';
import { Actor, type Got } from '../support/actor.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { nextMillisecond } from '../support/next-millisecond.js';

t.setTimeout(800_000); // in QEMU beside other work

const run = promisify(execFile);
/** Of a device file; both are small (makedev(3)). */
function numbersOf(path: string): { major: number; minor: number } {
  const { rdev } = statSync(path);
  return { major: rdev >> 8, minor: rdev & 0xff };
}

const { first, second, env: drivers } = twoDevices(t);
/** lavapipe has no DRM node of its own: the main one is told as the first render node, the other is said to have this one. */
const NODE = { uuid: second, ...numbersOf('/dev/dri/card0') };
const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = drivers;
const env = {
  ...new DeviceLoss().environment(undefined, NODE),
  ...{ VK_DRIVER_FILES, VK_ICD_FILENAMES },
};
const daemon = await TestDaemon.start(['--device', first], { env });
t.teardown(() => daemon.stop('SIGKILL'));
const get = async (path: string) => (await daemon.rest('GET', path)).body;
const withoutClient = await daemon.idleFds();
/**
 * What a Mesa driver keeps of its own, for as long as an instance has loaded it: of each device that
 * it lists one of these, whoever opens one.
 */
const OF_DRIVER = [
  '/dev/udmabuf',
  '/memfd:lp_dma_buf (deleted)',
  '/memfd:allocation fd (deleted)',
  '/dmabuf:',
  'anon_inode:sync_file',
];
const ofDriver = () => OF_DRIVER.map((kind) => daemon.openFdsThat((target) => target === kind));
/** A file of the validation layer's, one for each instance. */
const logs = () => daemon.openFdsThat((target) => /^\/tmp\/validation-\w+\/log$/.test(target));
const client = await connect({ socket: daemon.clientSocket });
/** How many formats with a modifier the second one was said to have. */
let foreseen = 0;
/** What the second device's driver keeps open of its own: known once it is open. */
let driver = 0;
const linear = { kind: 'buffer', size: 65_536 } as const;
/** So that what stays of a step is told from what its first time opens. */
const ROUNDS = 4;
const image = { kind: 'image', width: 64, height: 32, format: 'XR24' } as const;

/** The daemon's fds, while the one connection that asks is open. */
async function openFds(): Promise<number> {
  await daemon.clients();
  return daemon.openFds();
}

/** Waits until the daemon has no buffer and as many fds as `before`. */
async function nothingIsLeft(before: number): Promise<void> {
  let left = '';
  const settled = async () => {
    await daemon.drained(); // what was asked for again and again has spares
    const [buffers, fds] = [await daemon.buffers(), daemon.openFds()];
    left = `${JSON.stringify(buffers)}, ${fds} fds; not none and ${before}`;
    return buffers.length === 0 && fds === before;
  };
  await eventually(settled, () => left);
}

/** Its first 32 bits. */
const word = async (buffer: ClientBuffer) => (await buffer.read({ size: 4 })).bytes.readUInt32LE();

/** Of each heap that /metrics shows, its device, and whether all is there that GET /v1/devices shows of it. */
async function measuredHeaps(): Promise<[string, boolean][]> {
  const page: string = await get('/metrics');
  const listed: ListedDeviceInfo[] = await get('/v1/devices');
  const of = (what: string, labels: string) => {
    const line = `dmabroker_vulkan_heap_${what}_bytes{${labels}} `;
    const found = page.split('\n').find((each) => each.startsWith(line));
    return found === undefined ? null : Number(found.slice(line.length));
  };
  const sizes = page.matchAll(
    /^dmabroker_vulkan_heap_size_bytes\{(device="(\w+)",heap="(\d+)")\} (\d+)$/gm,
  );
  return [...sizes].map(([, labels = '', device = '', index, size]) => {
    const heaps = listed.find(({ device_uuid }) => device_uuid === device)?.heaps ?? [];
    const heap = heaps[Number(index)];
    // Both change with every allocation of anybody's.
    const told = (value: number | null | undefined, what: string) =>
      (value === null) === (of(what, labels) === null);
    const same = heap?.size === Number(size);
    return [device, same && told(heap?.budget, 'budget') && told(heap?.usage, 'usage')];
  });
}

t.test('both are shown, and one is open', async (t) => {
  t.same(await measuredHeaps(), [[first, true]], 'and a scrape opens none');
  const listed: ListedDeviceInfo[] = await get('/v1/devices');
  t.match(listed, [
    { device_uuid: first, main: true, open: true, reason: null },
    { device_uuid: second, main: false, open: false, reason: null, heaps: null, sources: [] },
  ]);
  t.equal((await get('/v1/device')).device.device_uuid, first);
  t.same(
    client.devices.map(({ deviceUuid }) => deviceUuid),
    [first, second],
  );
  t.equal(client.description.device?.deviceUuid, first);
  t.same(await get(`/v1/device/formats?device=${second}`), []);
});

t.test('linux-dmabuf: a tranche of each, which opens none', async (t) => {
  const said = async (program: string, ...words: string[]) => {
    const env = { ...process.env, WAYLAND_DISPLAY: daemon.clientSocket };
    const { stdout } = await run(program, words, { env });
    return stdout.trim().split('\n');
  };
  const feedback = join(packageRoot, 'test/support/programs/build/feedback');
  const [table = '', ...tranches] = await said(feedback, daemon.clientSocket, '6');
  const pairs = Number(table.split(' ')[1]);
  const main = numbersOf('/dev/dri/renderD128');
  const tranche = ({ major, minor }: typeof main, flags: number) => [
    ...[`target_device ${major}:${minor}`, `flags ${flags}`, /^formats \d+$/, 'tranche_done'],
  ];
  t.match(tranches, [...tranche(main, 2), ...tranche(NODE, 2), 'done', 'failed']);
  const [of, ofOther] = tranches.flatMap((line) => /^formats (\d+)$/.exec(line)?.[1] ?? []);
  t.equal(Number(of), pairs, 'the table has what the main one has, and the copy has no more');
  const listed: ListedDeviceInfo[] = await get('/v1/devices');
  t.match(listed, [{ open: true }, { open: false, heaps: null }]);
  for (const version of ['4', '5']) {
    const [, ...older] = await said(feedback, daemon.clientSocket, version);
    t.match(older, ['main_device 8', ...tranche(main, 0), 'done', 'failed'], `version ${version}`);
    t.equal(older.length, 7, 'the main device alone');
  }
  const info = await said('wayland-info', '-i', 'zwp_linux_dmabuf_v1');
  const targets = info.filter((line) => /(main|target) device: 0x/.test(line));
  t.match(
    targets,
    [/main device: 0xE280$/, /target device: 0xE280$/],
    'wayland-info, of version 5',
  );
  t.equal(targets.length, 2);
  // A client finds the device of a tranche by its node, and has memory of it.
  const device = client.devices.find(
    (each) => each.mainDevice === BigInt(NODE.major * 256 + NODE.minor),
  );
  t.equal(device?.deviceUuid, second);
  foreseen = Number(ofOther);
  t.ok(foreseen > 4, `${foreseen} of the other`);
});

t.test('a device that is not there', async (t) => {
  const device = '00'.repeat(16);
  await t.rejects(client.allocate({ ...linear, device }), {
    code: 'unsupported_device',
    refusal: { possible: [first, second], nearest: { kind: 'buffer', size: 65_536 } },
  });
  const asked = await daemon.rest('POST', '/v1/buffers', { ...linear, device });
  t.match(asked, { status: 422, body: { code: 'unsupported_device' } });
});

t.test('the second is opened by the first request that names it', async (t) => {
  const plan = () => daemon.rest('POST', '/v1/buffers?dry_run=true', { ...linear, device: second });
  const [before, kinds, files] = [await openFds(), ofDriver(), logs()];
  t.match(await plan(), { status: 200, body: { source: 'vulkan', device: second } });
  // An instance of its own, which lists both devices.
  const each = OF_DRIVER.map(() => 2);
  t.same(
    ofDriver().map((count, i) => count - (kinds[i] ?? 0)),
    each,
  );
  driver = (await openFds()) - before;
  t.equal(driver, each.reduce((sum, count) => sum + count) + logs() - files, 'and nothing else');
  for (let i = 0; i < ROUNDS; i++) await plan();
  t.equal(await openFds(), before + driver, 'it is opened once');
  t.match(await get('/v1/devices'), [
    { open: true },
    {
      main: false,
      open: true,
      heaps: [{}],
      sources: [{ handle_type: 'dma_buf', usable: true }, {}],
    },
  ]);
  t.same(await measuredHeaps(), [
    [first, true],
    [second, true],
  ]);
  const formats: { format: string; modifier: string; handle_type: string }[] = await get(
    `/v1/device/formats?device=${second}`,
  );
  const pairs = formats
    .filter(({ handle_type }) => handle_type === 'dma_buf')
    .map(({ format, modifier }) => `${format} ${modifier}`);
  t.equal(new Set(pairs).size, foreseen, 'what it was said to have before it was open');
  const { sources } = await get('/v1/device');
  const names = sources.map(({ name }: { name: string }) => name);
  t.equal(names.filter((name: string) => name === 'vulkan').length, 2, 'the main one alone');
});

for (const device of [first, second]) {
  t.test(`memory of ${device}`, async (t) => {
    const before = await openFds();
    for (const wanted of [linear, image]) {
      const buffer = await client.allocate({ ...wanted, device });
      t.match(buffer, { source: 'vulkan', handleType: 'dma_buf', device });
      t.ok(buffer.planes.every(({ fd }) => isDmaBuf(fd)));
      const mapped = buffer.map();
      const zeroed = mapped.read((bytes) => bytes.every((byte) => byte === 0));
      t.ok(zeroed);
      mapped.unmap();
      t.match(await get(`/v1/buffers/${buffer.id}`), { device, source: 'vulkan' });
      t.equal(await buffer.fill(0x11223344), 'device');
      t.equal(await word(buffer), 0x11223344);

      await buffer.close();
    }
    const made = await daemon.rest('POST', '/v1/buffers', { ...image, device });
    t.match(made, { status: 201, body: { buffer: { device } } });
    const redeemed = await client.redeem(made.body.token.token);
    t.equal(redeemed.device, device);
    await redeemed.close();
    t.equal((await daemon.rest('DELETE', `/v1/buffers/${redeemed.id}`)).status, 204);
    await nothingIsLeft(before);
  });
}

t.test('memory that was made elsewhere is imported into each', async (t) => {
  const heap = probeHeaps().sources[0];
  if (heap === undefined) throw new Error('there is no DMA heap');
  const before = await openFds();
  for (const device of [first, second]) {
    const made = heap.allocate(
      checked({ kind: 'buffer', size: linear.size, usage: 4 }),
      'elsewhere',
    );
    const imported = await client.import({ ...linear, planes: made.planes, device });
    t.match(imported, { source: 'import', checked: { how: 'device' }, device });
    t.equal(await imported.fill(7), 'device');
    t.equal(await word(imported), 7);
    await imported.close();
    for (const { fd } of made.planes) close(fd);
    heap.free(made.key);
  }
  heap.close();
  await nothingIsLeft(before);
});

t.test('an opaque_fd is worked on by its own device', async (t) => {
  const before = await openFds();
  // Only the end of a process says that its opaque_fds are gone: this client has one of its own.
  const actor = Actor.start(daemon);
  const allocate = async (handleType: HandleType, device: string) => {
    const terms = { source: 'vulkan', size: linear.size, lifetime: 'connection' } as const;
    return (await actor.tell<Got>({ what: 'allocate', ...terms, handleType, device })).number;
  };
  const word = (number: number) => actor.tell<number>({ what: 'word', number });
  try {
    const a = await allocate('opaque_fd', first);
    await nextMillisecond();
    const b = await allocate('opaque_fd', second);
    t.match(await daemon.buffers(), [{ device: first }, { device: second }]);
    await actor.tell({ what: 'fill', number: a, value: 1 });
    await actor.tell({ what: 'fill', number: b, value: 2 });
    t.same([await word(a), await word(b)], [1, 2]);
    const shared = await allocate('dma_buf', first);
    t.equal(await actor.tell({ what: 'copy', number: shared, from: b }), 'device');
    t.equal(await word(shared), 2);
    const refused = await actor.refused({ what: 'copy', number: a, from: b });
    t.match(refused, { code: 'unsupported_handle_type', message: /different devices/ });
    for (const number of [shared, b, a]) await actor.tell({ what: 'close', number });
    const unknown = async () => (await daemon.buffers()).map(({ state }) => state).join();
    await eventually(async () => (await unknown()) === 'unknown,unknown', 'who knows?');
  } finally {
    await actor.end('leave');
  }
  await nothingIsLeft(before);
});

t.test('sources without a device', async (t) => {
  const before = await openFds();
  await t.rejects(client.allocate({ ...linear, device: second, source: 'udmabuf' }), {
    code: 'unsupported_source',
  });
  await t.rejects(client.allocate({ ...linear, device: second, handleTypes: ['memfd'] }), {
    code: 'unsupported_handle_type',
  });
  const heap = await client.allocate({ ...linear, source: 'dma-heap:system' });
  t.equal(heap.device, null);
  t.match(await get(`/v1/buffers/${heap.id}`), { device: null });
  await heap.close();
  const other = await client.allocate(linear);
  t.equal(other.device, first, 'the main one, where none is named');
  await other.close();
  await nothingIsLeft(before);
});

t.test('each of it, again and again', async () => {
  const heap = probeHeaps().sources[0];
  if (heap === undefined) throw new Error('there is no DMA heap');
  const made = heap.allocate(checked({ kind: 'buffer', size: linear.size, usage: 4 }), 'elsewhere');
  const before = await openFds();
  for (let round = 0; round < ROUNDS; round++) {
    for (const device of [first, second]) {
      const own = await client.allocate({ ...linear, device });
      const pixels = await client.allocate({ ...image, device });
      const imported = await client.import({ ...linear, planes: made.planes, device });
      await own.copyFrom(imported);
      await imported.fill(round);
      await pixels.read({ size: 4 });
      for (const buffer of [own, pixels, imported]) await buffer.close();
      const rest = await daemon.rest('POST', '/v1/buffers', { ...linear, device });
      await (await client.redeem(rest.body.token.token)).close();
      await daemon.rest('DELETE', `/v1/buffers/${rest.body.buffer.id}`);
      await daemon.rest('POST', '/v1/buffers?dry_run=true', { ...image, device });
    }
  }
  for (const { fd } of made.planes) close(fd);
  await nothingIsLeft(before);
  heap.free(made.key);
  heap.close();
});

t.test('nothing stays behind', async (t) => {
  client.close();
  await daemon.settled(withoutClient + driver);
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
