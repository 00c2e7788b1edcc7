/** allocateMany: equal buffers in one request, all or none, on the wire and in what is left. */
import { fstatSync } from 'node:fs';
import t from 'tap';
import { connect } from '../../src/client/index.js';
import { eventually, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { ServiceManager } from '../support/service-manager.js';

const REQUEST = { kind: 'buffer', size: 8192, handleTypes: ['memfd'] } as const;

await withoutLeaks(t, 'several equal buffers', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  /** REST hears of it a moment later. */
  const listed = (count: number) =>
    eventually(async () => (await daemon.buffers()).length === count, `${count} are there`);

  await t.test('each is as any other', async (t) => {
    const buffers = await client.allocateMany({ ...REQUEST, name: 'ring' }, 40);
    t.equal(buffers.length, 40);
    t.equal(new Set(buffers.map(({ id }) => id)).size, 40);
    const files = buffers.map(({ planes: [plane] }) => fstatSync(plane?.fd ?? -1).ino);
    t.equal(new Set(files).size, 40, 'each has its own memory');
    await listed(40);
    const [first, second] = buffers;
    if (first === undefined || second === undefined) throw new Error('there are none');
    await first.fill(7);
    await second.copyFrom(first);
    const token = await second.share();
    const other = await connect({ socket: daemon.clientSocket, reconnect: false });
    const shared = await other.redeem(token);
    t.equal((await shared.read({ size: 4 })).bytes.readUInt32LE(), 7);
    other.close();
    await shared.close();
    await first.release();
    await listed(39);
    for (const buffer of buffers.slice(1)) await buffer.close();
    await listed(0);
  });

  await t.test('a refusal rejects once, and leaves nothing', async (t) => {
    const refusal = await t.rejects(client.allocateMany({ ...REQUEST, source: 'vulkan' }, 5));
    t.ok(refusal);
    const tooMany = await client.allocateMany(REQUEST, 65).catch((error) => error);
    t.ok(tooMany instanceof RangeError);
    t.equal(tooMany.message, 'count must be a whole number from 1 to 64, and is 65');
    t.equal(client.description.limits.batch, 64n);
    await listed(0);
    await t.rejects(client.allocateMany(REQUEST, 0), RangeError);
    await t.rejects(client.allocateMany({ ...REQUEST, memory: { fd: 0 } }, 2), TypeError);
    await t.rejects(client.allocateMany(REQUEST, 1.5), RangeError);
    await t.rejects(client.allocateMany({ ...REQUEST, size: -1 }, 2), RangeError);
  });

  await t.test('one that is given up', async (t) => {
    const warnings: string[] = [];
    const warned = ({ name }: Error) => warnings.push(name);
    process.on('warning', warned);
    const before = AbortSignal.abort(new Error('before'));
    await t.rejects(client.allocateMany(REQUEST, 3, { signal: before }), /before/);
    for (const lifetime of ['connection', 'until_released'] as const) {
      const giving = new AbortController();
      const made = client.allocateMany({ ...REQUEST, lifetime }, 64, { signal: giving.signal });
      setImmediate(() => giving.abort(new Error('given up')));
      // The answer may have come first.
      const buffers = await made.catch((error) => {
        t.equal(error.message, 'given up');
        return [];
      });
      for (const buffer of buffers) await buffer.release();
      await client.sync();
      await listed(0);
    }
    process.off('warning', warned);
    t.same(warnings, []);
  });

  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

t.test('each has been told, and is there after a kill', async (t) => {
  const manager = new ServiceManager(t);
  const before = await manager.start([], { env: withoutVulkan });
  const client = await connect({ socket: before.clientSocket });
  const restored = new Promise<void>((resolve) => {
    client.onReconnected(resolve);
  });
  const buffers = await client.allocateMany({ ...REQUEST, lifetime: 'until_released' }, 40);
  await buffers[39]?.fill(9);
  await before.end('SIGKILL');
  const after = await manager.start([], { env: withoutVulkan });
  await restored;
  t.equal((await after.buffers()).length, 40, 'none was let go of as one that nobody knows');
  const content = await buffers[39]?.read({ size: 4 });
  t.equal(content?.bytes.readUInt32LE(), 9);
  for (const buffer of buffers) await buffer.release();
  await eventually(async () => (await after.buffers()).length === 0, 'all are released');
  client.close();
  t.equal(await after.stop(), 0);
});
