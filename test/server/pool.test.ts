/** The daemon's pool, with memfds: what is given, shown, told and charged, and when it is emptied. */
import { fstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type ClientBuffer, connect } from '../../src/client/index.js';
import { packageRoot } from '../../src/package-root.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';
import { filled, poolOf, warm } from '../support/pool.js';
import { recounted } from '../support/recount.js';

const SIZE = 8192;
const linear = { kind: 'buffer', size: SIZE, handleTypes: ['memfd'] } as const;
const SPARES = 3;

const inodeOf = ({ planes }: ClientBuffer) => fstatSync(planes[0]?.fd ?? -1).ino;
const isZeroed = (buffer: ClientBuffer) =>
  buffer.map().read((bytes) => bytes.every((byte) => byte === 0));

await withoutLeaks(t, 'the pool', async (t) => {
  await t.test('an allocation from it is like any other', async (t) => {
    const daemon = await TestDaemon.memfd(t);
    const before = await daemon.idleFds();
    const client = await connect({ socket: daemon.clientSocket });
    const pool = await warm(daemon, client, linear);
    t.match(pool, {
      bytes: SPARES * SIZE,
      spares: SPARES,
      specs: [{ source: 'memfd', kind: 'buffer', size: SIZE, spares: SPARES, spare_bytes: SIZE }],
    });
    await recounted(daemon);
    const buffers: ClientBuffer[] = [];
    for (let i = 0; i < SPARES; i++) buffers.push(await client.allocate({ ...linear, name: 'x' }));
    const { hits, misses } = await poolOf(daemon);
    t.same({ hits, misses }, { hits: pool.hits + SPARES, misses: pool.misses });
    await filled(daemon);
    const more = await client.allocate(linear);
    t.equal((await poolOf(daemon)).hits, pool.hits + SPARES + 1, 'it is filled again');
    const all = [...buffers, more];
    t.ok(all.every(isZeroed), 'zeroed');
    t.equal(new Set(all.map(inodeOf)).size, all.length, 'each has memory of its own');
    t.equal(new Set(all.map(({ id }) => id)).size, all.length);
    await recounted(daemon);
    const { body } = await daemon.rest('GET', `/v1/buffers/${buffers[0]?.id}`);
    t.match(body, { name: 'x', size: SIZE, owner: { pid: process.pid }, state: 'live' });
    const audit = () => daemon.log.filter(({ act }) => act === 'grant').map((line) => line.buffer);
    await eventually(() => all.every(({ id }) => audit().includes(id)), 'each grant is told');

    const { body: created } = await daemon.rest('POST', '/v1/buffers', {
      kind: 'buffer',
      size: SIZE,
      handle_types: ['memfd'],
    });
    t.equal((await poolOf(daemon)).hits, pool.hits + SPARES + 2, 'over REST, too');
    await daemon.rest('DELETE', `/v1/buffers/${created.buffer.id}`);
    for (const buffer of all) await buffer.release();
    client.close();
    await daemon.settled(before);
    const drained = () => daemon.log.find(({ act }) => act === 'drain_pool');
    await eventually(() => drained() !== undefined, 'the drain is told');
    t.match(drained(), { who: { uid: process.getuid?.(), rest: true } });
    t.same(daemon.errors, []);
  });

  await t.test('it is emptied when nobody asks, and at SIGHUP', async (t) => {
    const file = join(temporaryFolder(t), 'dmabroker.toml');
    const configure = (table: string) => writeFileSync(file, `[pool]\n${table}`);
    configure('bytes = "1M"\nspares_per_spec = 2\nidle_seconds = 5\n');
    const daemon = await TestDaemon.memfd(t, {}, ['--config', file]);
    const before = await daemon.idleFds();
    const client = await connect({ socket: daemon.clientSocket });
    const fds = daemon.openFds();
    t.equal((await warm(daemon, client, linear)).spares, 2);
    t.ok(daemon.openFds() >= fds + 2);
    await eventually(async () => (await poolOf(daemon)).spares === 0, 'nobody asks any more');
    await eventually(() => daemon.openFds() === fds, 'the fds are closed');

    const reload = async () => {
      const said = () => daemon.log.filter(({ msg }) => msg.endsWith('was read again')).length;
      const before = said();
      daemon.process.kill('SIGHUP');
      await eventually(() => said() > before, 'the configuration is read');
    };
    configure('spares_per_spec = 1\nidle_seconds = 3600\n');
    await reload();
    t.match(await warm(daemon, client, linear), { spares: 1, limits: { spares_per_spec: 1 } });
    await reload();
    t.match(await poolOf(daemon), { spares: 0, specs: [] });
    configure('bytes = 0\n');
    await reload();
    const { misses } = await poolOf(daemon);
    for (let i = 0; i < 4; i++) await (await client.allocate(linear)).release();
    t.match(await poolOf(daemon), {
      spares: 0,
      misses,
      memories: [{ device: null, limit: 0 }],
      specs: [],
    });
    client.close();
    await daemon.settled(before);
    t.same(daemon.errors, []);
  });

  await t.test(
    'spares give way to a limit over REST; the command line says how large it is',
    async (t) => {
      const daemon = await TestDaemon.memfd(t, {}, ['--pool-bytes', '65536']);
      t.same((await poolOf(daemon)).memories, [{ device: null, limit: 65_536, bytes: 0 }]);
      const page = readFileSync(join(packageRoot, 'docs', 'configuration.md'), 'utf8');
      t.match(page, '--pool-bytes');
      const client = await connect({ socket: daemon.clientSocket });
      await warm(daemon, client, linear);
      const kept = await client.allocate(linear);
      await filled(daemon);
      const quota = '/v1/quotas/daemon/default';
      const set = await daemon.rest('PUT', quota, { bytes: 3 * SIZE, reserve: 0 });
      t.equal(set.status, 200);
      t.match(await poolOf(daemon), { spares: 2, bytes: 2 * SIZE });
      const large = await client.allocate({ ...linear, size: 2 * SIZE });
      t.match(await poolOf(daemon), { spares: 0, bytes: 0 }, 'nobody is refused for their sake');
      await t.rejects(client.allocate(linear), { code: 'limit_exceeded' });
      await recounted(daemon);
      await kept.release();
      await large.release();
      client.close();
    },
  );
});
