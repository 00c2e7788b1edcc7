/**
 * A daemon that is killed and started again has what its service manager has kept: buffers with their memory,
 * tokens, leases, owners and charges. With memfds, on any machine; test/systemd does the same with systemd.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import type { TestDaemon } from '../../support/daemon.js';
import { eventually, withoutVulkan } from '../../support/daemon.js';
import { fdsOf } from '../../support/fds.js';
import { FREE, RawClient } from '../../support/raw-client.js';
import { ServiceManager } from '../../support/service-manager.js';

const memfd = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

const quota = async (daemon: TestDaemon) =>
  (await daemon.rest('GET', `/v1/quotas/user/${process.getuid?.()}`)).body.charge;

/** What is to be the same before and after. */
async function seen(daemon: TestDaemon) {
  const { body } = await daemon.rest('GET', '/v1/buffers?limit=1000');
  const tokens = await Promise.all(
    body.map(
      async ({ id }: { id: string }) => (await daemon.rest('GET', `/v1/buffers/${id}/tokens`)).body,
    ),
  );
  return { buffers: body, tokens, charge: await quota(daemon) };
}

/** Each process measures for itself what lies between the machine's clocks. */
const CLOCK_MS = 10;
const DATE = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/**
 * `after` with the dates of `before` where they are the same; whoever was connected has gone with the daemon,
 * and is connected no more.
 */
function alike(after: unknown, before: unknown, name = ''): unknown {
  if (typeof after === 'string' && typeof before === 'string' && DATE.test(after)) {
    return Math.abs(Date.parse(after) - Date.parse(before)) <= CLOCK_MS ? before : after;
  }
  if (name === 'connected' && after === false) return before;
  if (name === 'writer' && after === null) return before;
  if (name === 'orphan') return before;
  if (typeof after !== 'object' || after === null) return after;
  const [now, then] = [Object.entries(after), (before ?? {}) as Record<string, unknown>];
  const entries = now.map(([key, value]) => [key, alike(value, then[key], key)]);
  return Array.isArray(after) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

async function restarted(
  t: Test,
  manager: ServiceManager,
  daemon: TestDaemon,
  signal: NodeJS.Signals = 'SIGKILL',
): Promise<TestDaemon> {
  await daemon.end(signal);
  const next = await manager.start([], { env: withoutVulkan });
  t.teardown(() => next.end('SIGKILL'));
  t.same(next.errors, []);
  return next;
}

/** The value of the last event of a name. */
function last(client: RawClient, name: string): unknown {
  return client.events.findLast((event) => event.name === name)?.values[0];
}

async function begin(t: Test, max?: number) {
  const manager = new ServiceManager(t, max);
  const daemon = await manager.start([], { env: withoutVulkan });
  t.teardown(() => daemon.end('SIGKILL'));
  return { manager, daemon };
}

t.test("buffers that are no connection's, after SIGKILL and after SIGTERM", async (t) => {
  const { manager, daemon } = await begin(t);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const kept = await client.allocate({
    ...{ ...memfd, lifetime: 'until_released', name: 'kept', lastingName: 'lasting' },
  });
  await kept.commit({ metadata: { of: 'before' } });
  const published = await kept.commit({ revision: 7, metadata: { a: [1, 2] } });
  const leased = await client.allocate({ ...memfd, size: 8192, lifetime: { lease: 600 } });
  const mapped = kept.map();
  mapped.bytes.write('what was written');
  const token = await kept.share({ uses: 3 });
  const other = await connect({ socket: daemon.clientSocket, reconnect: false });
  await (await other.redeem(token)).close();
  const made = await daemon.rest('POST', '/v1/buffers', {
    ...{ kind: 'buffer', size: 4096, handle_types: ['memfd'], name: 'over REST' },
  });
  t.equal(made.status, 201);
  const documents = () => manager.names.filter((name) => /-m\d+$/.test(name));
  await eventually(() => manager.names.length === 4, 'all of them are stored');
  t.same(documents(), [`${kept.id}-m2`], 'of the documents the last one');
  const before = await seen(daemon);
  let next = daemon;
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    next = await restarted(t, manager, next, signal);
    t.same(alike(await seen(next), before), before, signal);
  }
  const late = await connect({ socket: next.clientSocket, reconnect: false });
  const again = await late.redeem(token);
  t.equal(again.id, kept.id);
  t.equal(again.map().bytes.toString('utf8', 0, 16), 'what was written');
  t.equal(manager.refused, 0);
  const id = leased.id;
  await next.rest('DELETE', `/v1/buffers/${id}`);
  await eventually(() => manager.names.length === 3, 'what is released leaves the store');
  const writer = await late.claim('lasting', { writer: true, committed: true });
  t.same([writer.committed, writer.metadata], [published, { a: [1, 2] }]);
  t.equal((await writer.commit({ metadata: { b: 1 } })).revision, 8);
  await eventually(() => `${documents()}` === `${kept.id}-m3`, 'the new one has its place');
  await writer.release();
  await eventually(() => documents().length === 0, 'and goes with the buffer');
  await late.close();
});

t.test('a buffer of a connection is with its client alone, which brings it back', async (t) => {
  const { manager, daemon } = await begin(t);
  const client = new RawClient(daemon.clientSocket);
  await client.ready();
  const session = last(client, 'dmabroker_manager_v1.session') as string;
  client.send(client.asking(FREE));
  await client.until(() => client.count('dmabroker_buffer_v1.done') === 1);
  const id = last(client, 'dmabroker_buffer_v1.info') as string;
  const fd = last(client, 'dmabroker_buffer_v1.plane') as number;
  const { body } = await daemon.rest('POST', `/v1/buffers/${id}/tokens`, {});
  const before = await seen(daemon);
  t.same(manager.names, []);
  const next = await restarted(t, manager, daemon);
  const away = await seen(next);
  t.match(away.buffers, [{ id, state: 'away' }]);
  t.same(away.charge, before.charge, 'it stays charged');
  const early = await connect({ socket: next.clientSocket, reconnect: false });
  await t.rejects(early.redeem(body.token, { signal: AbortSignal.timeout(500) }), {
    name: 'TimeoutError',
  });
  const redeemed = early.redeem(body.token);

  const stranger = await new RawClient(next.clientSocket).ready();
  stranger.adopt(id, session, []);
  await stranger.until(() => stranger.count('dmabroker_buffer_v1.failed') === 1);
  const again = await new RawClient(next.clientSocket).ready();
  again.adopt(id, session, [fd]);
  await again.until(() => again.count('dmabroker_buffer_v1.done') === 1);
  t.equal(last(again, 'dmabroker_buffer_v1.info'), id);
  t.equal((await redeemed).id, id, 'who came before it has waited for it');
  await (await redeemed).close();
  await early.close();
  const back = await seen(next);
  t.match(back.buffers, [{ id, state: 'live' }]);
  t.same(back.charge, before.charge);
  for (const each of [again, stranger, client]) each.close();
  await eventually(
    async () => (await seen(next)).buffers.length === 0,
    'it ends with its connection',
  );
});

t.test('what nobody comes back for goes', async (t) => {
  const manager = new ServiceManager(t);
  const daemon = await manager.start([], { env: withoutVulkan });
  t.teardown(() => daemon.end('SIGKILL'));
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const own = await client.allocate(memfd);
  const kept = await client.allocate({ ...memfd, lifetime: 'until_released' });
  await daemon.end('SIGKILL');
  const config = join(manager.folder, 'config.toml');
  writeFileSync(config, '[restart]\ngrace_seconds = 1\n[accounting]\nunknown_grace_seconds = 1\n');
  const next = await manager.start(['--config', config], { env: withoutVulkan });
  t.teardown(() => next.end('SIGKILL'));
  const states = async () =>
    new Map(
      (await next.rest('GET', '/v1/buffers')).body.map(
        ({ id, state }: { id: string; state: string }) => [id, state],
      ),
    );
  t.same(
    await states(),
    new Map([
      [own.id, 'away'],
      [kept.id, 'live'],
    ]),
  );
  await eventually(async () => (await states()).get(own.id) !== 'away', 'the grace is over');
  t.not((await states()).get(own.id), 'live');
  await own.close();
  await eventually(async () => !(await states()).has(own.id), 'nobody has it any more');
  t.equal((await states()).get(kept.id), 'live');
  await kept.close();
});

/** Of this process, which keeps what the service manager would. */
const memfds = (): number => fdsOf('self', /memfd:/);

t.test('what is released while the daemon is away is gone when it is back', async (t) => {
  const { manager, daemon } = await begin(t);
  const client = await connect({ socket: daemon.clientSocket });
  const before = memfds();
  const made = [
    await client.allocate(memfd),
    await client.allocate({ ...memfd, lifetime: { lease: 600 } }),
  ];
  const away = new Promise<void>((resolve) => client.ref().onDisconnected(() => resolve()));
  await daemon.end('SIGKILL');
  await away;
  const released = Promise.all(made.map((buffer) => buffer.release()));
  const next = await manager.start([], { env: withoutVulkan });
  t.teardown(() => next.end('SIGKILL'));
  await released;
  await eventually(async () => (await seen(next)).buffers.length === 0, 'nothing is left');
  t.same((await quota(next)).bytes, 0);
  await eventually(() => memfds() === before, 'nor here, where the manager is, too');
  client.close();
});
