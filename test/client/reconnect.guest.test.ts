/**
 * Dma_bufs over a restart of the daemon: one that knows nothing of them imports the same memory, which stays mapped
 * and shown where it is; what cannot be brought is gone.
 */
import { once } from 'node:events';
import t from 'tap';
import { type ClientBuffer, connect, type ImageRequest } from '../../src/client/index.js';
import { identity } from '../../src/native/libc/fd.js';
import { TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const nv12: ImageRequest = { kind: 'image', width: 320, height: 240, format: 'NV12' };
const XR24: ImageRequest = { kind: 'image', width: 64, height: 64, format: 'XR24' };

/** What stays. */
const files = ({ planes }: ClientBuffer) =>
  planes.map(({ fd, offset, stride }) => `${fd} ${identity(fd)} ${offset} ${stride}`);

await withoutLeaks(t, 'a restart without a store', async (t) => {
  const first = await TestDaemon.start();
  t.teardown(() => first.stop('SIGKILL'));
  const { folder, clientSocket: socket } = first;
  const client = await connect({ socket });
  const other = await connect({ socket });
  const modifiers = [0n];
  const buffers = {
    linear: await client.allocate({
      kind: 'buffer',
      size: 5000,
      usage: ['transfer', 'cpu_write'],
      lifetime: { lease: 600 },
    }),
    image: await client.allocate({ ...XR24, modifiers, lifetime: 'until_released' }),
    planes: await client.allocate({ ...nv12, separatePlanes: true, source: 'dma-heap:system' }),
    udmabuf: await client.allocate({ ...XR24, source: 'udmabuf' }),
  };
  const redeemed = await other.redeem(await buffers.planes.share());
  const opaque = await client.allocate({
    kind: 'buffer',
    size: 65536,
    handleTypes: ['opaque_fd'],
  });
  await buffers.linear.renew(900);
  const mapped = buffers.planes.map({ memory: 1 });
  mapped.write((bytes) => bytes.write('second memory'));
  buffers.linear.map().write((bytes) => bytes.write('linear'));
  const all = [...Object.values(buffers), redeemed];
  const before = all.map((buffer) => ({ id: buffer.id, files: files(buffer) }));
  const told: string[] = [];
  for (const buffer of all) buffer.onImported(() => told.push(`imported ${buffer.id}`));
  opaque.onGone(() => told.push('gone'));
  const restored = [client, other].map(
    (each) => new Promise<void>((resolve) => each.ref().onReconnected(resolve)),
  );

  await first.end('SIGKILL');
  const second = await TestDaemon.start([], { folder, awaited: true });
  t.teardown(() => second.stop('SIGKILL'));
  await Promise.all(restored);

  t.same(
    all.map(files),
    before.map((each) => each.files),
    'the same fds of the same memory',
  );
  t.notOk(
    before.some(({ id }) => all.some((buffer) => buffer.id === id)),
    'other ids',
  );
  t.same(told.toSorted(), [...all.map(({ id }) => `imported ${id}`), 'gone'].toSorted());
  t.match(opaque.gone, { code: 'invalid_token' });
  const listed = await second.buffers();
  t.same(new Set(listed.map(({ id }) => id)), new Set(all.map(({ id }) => id)));
  const about = ({ id }: ClientBuffer) => listed.find((each) => each.id === id);
  t.match(about(buffers.linear)?.lifetime, { type: 'lease' });
  const left = buffers.linear.leaseSecondsLeft ?? 0;
  t.ok(left > 600 && left <= 900, `${left} s of the lease are left`);
  t.match(about(buffers.image)?.lifetime, { type: 'until_released' });
  t.match(buffers.image, { source: 'import', checked: { how: 'device' }, modifier: 0n });

  mapped.write((bytes) => bytes.write('SECOND'));
  const fresh = await other.redeem(await buffers.planes.share());
  t.equal(fresh.map({ memory: 1 }).bytes.toString('latin1', 0, 13), 'SECOND memory');
  t.equal(redeemed.map({ plane: 1 }).bytes.toString('latin1', 0, 6), 'SECOND');
  t.equal((await buffers.linear.read({ size: 6 })).bytes.toString(), 'linear');
  await buffers.udmabuf.fill(0x01020304);
  t.equal(
    buffers.udmabuf.map().read((bytes) => bytes.readUInt32LE()),
    0x01020304,
  );

  // The one that is there is asked to end: the same again.
  const stopping = once(second.process, 'exit');
  const again = new Promise<void>((resolve) => client.onReconnected(resolve));
  second.process.kill('SIGTERM');
  await stopping;
  const third = await TestDaemon.start([], { folder, awaited: true });
  t.teardown(() => third.stop('SIGKILL'));
  await again;
  t.equal((await buffers.linear.read({ size: 6 })).bytes.toString(), 'linear');

  // A process that was started again has the fds, and the daemon was, too.
  const { planes, size } = buffers.linear;
  const memory = { kind: 'buffer', size, planes } as const;
  const adopted = await other.adopt({ id: 'nosuch', session: 'nosuch', memory });
  t.match(adopted, { source: 'import', size });
  t.equal(adopted.map().bytes.toString('latin1', 0, 6), 'linear');
  t.not(adopted.planes[0]?.fd, planes[0]?.fd, 'with fds of its own');
  await adopted.close();
  await Promise.all([buffers.linear, buffers.image].map((buffer) => buffer.release()));
  await Promise.all(
    [buffers.planes, buffers.udmabuf, redeemed, fresh, opaque].map((buffer) => buffer.close()),
  );
  client.close();
  other.close();
  await third.settled(await third.idleFds());
  t.same(third.errors, []);
});

await withoutLeaks(t, 'more than a daemon imports at once', async (t) => {
  const first = await TestDaemon.start();
  t.teardown(() => first.stop('SIGKILL'));
  const { folder, clientSocket: socket } = first;
  const client = await connect({ socket });
  const made: ClientBuffer[] = [];
  while (made.length < 150) {
    const heap = { kind: 'buffer', size: 4096, source: 'dma-heap:system' } as const;
    made.push(...(await Promise.all(Array.from({ length: 50 }, () => client.allocate(heap)))));
  }
  const back = new Promise<void>((resolve) => client.ref().onReconnected(resolve));
  await first.end('SIGKILL');
  const second = await TestDaemon.start([], { folder, awaited: true });
  t.teardown(() => second.stop('SIGKILL'));
  await back;
  t.same(
    made.filter(({ gone }) => gone !== null),
    [],
  );
  t.equal((await second.buffers()).length, made.length);
  await Promise.all(made.map((buffer) => buffer.close()));
  client.close();
  await second.settled(await second.idleFds());
});
