/**
 * A descriptor opened with O_PATH keeps a dma_buf's memory, and is counted nowhere: what a user has so is
 * uncharged up to `accounting.trusted_bytes`, and no further, by whatever way it is kept.
 */
import { chmodSync, closeSync, constants, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Client, connect } from '../../src/client/index.js';
import { close } from '../../src/native/libc/fd.js';
import { connectUnix, listenUnix, send } from '../../src/native/libc/socket.js';
import { sharedDaemon } from '../support/actor.js';
import { eventually as soon, TestDaemon, withoutVulkan } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { temporaryFolder } from '../support/folder.js';

/** A look that shows nothing makes the next one later, up to a minute; and so does a slow machine (broker/unproven.ts). */
const eventually = (condition: () => boolean | Promise<boolean>, what: string | (() => string)) =>
  soon(condition, what, 9000);

const O_PATH = 0o10000000;
const SIZE = 65_536;
const TRUSTED = 2;
const QUOTA = 6;
const toml = (grace = 60) => `
[accounting]
trusted_bytes = ${TRUSTED * SIZE}
unknown_grace_seconds = ${grace}
[quotas.default_user]
bytes = ${QUOTA * SIZE}
[pool]
bytes = 0
`;

async function start(t: Test): Promise<TestDaemon> {
  const config = join(temporaryFolder(t), 'dmabrokerd.toml');
  writeFileSync(config, toml());
  const daemon = await TestDaemon.start(['--config', config], { env: withoutVulkan });
  t.teardown(() => daemon.stop('SIGKILL'));
  return daemon;
}

/** Allocates and releases, and keeps a descriptor that is good for nothing else. */
async function keepPath(t: Test, client: Client): Promise<number> {
  const buffer = await client.allocate({ kind: 'buffer', size: SIZE, handleTypes: ['dma_buf'] });
  const path = openSync(`/proc/self/fd/${buffer.planes[0]?.fd}`, constants.O_RDONLY | O_PATH);
  t.throws(() => openSync(`/proc/self/fd/${path}`, 'r+'), { code: 'ENXIO' }, 'of no use');
  await buffer.release();
  return path;
}

/** A socket in which a message with the fd lies that nobody will receive; the caller's, like the listener. */
function sendToNobody(t: Test, fd: number): readonly [number, number] {
  const path = join(temporaryFolder(t), 'nobody');
  const listener = listenUnix(path);
  const socket = connectUnix(path);
  unlinkSync(path);
  t.equal(send(socket, Buffer.alloc(1), [fd]), 1);
  closeSync(fd);
  return [socket, listener];
}

const count = async (daemon: TestDaemon, state: string) =>
  (await daemon.buffers()).filter((buffer) => buffer.state === state).length;
const unproven = async (daemon: TestDaemon) => {
  const { body } = await daemon.rest('GET', '/metrics');
  return Number(/^dmabroker_unproven_bytes (\d+)$/m.exec(String(body))?.[1]);
};

await withoutLeaks(t, 'descriptors opened with O_PATH keep no more than is trusted', async (t) => {
  const daemon = await start(t);
  const client = await connect({ socket: daemon.clientSocket });
  const paths: number[] = [];
  for (let i = 0; i < TRUSTED + QUOTA; i++) paths.push(await keepPath(t, client));
  await eventually(async () => (await count(daemon, 'lingering')) === QUOTA, 'they are seen');
  t.equal(await unproven(daemon), TRUSTED * SIZE);
  await t.rejects(client.allocate({ kind: 'buffer', size: SIZE }), {
    code: 'limit_exceeded',
    refusal: { constraint: 'quota.user.bytes', quota: { lingering: QUOTA * SIZE } },
  });
  for (const path of paths) closeSync(path);
  await eventually(async () => (await daemon.buffers()).length === 0, 'nobody has them any more');
  await eventually(async () => (await unproven(daemon)) === 0, 'of the others it is proven, too');
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

await withoutLeaks(t, 'nor do such descriptors in messages that nobody receives', async (t) => {
  const daemon = await start(t);
  const client = await connect({ socket: daemon.clientSocket });
  const sockets: number[] = [];
  for (let i = 0; i < TRUSTED + 2; i++) {
    sockets.push(...sendToNobody(t, await keepPath(t, client)));
  }
  let found = '';
  await eventually(
    async () => {
      const states = (await daemon.buffers()).map(({ state }) => state);
      found = `${states}, ${await unproven(daemon)} unproven`;
      return states.filter((state) => state === 'lingering').length === 2;
    },
    () => `they may be held: ${found}`,
  );
  t.equal(await unproven(daemon), TRUSTED * SIZE);
  for (const socket of sockets) close(socket);
  await eventually(async () => (await daemon.buffers()).length === 0, 'nobody has them any more');
  await eventually(async () => (await unproven(daemon)) === 0, 'of the others it is proven, too');
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

await withoutLeaks(t, 'who keeps nothing is never refused, however much it releases', async (t) => {
  const daemon = await start(t);
  const client = await connect({ socket: daemon.clientSocket });
  // Several at once, of a quota that is full of what was released and not proven yet.
  for (let i = 0; i < 2 * (TRUSTED + QUOTA); i++) {
    const two = [0, 1].map(() => client.allocate({ kind: 'buffer', size: SIZE }));
    for (const buffer of await Promise.all(two)) await buffer.release();
  }
  const kept: number[] = [];
  for (let i = 0; i < TRUSTED + QUOTA; i++) kept.push(await keepPath(t, client));
  await t.rejects(client.allocate({ kind: 'buffer', size: SIZE }), { code: 'limit_exceeded' });
  for (const path of kept) closeSync(path);
  await eventually(async () => (await daemon.buffers()).length === 0, 'nobody has them any more');
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});

await withoutLeaks(t, 'a daemon that may not look at its clients', async (t) => {
  chmodSync('/dev/udmabuf', 0o666);
  const daemon = await sharedDaemon(t, { user: 'carol', toml: toml(3) });
  const client = await connect({ socket: daemon.clientSocket });
  for (let i = 0; i < TRUSTED + QUOTA; i++) {
    await (await client.allocate({ kind: 'buffer', size: SIZE, source: 'udmabuf' })).release();
  }
  t.equal(await count(daemon, 'unknown'), QUOTA, 'what is not trusted is charged');
  await eventually(async () => (await daemon.buffers()).length === 0, 'for unknown_grace_seconds');
  client.close();
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
