/**
 * A client goes on when the daemon's end of its connection has gone: what it had is adopted or gone, calls wait
 * and are made again, and it ends when it should.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import {
  type Client,
  type ClientBuffer,
  type ClientEvent,
  ConnectionError,
  connect,
} from '../../src/client/index.js';
import { dmabroker_manager_v1 } from '../../src/protocol/dmabroker-v1.gen.js';
import { wl_callback, wl_display, wl_registry } from '../../src/protocol/wayland.gen.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { FakeDaemon } from '../support/fake-daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { rejected } from '../support/refused.js';

const linear = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const openFds = () => readdirSync('/proc/self/fd').length;

/** Ends the client's connection, as an administrator does. */
async function disconnect(daemon: TestDaemon, client: Client): Promise<void> {
  const back = new Promise<void>((resolve) => {
    const off = client.onReconnected(() => {
      off();
      resolve();
    });
  });
  for (const { id } of await daemon.clients()) await daemon.rest('DELETE', `/v1/clients/${id}`);
  await back;
}

/** What is told from now on. */
function heard(client: Client): { told: () => string[]; stop: AbortController } {
  const all: ClientEvent[] = [];
  const stop = new AbortController();
  const hear = async () => {
    for await (const event of client.events(stop)) all.push(event);
  };
  hear().catch(() => {});
  return { told: () => all.map(({ type, buffer }) => `${type} ${buffer?.id ?? ''}`.trim()), stop };
}

const word = (buffer: ClientBuffer) => buffer.map().read((bytes) => bytes.toString('latin1', 0, 5));

await withoutLeaks(t, 'the daemon is the same', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const socket = daemon.clientSocket;
  const idle = await daemon.idleFds();

  await t.test('what it has is adopted, or gone', async (t) => {
    const client = await connect({ socket });
    const leased = await client.allocate({ ...linear, lifetime: { lease: 60 } });
    const kept = await client.allocate({ ...linear, lifetime: 'until_released' });
    const bound = await client.allocate(linear);
    const redeemed = await client.redeem(await kept.share());
    const parked = await client.allocate(linear);
    await parked.park(60);
    t.ok((parked.leaseSecondsLeft ?? 0) > 50);
    const all = [leased, kept, bound, redeemed, parked];
    const ids = all.map(({ id }) => id);
    const memory = leased.map();
    memory.write((bytes) => bytes.write('hello'));
    const { told, stop } = heard(client);
    const before = [openFds(), all.map(({ planes }) => planes[0]?.fd)];
    const { session } = client;

    await disconnect(daemon, client);
    t.same([openFds(), all.map(({ planes }) => planes[0]?.fd)], before, 'the fds are the same');
    t.same(
      all.map(({ id }) => id),
      ids,
    );
    const [a, b, c, d, e] = ids;
    await client.sync();
    const expected = [`adopted ${a}`, `adopted ${b}`, `gone ${c}`, `adopted ${d}`, `adopted ${e}`];
    t.same(told().toSorted(), ['connection_lost', 'connection_restored', ...expected].toSorted());
    t.equal(told()[0], 'connection_lost');
    t.equal(told().at(-1), 'connection_restored');
    t.not(client.session, session);
    t.equal(bound.gone?.code, 'not_found');
    t.equal(await bound.share().catch((error) => error), bound.gone);
    t.equal(bound.map().bytes.length, 4096, 'its memory stays');
    const [shared, ...others] = await Promise.all(
      [leased, kept, parked].map((buffer) => buffer.share()),
    );
    const again = await client.redeem(shared ?? '');
    t.equal(word(again), 'hello');
    t.equal(others.length, 2);
    await leased.renew(600);
    t.ok((leased.leaseSecondsLeft ?? 0) > 500);
    stop.abort();

    await disconnect(daemon, client);
    t.equal(leased.gone, null, 'and once more');
    t.equal((await leased.read({ size: 5 })).bytes.toString(), 'hello');
    await Promise.all([leased, kept, parked].map((buffer) => buffer.release()));
    await Promise.all([bound, redeemed, again].map((buffer) => buffer.close()));
    await eventually(async () => (await daemon.buffers()).length === 0, 'nobody has anything');
    client.close();
  });

  await t.test('closed or released while it is away', async (t) => {
    const client = await connect({ socket });
    const kept = { ...linear, lifetime: 'until_released' } as const;
    const [released, closed] = [await client.allocate(kept), await client.allocate(kept)];
    const other = await client.allocate({ ...linear, lifetime: { lease: 60 } });
    const asked: Promise<unknown>[] = [];
    const copied: Promise<unknown>[] = [];
    client.onDisconnected(() => {
      const closedSince = { name: 'TypeError', message: 'the source is closed' };
      copied.push(t.rejects(other.copyFrom(closed), closedSince));
      asked.push(released.release(), closed.close(), client.allocate(linear), closed.share());
      asked.at(-1)?.catch(() => {});
    });
    await disconnect(daemon, client);
    const [, , made] = await Promise.allSettled(asked);
    await t.rejects(asked[3] ?? Promise.resolve(), { name: 'TypeError' });
    await Promise.all(copied);
    await other.release();
    const fresh = made?.status === 'fulfilled' ? (made.value as ClientBuffer) : null;
    t.same(new Set((await daemon.buffers()).map(({ id }) => id)), new Set([closed.id, fresh?.id]));
    await daemon.rest('DELETE', `/v1/buffers/${closed.id}`);
    await fresh?.close();
    client.close();
  });

  await t.test('another process takes up what was parked', async (t) => {
    const before = await connect({ socket });
    const buffer = await before.allocate(linear);
    buffer.map().write((bytes) => bytes.write('hello'));
    const token = await buffer.share();
    const { session } = before;
    const { id } = buffer;
    const other = await connect({ socket });
    const stranger = await other.redeem(token);
    t.equal((await rejected(stranger.park(60))).code, 'permission_denied');
    t.match(await rejected(buffer.park(0)), { code: 'invalid_argument' });
    await stranger.close();
    await buffer.park(60);
    before.close();
    await buffer.close();
    const after = await connect({ socket });
    const adopted = await after.adopt({ id, session });
    t.equal(adopted.id, id);
    t.equal(word(adopted), 'hello');
    t.equal((await rejected(after.adopt({ id, session }))).code, 'permission_denied', 'once');
    t.equal((await rejected(after.adopt({ id, session: 'x' }))).code, 'invalid_token');
    await t.rejects(after.adopt({ id } as never), { name: 'TypeError', message: /^session/ });
    await disconnect(daemon, after).catch(() => {});
    t.equal(adopted.gone, null, 'as any other');
    await adopted.release();
    await buffer.close();
    after.close();
    other.close();
  });

  await t.test('a token is revoked by the connection that made it', async (t) => {
    const client = await connect({ socket });
    const buffer = await client.allocate({ ...linear, lifetime: { lease: 60 } });
    const share = await buffer.shareRevocably();
    await disconnect(daemon, client);
    await t.rejects(share.revoke(), {
      name: 'ConnectionError',
      message: new RegExp(share.tokenId),
    });
    const path = `/v1/buffers/${buffer.id}/tokens/${share.tokenId}`;
    t.equal((await daemon.rest('DELETE', path)).status, 204, 'REST does');
    await buffer.release();
    client.close();
  });

  t.resolves(daemon.settled(idle), 'nothing is left');
});

await withoutLeaks(t, 'the daemon is another', async (t) => {
  const first = await TestDaemon.memfd(t);
  const { folder, clientSocket: socket } = first;
  const client = await connect({ socket });
  const kept = await client.allocate({ ...linear, lifetime: 'until_released' });
  const memory = kept.map();
  memory.write((bytes) => bytes.write('hello'));
  const token = await kept.share();
  await first.standStill();
  const closed: Error[] = [];
  client.onClosed((error) => closed.push(error));
  const lost = new Promise((resolve) => client.onDisconnected(resolve));
  const inFlight = [client.allocate(linear), client.sync(), client.test(linear)] as const;
  const redeeming = client.redeem(token);
  const sharing = kept.share();
  const refused = [redeeming, sharing].map((each) => each.catch((error) => error));
  await first.end('SIGKILL');
  await lost;
  const later = client.redeem('nobody-knows-this').catch((error) => error);
  const giving = new AbortController();
  const given = client.sync(giving);
  giving.abort();
  await t.rejects(given, { name: 'AbortError' });
  const second = await TestDaemon.memfd(t, { folder, awaited: true });
  const [made] = await Promise.all(inFlight);
  t.same(
    (await second.buffers()).map(({ id }) => id),
    [made.id],
    'what was asked for is there',
  );
  const [redeemed, shared] = await Promise.all(refused);
  t.match(redeemed, { name: 'ConnectionError', message: /while the token was redeemed/ });
  t.match(shared, { code: 'invalid_token' });
  t.equal(shared, kept.gone, 'a memfd cannot be imported');
  t.match(await later, { name: 'BrokerError', code: 'invalid_token' });
  t.equal(memory.bytes.toString('latin1', 0, 5), 'hello', 'its memory stays');
  t.resolves(kept.release());
  t.same(closed, []);
  await made.close();
  client.close();
  t.equal(closed.length, 1);
  await second.settled(await second.idleFds());
});

/** When the client connects again. */
const accepted = (daemon: FakeDaemon) => eventually(() => daemon.accepts(), 'it connects again');

/** Connects, and plays the daemon until the client is ready. */
async function ready(t: Test, reconnect: { seconds?: number; signal?: AbortSignal } = {}) {
  const daemon = new FakeDaemon(t);
  const connecting = connect({ socket: daemon.path, reconnect });
  daemon.accept();
  daemon.event(wl_registry, 2, 'global', 1, dmabroker_manager_v1.name, 1);
  daemon.event(wl_callback, 3, 'done', 0);
  daemon.event(dmabroker_manager_v1, 4, 'done');
  const client = await connecting;
  const closed: ConnectionError[] = [];
  client.onClosed((error) => closed.push(error));
  return { daemon, client, closed };
}

await withoutLeaks(t, 'when it ends', async (t) => {
  t.test('after the time', async (t) => {
    const { daemon, client, closed } = await ready(t, { seconds: 1 });
    const stream = (async () => {
      for await (const _ of client.events());
    })();
    const asked = client.sync();
    rmSync(daemon.path);
    daemon.hangUp();
    await t.rejects(asked, { name: 'ConnectionError', message: /failed for 1 s: connect: ENOENT/ });
    await t.rejects(stream, ConnectionError);
    t.equal(closed.length, 1);
    await t.rejects(client.allocate(linear), ConnectionError);
  });

  t.test('nobody answers behind the socket', async (t) => {
    const { daemon, client, closed } = await ready(t, { seconds: 1 });
    daemon.hangUp();
    await t.rejects(client.sync(), { message: /failed for 1 s: nobody has answered/ });
    t.equal(closed.length, 1);
  });

  t.test('by the caller', async (t) => {
    const { daemon, client, closed } = await ready(t);
    daemon.hangUp();
    const asked = client.sync();
    const stream = client.events().next();
    client.close();
    await t.rejects(asked, { name: 'ConnectionError', message: 'the connection was closed' });
    t.match(await stream, { done: true });
    t.equal(closed.length, 1);

    const giving = new AbortController();
    const other = await ready(t, giving);
    const lost = new Promise((resolve) => other.client.ref().onDisconnected(resolve));
    other.daemon.hangUp();
    await lost;
    giving.abort();
    await t.rejects(other.client.sync(), { message: /connecting again was given up/ });
    t.equal(other.closed.length, 1);
  });

  t.test('another answers, or refuses', async (t) => {
    const one = await ready(t);
    one.daemon.hangUp();
    const asked = one.client.sync();
    await accepted(one.daemon);
    one.daemon.event(wl_registry, 2, 'global', 1, 'wl_compositor', 6);
    one.daemon.event(wl_callback, 3, 'done', 0);
    await t.rejects(asked, { message: 'no dmabroker_manager_v1 at this socket' });
    t.equal(one.closed.length, 1);

    const two = await ready(t);
    two.daemon.hangUp();
    const other = two.client.sync();
    await accepted(two.daemon);
    two.daemon.event(wl_display, 1, 'error', 1, 3, 'permission_denied: no');
    await t.rejects(other, { message: 'protocol error: permission_denied: no' });
    t.equal(two.closed.length, 1);
  });

  t.test('a daemon that ends with each call does so three times', async (t) => {
    const { daemon, client } = await ready(t);
    const asked = client.sync();
    for (let time = 1; time < 3; time++) {
      daemon.hangUp();
      await accepted(daemon);
      daemon.event(wl_registry, 2, 'global', 1, dmabroker_manager_v1.name, 1);
      daemon.event(wl_callback, 3, 'done', 0);
      daemon.event(dmabroker_manager_v1, 4, 'done');
      await new Promise<void>((resolve) => client.onReconnected(resolve));
    }
    daemon.hangUp();
    await t.rejects(asked, ConnectionError);
    client.close();
  });
});

t.test('it keeps no process alive by itself', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const library = new URL('../../src/client/index.js', import.meta.url).href;
  const program = `
    const { connect } = await import(${JSON.stringify(library)});
    const client = await connect({ socket: ${JSON.stringify(daemon.clientSocket)} });
    client.ref().onDisconnected(() => { console.log('lost'); client.unref(); });
    console.log('connected');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await eventually(() => said !== '', 'it is connected');
  const ended = once(child, 'close');
  await daemon.end('SIGKILL');
  t.same(await ended, [0, null]);
  t.equal(said, 'connected\nlost\n');
});
