/**
 * Clients that are too many, too greedy or too slow, against the real daemon: those that do not read
 * are not read, nobody else waits for them, and what they cost is bounded and given back.
 */
import { execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { connect } from '../../../src/client/index.js';
import { close } from '../../../src/native/libc/fd.js';
import { connectUnix, send } from '../../../src/native/libc/socket.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../src/protocol/wayland.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FREE, MANAGER, RawClient } from '../../support/raw-client.js';

const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;
const MIB = 2 ** 20;

/** A client of its own allocates and lets go. */
async function othersAreServed(t: Test, daemon: TestDaemon): Promise<void> {
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const buffer = await client.allocate(MEMFD);
  t.equal(buffer.size, 4096, 'others are served');
  await buffer.release();
  client.close();
}

/** Sends the same bytes over and over, as far as the socket takes them. */
class Flood {
  /** How often they were sent whole. */
  sent = 0;
  #at = 0;

  constructor(
    private readonly client: RawClient,
    private readonly bytes: Buffer,
  ) {}

  /** Goes on until the socket is full, or they were sent `most` times. */
  run(most: number): void {
    while (this.sent < most) {
      const sent = send(this.client.fd, this.bytes.subarray(this.#at), []);
      if (sent === null) return;
      this.#at += sent;
      if (this.#at < this.bytes.length) continue;
      this.#at = 0;
      this.sent++;
    }
  }
}

await withoutLeaks(t, 'load', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  await othersAreServed(t, daemon);
  const before = await daemon.idleFds();

  await t.test('a client that never reads', async (t) => {
    const client = new RawClient(daemon.clientSocket, { reading: false });
    const memory = daemon.memory();
    const sync = client.peer.request(wl_display, 1, 'sync', FREE);
    const BATCH = 300;
    const MOST = 10_000;
    const flood = new Flood(client, Buffer.concat(Array(BATCH).fill(sync)));
    // It is full for good only when the daemon, too, has stopped reading.
    for (let round = 0; round < 5; round++) {
      flood.run(MOST);
      await othersAreServed(t, daemon);
    }
    t.ok(flood.sent < MOST, `no longer read after ${flood.sent} times ${BATCH} requests`);
    t.ok(daemon.memory() - memory < 64 * MIB, 'what waits for it is bounded');
    client.read();
    const answered = () => client.count('wl_callback.done');
    await client.until(() => answered() >= flood.sent * BATCH);
    t.ok(answered() < (flood.sent + 1) * BATCH, 'each request was answered once');
    client.close();
    await t.resolves(daemon.settled(before));
  });

  await t.test('a client that never reads its fds', async (t) => {
    const owner = await connect({ socket: daemon.clientSocket, reconnect: false });
    const buffer = await owner.allocate(MEMFD);
    const token = await buffer.share({ uses: 1000 });
    const client = new RawClient(daemon.clientSocket, { reading: false });
    const { peer } = client;
    const target = { interface: dmabroker_manager_v1.name, version: 1, id: MANAGER };
    client.send(peer.request(wl_display, 1, 'get_registry', 2));
    client.send(peer.request(wl_registry, 2, 'bind', 1, target));
    const REDEEMED = 500;
    const requests = Array.from({ length: REDEEMED }, (_, i) =>
      peer.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE + i, token),
    );
    client.send(Buffer.concat(requests));
    await othersAreServed(t, daemon);
    client.read();
    await client.until(() => client.count('dmabroker_buffer_v1.done') === REDEEMED);
    t.equal(client.count('dmabroker_buffer_v1.plane'), REDEEMED, 'each has its fd');
    client.close();
    await buffer.close();
    owner.close();
    await t.resolves(daemon.settled(before));
  });

  await t.test('300 connections come and go', async (t) => {
    for (let i = 0; i < 3; i++) {
      const fds = Array.from({ length: 100 }, () => connectUnix(daemon.clientSocket));
      for (const fd of fds) close(fd);
    }
    await othersAreServed(t, daemon);
    await t.resolves(daemon.settled(before));
  });

  await t.test('10,000 objects are made and destroyed', async (t) => {
    const client = await new RawClient(daemon.clientSocket).ready();
    const objects = 10_000;
    const batch = 500;
    for (let made = 0; made < objects; made += batch) {
      const requests = Array.from({ length: batch }, (_, i) => [
        client.peer.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE + i),
        client.peer.request(dmabroker_params_v1, FREE + i, 'destroy'),
      ]);
      client.send(Buffer.concat(requests.flat()));
      await client.until(() => client.count('wl_display.delete_id') === made + batch);
    }
    t.equal(client.count('wl_display.error'), 0);
    client.close();
    await othersAreServed(t, daemon);
    await t.resolves(daemon.settled(before));
  });

  await t.test('200 clients are told of one release', async (t) => {
    const owner = await connect({ socket: daemon.clientSocket, reconnect: false });
    const buffer = await owner.allocate(MEMFD);
    const token = await buffer.share({ uses: 200 });
    const clients = Array.from({ length: 200 }, () => new RawClient(daemon.clientSocket));
    for (const client of clients) {
      await client.ready();
      client.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE, token);
      await client.until(() => client.count('dmabroker_buffer_v1.done') === 1);
    }
    t.match(await daemon.buffers(), [{ recipients: { length: 201 } }]);
    await buffer.release();
    for (const client of clients) {
      await client.until(() => client.count('dmabroker_buffer_v1.released') === 1);
      client.close();
    }
    owner.close();
    await t.resolves(daemon.settled(before));
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

await withoutLeaks(t, 'a daemon that runs out of file descriptors', async (t) => {
  const daemon = await TestDaemon.memfd(t);
  const client = await connect({ socket: daemon.clientSocket, reconnect: false });
  const before = daemon.openFds();
  // Its own limits, which follow from what there was at the start, do not let it come to that.
  execFileSync('prlimit', [`--pid=${daemon.pid}`, `--nofile=${before + 40}`]);
  const fds = Array.from({ length: 100 }, () => connectUnix(daemon.clientSocket));
  const saidSo = () => daemon.log.some(({ msg }) => msg.startsWith('out of file descriptors'));
  await eventually(saidSo, 'it says so');
  await t.resolves(client.sync(), 'who is connected is still served');
  const refusal = { name: 'BrokerError', code: 'limit_exceeded', message: /file descriptors/ };
  await t.rejects(client.allocate(MEMFD), refusal);
  for (const fd of fds) close(fd);
  await eventually(() => daemon.openFds() === before, 'the others are gone');
  const buffer = await client.allocate(MEMFD);
  t.equal(buffer.size, 4096, 'it goes on');
  await buffer.close();
  await othersAreServed(t, daemon);
  client.close();
  t.equal(await daemon.stop(), 0);
});
