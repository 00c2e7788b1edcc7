/**
 * Another user floods the daemon with all that it may send and more (support/programs/attacker.ts).
 * alice is served meanwhile, what she and bob are charged is right, and when he is killed nothing of
 * his is left.
 */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t from 'tap';
import { fdParts } from '../../src/broker/fd-parts.js';
import { Actor, type Got, sharedDaemon, startAs, uidOf } from '../support/actor.js';
import { eventually } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { recounted } from '../support/recount.js';

const MAX_FDS = 512;
/** What connections of one user get: a half, at two each. */
const MOST = Math.floor(fdParts(MAX_FDS).clients / 2 / 2);
const SOURCE = 'udmabuf';
const SIZE = 65_536;
const TIMES = 3;

await withoutLeaks(t, 'a flood by another user', async (t) => {
  const daemon = await sharedDaemon(t, { wrapper: ['prlimit', `--nofile=${MAX_FDS}:${MAX_FDS}`] });
  const before = await daemon.idleFds();
  const alice = await Actor.connected(t, daemon, 'alice');
  const own = await alice.allocate(SOURCE, SIZE);

  const sockets = [daemon.clientSocket, daemon.restSocket];
  const bob = startAs('bob', 'attacker', sockets, ['ignore', 'pipe', 'inherit']);
  t.teardown(() => bob.kill('SIGKILL'));
  if (bob.stdout === null) throw new Error('no pipe');
  t.equal((await once(createInterface(bob.stdout), 'line'))[0], 'attacking');

  const uids = { alice: uidOf('alice'), bob: uidOf('bob') };
  const charged = async (uid: number) => {
    const { body } = await daemon.rest('GET', '/v1/users');
    return body.find((user: { uid: number }) => user.uid === uid)?.charge;
  };
  const connections = async (uid: number) =>
    (await daemon.clients()).filter((client) => client.uid === uid).length;

  await t.test('alice is served', async (t) => {
    for (let i = 1; i <= TIMES; i++) {
      const { number, id } = await alice.allocate(SOURCE, SIZE);
      const token = await alice.tell<string>({ what: 'share', number, terms: {} });
      t.match(await alice.tell<Got>({ what: 'redeem', token }), { id });
      t.match(await charged(uids.alice), { bytes: (i + 1) * SIZE, buffers: i + 1, pending: 0 });
    }
    const late = await Actor.connected(t, daemon, 'alice');
    await late.allocate(SOURCE, SIZE);
    t.equal(await connections(uids.alice), 2, 'over another connection, too');
    await late.end('kill');
  });

  await t.test('bob has what he may have', async (t) => {
    bob.kill('SIGSTOP');
    await eventually(
      async () => (await connections(uids.bob)) <= MOST,
      `${MOST} connections at most are left of his`,
    );
    await recounted(daemon);
    t.ok((await charged(uids.bob)).buffers > 0, 'he got some');
    await alice.tell({ what: 'release', number: own.number });
    await alice.allocate(SOURCE, SIZE);
  });

  await t.test('nothing of his is left', async (t) => {
    bob.kill('SIGKILL');
    await once(bob, 'exit');
    const mine = async () =>
      (await daemon.buffers()).every(({ owner }) => owner.uid === uids.alice) &&
      (await connections(uids.bob)) === 0;
    await eventually(mine, 'all of his is given back');
    await recounted(daemon);
    t.match(await charged(uids.alice), { buffers: TIMES + 1 });
    await alice.end('kill');
    await t.resolves(daemon.settled(before));
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
