/**
 * What the service manager does not take is with the keeper: it outlives the daemon, and the daemon outlives the keeper.
 * With memfds, on any machine; test/systemd does the same with systemd.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Client, connect } from '../../../src/client/index.js';
import { eventually, type TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { KeeperService } from '../../support/keeper.js';
import { ServiceManager } from '../../support/service-manager.js';

const memfd = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const kept = { ...memfd, lifetime: 'until_released' } as const;

/** A manager with room for the file of records and `room` buffers, and a keeper beside it. */
async function begin(t: Test, room: number, { present = true, maxFds = 4096 } = {}) {
  const manager = new ServiceManager(t, room + 1);
  const keeper = new KeeperService(t, maxFds);
  const config = join(manager.folder, 'config.toml');
  writeFileSync(config, `[restart]\nkeeper = "${present ? keeper.path : '/nonexistent'}"\n`);
  const start = async () => {
    // Busy: it may be connected to the keeper at once.
    const options = { env: withoutVulkan, busy: true };
    const daemon = await manager.start(['--config', config], options);
    t.teardown(() => daemon.end('SIGKILL'));
    return daemon;
  };
  if (present) await keeper.start();
  return { manager, keeper, start, daemon: await start() };
}

/** A connection may have 64 that are not answered. */
const AT_ONCE = 50;

async function allocate(client: Client, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - ids.length) }, async () => {
      return client.allocate(kept);
    });
    for (const buffer of await Promise.all(some)) {
      ids.push(buffer.id);
      buffer.map().bytes.writeUInt32LE(ids.length);
    }
  }
  return ids;
}

/** What is in each. */
async function contents(daemon: TestDaemon, ids: readonly string[]): Promise<number[]> {
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const found = await Promise.all(
    ids.map(async (id) => {
      const { token } = (await daemon.rest('POST', `/v1/buffers/${id}/tokens`, {})).body;
      return (await client.redeem(token)).map().bytes.readUInt32LE();
    }),
  );
  await client.close();
  return found;
}

async function metric(daemon: TestDaemon, name: string): Promise<number> {
  const { body } = await daemon.rest('GET', '/metrics');
  return Number(new RegExp(`^dmabroker_${name} (\\d+)`, 'm').exec(body)?.[1]);
}
const states = async (daemon: TestDaemon): Promise<string[]> =>
  (await daemon.rest('GET', '/v1/buffers')).body.map(({ state }: { state: string }) => state);
const oneTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

t.test('more than the manager takes, and a keeper that dies', async (t) => {
  const { manager, keeper, start, daemon } = await begin(t, 3);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const ids = await allocate(client, 10);
  t.equal(manager.names.length, 3);
  await eventually(() => keeper.memories(/dmabroker/) === 7, 'it has the others');
  t.equal(await metric(daemon, 'stored_fds'), 3);
  t.equal(await metric(daemon, 'keeper_fds'), 7);
  t.equal(await metric(daemon, 'unkept_buffers'), 0);

  await daemon.end('SIGKILL');
  const next = await start();
  t.same(await states(next), Array(10).fill('live'));
  t.same(await contents(next, ids), oneTo(10));
  t.equal(await metric(next, 'keeper_fds'), 7);
  const { holders } = (await next.rest('GET', `/v1/buffers/${ids[9]}/holders`)).body;
  const others = holders.filter(({ pid }: { pid: number }) => pid !== process.pid);
  t.same(others, [], 'neither of them is a holder');

  for (const id of ids) await next.rest('DELETE', `/v1/buffers/${id}`);
  await eventually(
    () => manager.names.length === 0 && keeper.memories(/dmabroker/) === 0,
    'what is released leaves both',
  );
  t.equal(await metric(next, 'keeper_fds'), 0);

  const other = await connect({ socket: next.clientSocket, reconnect: false });
  const more = await allocate(other, 10);
  await keeper.kill();
  await eventually(async () => (await metric(next, 'unkept_buffers')) === 7, 'nobody has them');
  t.equal(await metric(next, 'keeper_fds'), 0);
  const [released = ''] = more.splice(9, 1);
  await next.rest('DELETE', `/v1/buffers/${released}`);
  await keeper.start();
  await eventually(async () => (await metric(next, 'keeper_fds')) === 6, 'it has them again');
  t.equal(await metric(next, 'unkept_buffers'), 0);
  await eventually(() => keeper.memories(/dmabroker/) === 6, 'all of them');
  await next.end('SIGKILL');
  const third = await start();
  t.same(await contents(third, more), oneTo(9), 'it is given again what it had');

  await third.end('SIGKILL');
  await keeper.kill();
  await keeper.start();
  const last = await start();
  const live = (await states(last)).filter((state) => state === 'live').length;
  const away = (await states(last)).filter((state) => state === 'away').length;
  t.same([live, away], [3, 6], 'one that has lost all while there was no daemon');
});

t.test('faster than a user may have the manager be told', async (t) => {
  const { manager, keeper, daemon } = await begin(t, 1000);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  let made = 0;
  // As many as it takes on a slow machine.
  while (made < 1000 && keeper.memories(/dmabroker/) === 0) {
    made += (await allocate(client, 150)).length;
  }
  t.ok(keeper.memories(/dmabroker/) > 0, 'the keeper has what would wait');
  await eventually(
    () => manager.names.length + keeper.memories(/dmabroker/) === made,
    'each is somewhere, once',
  );
  t.equal(await metric(daemon, 'stored_fds_waiting'), 0);
});

t.test('what nobody knows of goes', async (t) => {
  const { manager, keeper, start, daemon } = await begin(t, 3);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  await allocate(client, 5);
  await daemon.end('SIGKILL');
  // As `systemctl clean --what=fdstore`: the keeper is not reached.
  for (const name of [...manager.stored.keys()]) manager.remove(name);
  const next = await start();
  t.same(await states(next), []);
  t.equal(keeper.memories(/dmabroker/), 2);
  const other = await connect({ socket: next.clientSocket, reconnect: false });
  await allocate(other, 4);
  await eventually(() => keeper.memories(/dmabroker/) === 1, 'with the next that it is given');
});

t.test('where it has no room, or there is none, that is as without one', async (t) => {
  for (const options of [{ maxFds: 514 }, { present: false }]) {
    const { manager, start, daemon } = await begin(t, 3, options);
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    await allocate(client, 10);
    t.equal(manager.names.length, 3);
    const room = options.maxFds === undefined ? 0 : 2;
    t.equal(await metric(daemon, 'unkept_buffers'), 7 - room);
    await daemon.end('SIGKILL');
    const next = await start();
    t.equal((await states(next)).filter((state) => state === 'live').length, 3 + room);
    await next.end('SIGKILL');
  }
});
