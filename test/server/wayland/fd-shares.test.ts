/**
 * File descriptors that no request has named: they count as their sender's from the moment that they
 * arrive, so that one user's do not take the daemon's last ones.
 */
import { openSync } from 'node:fs';
import t from 'tap';
import { connect } from '../../../src/client/index.js';
import { MAX_FDS } from '../../../src/memory/limits.js';
import { SystemError } from '../../../src/native/libc/errno.js';
import { close } from '../../../src/native/libc/fd.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { eventually, TestDaemon } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { FREE, RawClient } from '../../support/raw-client.js';

/** Of the daemon; what connections of one user get of them is far less than what is sent. */
const MOST = 1024;
const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

const errorOf = (client: RawClient) =>
  client.events.find(({ name }) => name === 'wl_display.error')?.values;

function trySend(client: RawClient, bytes: Buffer, fds: readonly number[]): void {
  try {
    client.send(bytes, fds);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EPIPE') throw error;
  }
}

await withoutLeaks(t, 'fds that no request names', async (t) => {
  const wrapper = ['prlimit', `--nofile=${MOST}:${MOST}`];
  const daemon = await TestDaemon.memfd(t, { wrapper });
  const witness = await connect({ socket: daemon.clientSocket, reconnect: false });
  const held = await witness.allocate(MEMFD);
  await eventually(() => daemon.drained(), 'there are no spares');
  const before = daemon.openFds();

  await t.test('31 connections send a byte and 28 of them each', async (t) => {
    const file = openSync('/dev/zero', 'r');
    const clients = Array.from({ length: 31 }, () => new RawClient(daemon.clientSocket));
    for (const client of clients) {
      const bytes = client.peer.request(wl_display, 1, 'sync', FREE);
      // One that was too many may have been ended already.
      if (errorOf(client) === undefined)
        trySend(client, bytes.subarray(0, 1), Array(MAX_FDS).fill(file));
    }
    await witness.sync();
    t.ok(daemon.openFds() < MOST / 2, 'most of the daemon’s are free');
    const refused = () => clients.filter((client) => errorOf(client) !== undefined);
    await eventually(() => refused().length > 20, 'those that were too many are ended');
    for (const client of refused()) {
      t.match(errorOf(client)?.[2], /has too many (file descriptors|connections, or fds)/);
    }
    const all = [];
    for (let i = 0; i < 200; i++) all.push(await witness.allocate(MEMFD));
    t.equal(all.length, 200, 'who was there is served as before');
    for (const buffer of all) await buffer.close();
    for (const client of clients) client.close();
    close(file);
    const closed = async () => (await daemon.drained()) && daemon.openFds() === before;
    await eventually(closed, () => `all are closed: ${daemon.openFds()}, ${before} before`);
  });

  await t.test('the soft limit is raised to the hard one', async (t) => {
    const low = await TestDaemon.memfd(t, { wrapper: ['prlimit', '--nofile=128:2048'] });
    const client = await connect({ socket: low.clientSocket, reconnect: false });
    const all = [];
    for (let i = 0; i < 300; i++) all.push(await client.allocate(MEMFD));
    t.equal(all.length, 300, 'more than the soft limit');
    client.close();
    for (const buffer of all) close(buffer.planes[0]?.fd ?? -1);
    t.equal(await low.stop(), 0);
  });

  await held.close();
  witness.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
