/**
 * Two real Vulkan devices (lavapipe and a copy of it with another UUID): what is shown of them, memory
 * of each, imports into and work on each, and that nothing of them stays behind.
 */
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { isDmaBuf } from '../../src/native/dmabuf.js';
import { close } from '../../src/native/libc/fd.js';
import { probeHeaps } from '../../src/native/sources/probe.js';
import type { ListedDeviceInfo } from '../../src/server/control.js';
import { twoDevices } from '../native/vulkan/second-lavapipe.js';
import { eventually, TestDaemon } from '../support/daemon.js';

t.setTimeout(300_000);

const { first, second, env } = twoDevices(t);
const daemon = await TestDaemon.start(['--device', first], { env });
t.teardown(() => daemon.stop('SIGKILL'));
const get = async (path: string) => (await daemon.rest('GET', path)).body;
const client = await connect({ socket: daemon.clientSocket });
const linear = { kind: 'buffer', size: 65_536 } as const;
const image = { kind: 'image', width: 64, height: 32, format: 'XR24' } as const;

/** Its first 32 bits. */
const word = async (buffer: ClientBuffer) => (await buffer.read({ size: 4 })).bytes.readUInt32LE();

t.test('both are shown, and one is open', async (t) => {
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
  const planned = await daemon.rest('POST', '/v1/buffers?dry_run=true', {
    ...linear,
    device: second,
  });
  t.match(planned, { status: 200, body: { source: 'vulkan', device: second } });
  t.match(await get('/v1/devices'), [
    { open: true },
    {
      main: false,
      open: true,
      heaps: [{}],
      sources: [{ handle_type: 'dma_buf', usable: true }, {}],
    },
  ]);
  t.ok((await get(`/v1/device/formats?device=${second}`)).length > 0);
  const { sources } = await get('/v1/device');
  const names = sources.map(({ name }: { name: string }) => name);
  t.equal(names.filter((name: string) => name === 'vulkan').length, 2, 'the main one alone');
});

for (const device of [first, second]) {
  t.test(`memory of ${device}`, async (t) => {
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
  });
}

t.test('memory that was made elsewhere is imported into each', async (t) => {
  const heap = probeHeaps().sources[0];
  if (heap === undefined) throw new Error('there is no DMA heap');
  for (const device of [first, second]) {
    const made = heap.allocate({ kind: 'buffer', size: linear.size, usage: 4 }, 'elsewhere');
    const imported = await client.import({ ...linear, planes: made.planes, device });
    t.match(imported, { source: 'import', checked: { how: 'device' }, device });
    t.equal(await imported.fill(7), 'device');
    t.equal(await word(imported), 7);
    await imported.close();
    for (const { fd } of made.planes) close(fd);
    heap.free(made.key);
  }
  heap.close();
});

t.test('an opaque_fd is worked on by its own device', async (t) => {
  const handleTypes = ['opaque_fd'] as const;
  const opaque = async (device: string) => client.allocate({ ...linear, handleTypes, device });
  const [a, b] = [await opaque(first), await opaque(second)];
  t.match([a, b], [{ device: first }, { device: second }]);
  await a.fill(1);
  await b.fill(2);
  t.same([await word(a), await word(b)], [1, 2]);
  const shared = await client.allocate({ ...linear, device: first });
  t.equal(await shared.copyFrom(b), 'device');
  t.equal(await word(shared), 2);
  await t.rejects(a.copyFrom(b), { code: 'unsupported_handle_type', message: /different devices/ });
  for (const buffer of [shared, b, a]) await buffer.close();
});

t.test('sources without a device', async (t) => {
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
});

t.test('nothing stays behind', async (t) => {
  // Nobody can say when an opaque_fd is gone before its client is.
  const certain = async () => (await daemon.buffers()).filter(({ state }) => state !== 'unknown');
  let left = '';
  const gone = async () => {
    left = JSON.stringify(await certain());
    return left === '[]';
  };
  await eventually(gone, () => left);
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
