/**
 * A service manager that does not read, that has no room, or that hands back what cannot be used: who is served
 * all the same, what is said of it, and that nothing is left over.
 */
import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { duplicate, identity } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { Slots } from '../../../src/native/slots.js';
import type { dmabroker_params_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { VERSION } from '../../../src/server/kept/records.js';
import { eventually, type TestDaemon, withoutVulkan } from '../../support/daemon.js';
import { FREE, RawClient } from '../../support/raw-client.js';
import { nothingCharged } from '../../support/recount.js';
import { ServiceManager } from '../../support/service-manager.js';

const DONE = 'dmabroker_buffer_v1.done';
const FAILED = 'dmabroker_buffer_v1.failed';

async function begin(t: Test, max?: number) {
  const manager = new ServiceManager(t, max);
  const config = join(manager.folder, 'config.toml');
  // What is with clients alone is looked for in all processes; nobody is to wait for that here.
  writeFileSync(config, '[accounting]\nunknown_grace_seconds = 1\n');
  const start = async () => {
    const daemon = await manager.start(['--config', config], { env: withoutVulkan });
    t.teardown(() => daemon.end('SIGKILL'));
    return daemon;
  };
  return { manager, start, daemon: await start() };
}

type Lifetime = keyof typeof dmabroker_params_v1.enums.lifetime;
/** Asks for so many; their objects are `first`, `first + 2`, … */
function ask(client: RawClient, count: number, lifetime: Lifetime, first = FREE): void {
  for (let i = 0; i < count; i++) client.send(client.asking(first + 2 * i, 4096, lifetime));
}
const ids = (client: RawClient) =>
  client.events
    .filter(({ name }) => name === 'dmabroker_buffer_v1.info')
    .map(({ values }) => values[0] as string);

/** Has as much sent that the manager's socket is full, and more waits. */
async function fill(daemon: TestDaemon): Promise<RawClient> {
  const client = await new RawClient(daemon.clientSocket).ready();
  let asked = 0;
  // The kernel's net.unix.max_dgram_qlen, whatever it is here.
  const isStuck = async () => {
    const answered = client.count(DONE);
    if (answered < asked) return true;
    ask(client, 1, 'until_released', FREE + 2 * asked++);
    await eventually(async () => client.count(DONE) === asked, 'stuck', 20).catch(() => {});
    return false;
  };
  await eventually(isStuck, 'the socket is full');
  return client;
}

/** A client leaves while its answer waits. */
async function leaves(t: Test, manager: ServiceManager, daemon: TestDaemon): Promise<void> {
  const idle = await daemon.idleFds();
  manager.reading(false);
  const waiting = await fill(daemon);
  const before = waiting.count(DONE);
  const other = await new RawClient(daemon.clientSocket).ready();
  ask(other, 3, 'until_released');
  await eventually(async () => (await daemon.buffers()).length === before + 4, 'it has begun');
  other.close();
  await eventually(async () => (await daemon.clients()).length === 1, 'it has left');
  manager.reading(true);
  await waiting.until(() => waiting.count(DONE) === before + 1);
  // Nobody was told of them: their objects went with the connection.
  await eventually(async () => (await daemon.buffers()).length === before + 1, 'they are gone');
  for (const id of ids(waiting)) await daemon.rest('DELETE', `/v1/buffers/${id}`);
  waiting.close();
  await eventually(() => manager.names.length === 0, 'nothing is left with the manager');
  await t.resolves(daemon.settled(idle));
  t.same(daemon.errors, []);
}

t.test('a manager that does not read', async (t) => {
  const { manager, daemon, start } = await begin(t);
  const idle = await daemon.idleFds();
  manager.reading(false);
  const waiting = await fill(daemon);
  const answered = waiting.count(DONE);
  const asked = answered + 1;
  ask(waiting, 5, 'until_released', FREE + 2 * asked);
  const other = await new RawClient(daemon.clientSocket).ready();
  ask(other, 20, 'connection');
  await other.until(() => other.count(DONE) === 20);
  t.equal(waiting.count(DONE), answered, 'who asked for what is to be kept waits');
  const { body: list } = await daemon.rest('GET', '/v1/buffers?limit=1000');
  t.equal(list.length, asked + 5 + 20, 'it is listed');
  const known = new Set([...ids(waiting), ...ids(other)]);
  const [first, ...rest] = list
    .map(({ id }: { id: string }) => id)
    .filter((id: string) => !known.has(id)) as string[];
  t.equal(rest.length, 5);
  t.equal((await daemon.rest('DELETE', `/v1/buffers/${first}`)).status, 204);
  await waiting.until(() => waiting.count(FAILED) === 1);
  t.equal(waiting.count(DONE), answered, 'what is released meanwhile is not shown');
  for (const id of rest.slice(0, 2)) await daemon.rest('DELETE', `/v1/buffers/${id}`);
  await waiting.until(() => waiting.count(FAILED) === 3);

  manager.reading(true);
  await waiting.until(() => waiting.count(DONE) === answered + 3);
  t.same(daemon.errors, []);
  await eventually(() => manager.names.length === answered + 3, 'all of them are stored');
  manager.reading(false);
  const late = await fill(daemon);
  const told = [...ids(waiting), ...ids(late)].sort();
  await daemon.end('SIGKILL');
  const next = await start();
  const now = (await next.buffers()).filter(({ state }) => state === 'live').map(({ id }) => id);
  t.same(
    told.filter((id) => !now.includes(id)),
    [],
    'who was told of it has it',
  );
  manager.reading(true);
  for (const client of [waiting, other, late]) client.close();
  for (const id of (await next.buffers()).map((each) => each.id)) {
    await next.rest('DELETE', `/v1/buffers/${id}`);
  }
  await eventually(() => manager.names.length === 0, 'nothing is left with the manager');
  await t.resolves(next.settled(idle));
  await nothingCharged(next);
  await t.test('a client leaves while its answer waits', (t) => leaves(t, manager, next));
});

t.test('a store that is full, and what a later daemon has written', async (t) => {
  const { manager, daemon, start } = await begin(t, 3);
  const client = await new RawClient(daemon.clientSocket).ready();
  ask(client, 4, 'until_released');
  await client.until(() => client.count(DONE) === 4);
  await eventually(() => manager.names.length === 2, 'one is the file’s own');
  const isSaid = () => daemon.log.filter(({ event }) => event === 'store_full').length;
  await eventually(() => isSaid() === 1, 'said once');
  t.equal(manager.refused, 0, 'the manager is not asked for more');
  const [first, second, third] = ids(client);
  await daemon.rest('DELETE', `/v1/buffers/${first}`);
  ask(client, 1, 'until_released', FREE + 8);
  await client.until(() => client.count(DONE) === 5);
  await eventually(() => manager.names.includes(`${ids(client)[4]}-0`), 'there is room again');
  await daemon.end('SIGKILL');
  const next = await start();
  const states = new Map((await next.buffers()).map(({ id, state }) => [id, state]));
  t.same(
    [second, third, ids(client)[4]].map((id) => states.get(id ?? '')),
    ['live', 'away', 'live'],
    'what is not in the store is with its clients',
  );

  await next.end('SIGKILL');
  client.close();
  const { slots } = Slots.open(duplicate(manager.stored.get('state') ?? -1), VERSION);
  slots.version = VERSION + 1;
  slots.close();
  const before = new Map([...manager.stored].map(([name, fd]) => [name, identity(fd)]));
  t.equal(before.size, 3);
  const failed = await manager.start([], { env: withoutVulkan }).catch((error: Error) => error);
  t.match(failed, {
    message: /ended with 2: .*later dmabrokerd.*systemctl reset-failed.*systemctl clean/s,
  });
  manager.read();
  t.same(new Map([...manager.stored].map(([name, fd]) => [name, identity(fd)])), before);
});

t.test('what cannot be read is set aside', async (t) => {
  const { manager, daemon } = await begin(t, 4);
  const idle = await daemon.idleFds();
  const client = await new RawClient(daemon.clientSocket).ready();
  ask(client, 2, 'until_released');
  await client.until(() => client.count(DONE) === 2);
  await eventually(() => manager.names.length === 2, 'they are stored');
  await daemon.end('SIGKILL');
  writeSync(manager.stored.get('state') ?? -1, 'not what it was', 0);
  const spoilt = identity(manager.stored.get('state') ?? -1);
  const next = await manager.start([], { env: withoutVulkan });
  t.teardown(() => next.end('SIGKILL'));
  t.match(
    next.errors.map(({ msg }) => msg),
    [/cannot be read .*set aside as state-set-aside/],
  );
  t.same(await next.buffers(), []);
  await eventually(() => manager.names.length === 0, 'the manager lets go of what nobody knows');
  t.equal(identity(manager.stored.get('state-set-aside') ?? -1), spoilt);
  t.same([...manager.stored.keys()].sort(), ['state', 'state-set-aside']);
  t.equal(await next.idleFds(), idle);
  const again = await new RawClient(next.clientSocket).ready();
  ask(again, 3, 'until_released');
  await again.until(() => again.count(DONE) === 3);
  await eventually(() => manager.names.length === 2, 'two have room beside it');
  t.equal(manager.refused, 0);
  await next.end('SIGKILL');
  const third = await manager.start([], { env: withoutVulkan });
  t.teardown(() => third.end('SIGKILL'));
  t.same(third.errors, []);
  t.equal((await third.buffers()).filter(({ state }) => state === 'live').length, 2);
  for (const each of [client, again]) each.close();
});

t.test(
  'many buffers, and an end in good order; records that say nothing, and strange files',
  async (t) => {
    const { manager, daemon, start } = await begin(t);
    const idle = await daemon.idleFds();
    const client = await new RawClient(daemon.clientSocket).ready();
    const COUNT = 90;
    ask(client, COUNT, 'until_released');
    await client.until(() => client.count(DONE) === COUNT);
    const all = ids(client);
    t.equal(await daemon.end('SIGTERM'), 0);
    manager.read();
    const { slots } = Slots.open(duplicate(manager.stored.get('state') ?? -1), VERSION);
    const free = slots.free;
    const nonsense = [
      '',
      'null',
      '{',
      '{"v":1,"is":"client","id":"c1"}',
      '{"v":1,"is":"state","id":"x"}',
      '7',
    ];
    for (const text of [
      ...nonsense,
      '{"v":1,"is":"memory","id":"a","number":1}',
      '{"v":1,"is":"toString"}',
    ]) {
      slots.write(Buffer.from(text), { told: true, replaces: null });
    }
    slots.close();
    for (const name of ['aaaaaaaaaaaaa-0', 'what is this', `${all[0]}-7`]) {
      manager.stored.set(name, sealedMemfd('strange', 4096));
    }
    const next = await start();
    const live = (await next.buffers()).filter(({ state }) => state === 'live');
    t.same(live.map(({ id }) => id).sort(), [...all].sort());
    await eventually(() => manager.stored.size === 1 + COUNT, 'strange ones leave the store');
    const problems = next.log.filter(({ msg }) => msg.startsWith('a record cannot be read'));
    t.equal(problems.length, 8, 'each is named');
    for (const id of all) await next.rest('DELETE', `/v1/buffers/${id}`);
    client.close();
    await t.resolves(next.settled(idle));
    await nothingCharged(next);
    await eventually(() => manager.names.length === 0, 'the manager has none of it any more');
    await next.end('SIGKILL');
    const last = Slots.open(duplicate(manager.stored.get('state') ?? -1), VERSION).slots;
    t.ok(last.free > free, 'and none is left in the file');
    t.same([...last.records()], []);
    last.close();
  },
);
