/**
 * Connections, and processes that come and go, without end: one user gets its part of the daemon's fds
 * and no more, and the daemon has some left for others.
 */
import t from 'tap';
import { fdParts } from '../../src/broker/fd-parts.js';
import { connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { connectUnix } from '../../src/native/libc/socket.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const MAX_FDS = 800;
const { clients: ALL, pastProcesses: PAST } = fdParts(MAX_FDS);
/** One user has a half, at two each. */
const MOST = Math.floor(ALL / 2 / 2);
const MEMFD = { kind: 'buffer', size: 4096, handleTypes: ['memfd'] } as const;

await withoutLeaks(t, 'floods', async (t) => {
  const wrapper = ['prlimit', `--nofile=${MAX_FDS}:${MAX_FDS}`];
  const daemon = await TestDaemon.memfd(t, { wrapper });
  const before = await daemon.idleFds();

  await t.test('connections', async (t) => {
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    const fds = Array.from({ length: 500 }, () => connectUnix(daemon.clientSocket));
    const clients = async () => (await daemon.clients()).length;
    await eventually(async () => (await clients()) === MOST, `${MOST} are connected`);
    await t.rejects(
      connect({ socket: daemon.clientSocket, reconnect: false }),
      /limit_exceeded.*connections/,
    );
    t.ok(daemon.openFds() < MAX_FDS / 2, `${daemon.openFds()} fds are open`);
    await (await client.allocate(MEMFD)).close();
    for (const fd of fds) close(fd);
    await eventually(async () => (await clients()) === 1, 'the others have left');
    const another = await connect({ socket: daemon.clientSocket, reconnect: false });
    await (await another.allocate(MEMFD)).close();
    another.close();
    client.close();
    await t.resolves(daemon.settled(before));
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

await withoutLeaks(t, 'recipients that come and go', async (t) => {
  const wrapper = ['prlimit', `--nofile=${MAX_FDS}:${MAX_FDS}`];
  const daemon = await TestDaemon.start([], { wrapper });
  t.teardown(() => daemon.stop('SIGKILL'));
  const { sources } = (await daemon.rest('GET', '/v1/device')).body;
  const opaque = sources.some(
    (each: { handle_type: string; usable: boolean }) =>
      each.handle_type === 'opaque_fd' && each.usable,
  );
  if (!opaque) {
    t.comment('not tested: no source here whose memory nobody can count');
    return;
  }
  const owner = await connect({ socket: daemon.clientSocket, reconnect: false });
  const terms = { kind: 'buffer', size: 4096, handleTypes: ['opaque_fd'] } as const;
  await (await owner.allocate(terms)).close();
  const buffer = await owner.allocate(terms);
  const token = await buffer.share({ uses: 4 * PAST });
  for (let i = 0; i < 4 * PAST; i++) {
    const client = await connect({ socket: daemon.clientSocket, reconnect: false });
    await (await client.redeem(token)).close();
    client.close();
  }
  await eventually(async () => (await daemon.clients()).length === 1, 'all but one have left');
  const pidfds = daemon.openFdsThat((target) => target.includes('pidfd'));
  t.equal(pidfds, 1 + PAST, "its own, and of the last ones' each");
  await (await owner.allocate(MEMFD)).close();
  await buffer.close();
  owner.close();
  t.equal(await daemon.stop(), 0);
});
