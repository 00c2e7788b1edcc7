/**
 * bob takes all that he can get, in every way that there is: with connections in many control groups,
 * by keeping what he has released, with imports, with tokens. alice gets her share all the same.
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Actor, type Got, type Said, sharedDaemon, uidOf } from '../support/actor.js';
import { eventually } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { recounted } from '../support/recount.js';

const SOURCE = 'udmabuf';
/** Sixteen buffers of this are all that there is; 10 % are for users below their share. */
const SIZE = 64 * 1024;
const PER_CGROUP = 4;
const QUOTAS = `
[quotas]
reserve = 0.1
recall_seconds = 2
[quotas.daemon]
bytes = "1M"
[quotas.cgroups."/bob/*"]
buffers = ${PER_CGROUP}
`;
const TOKENS = 64;
const CGROUPS = '/sys/fs/cgroup';

const daemonsBytes = {
  code: 'limit_exceeded',
  refusal: { quota: { scope: 'daemon', dimension: 'bytes' } },
};
const recalling = { code: 'limit_exceeded', refusal: { possible: { recalling: true } } };
const recalled = { code: 'recalled' };

/** Control groups that are there until the test has ended, outer ones first. */
function withCgroups(t: Test, paths: readonly string[]): void {
  for (const path of paths) mkdirSync(join(CGROUPS, path));
  t.teardown(() => {
    for (const path of [...paths].reverse()) rmdirSync(join(CGROUPS, path));
  });
}

await withoutLeaks(t, 'bob takes everything', async (t) => {
  withCgroups(t, ['/bob', '/bob/0', '/bob/0/deeper', '/bob/1', '/bob/2', '/bob/3']);
  const daemon = await sharedDaemon(t, { toml: QUOTAS });
  const before = await daemon.idleFds();
  const bobs = uidOf('bob');
  const alice = await Actor.connected(t, daemon, 'alice');

  /** Nobody but alice is there, and she has nothing. */
  async function over(t: Test, got: readonly Got[]): Promise<void> {
    for (const { number } of got) await alice.tell({ what: 'release', number });
    const left = async () => (await daemon.buffers()).length + (await daemon.clients()).length;
    await eventually(async () => (await left()) === 1, 'everything is given back');
    // What she was refused is her demand, for a while or until she has got it.
    const { number } = await alice.allocate(SOURCE, SIZE);
    await alice.tell({ what: 'release', number });
    await eventually(async () => (await left()) === 1, 'that, too');
    await t.resolves(recounted(daemon));
  }

  /** What bob is charged, in buffers of SIZE. */
  const charged = async () => {
    const { body } = await daemon.rest('GET', '/v1/users');
    const [bob] = body.filter(({ uid }: { uid: number }) => uid === bobs);
    return (bob?.charge.bytes ?? 0) / SIZE;
  };

  /** bob's process in a control group of his. */
  async function bobIn(t: Test, path: string): Promise<Actor> {
    const actor = Actor.start(daemon, 'bob');
    t.teardown(() => actor.end('kill'));
    // The daemon reads it when the process connects.
    writeFileSync(join(CGROUPS, path, 'cgroup.procs'), `${actor.pid}`);
    await actor.tell({ what: 'connect' });
    return actor;
  }

  await t.test('with processes in many control groups', async (t) => {
    const paths = ['/bob/0', '/bob/0/deeper', '/bob/1', '/bob/2', '/bob/3'];
    const all = await Promise.all(paths.map((path) => bobIn(t, path)));
    t.match(
      (await daemon.clients()).map(({ cgroup }) => cgroup).sort(),
      ['/', ...paths],
      'the daemon sees where they are',
    );
    const taken: { got: Got[] }[] = [];
    for (const [i, bob] of all.entries()) {
      const { got, refused } = await bob.takeAll(SOURCE, SIZE);
      taken.push({ got });
      const path = paths[i] === '/bob/0/deeper' ? '/bob/0' : paths[i];
      const ofCgroup = { refusal: { quota: { scope: 'cgroup', key: path, limit: PER_CGROUP } } };
      t.match(refused, i < 4 ? ofCgroup : daemonsBytes, `${paths[i]}: ${refused.message}`);
    }
    t.same(
      taken.map(({ got }) => got.length),
      [PER_CGROUP, 0, PER_CGROUP, PER_CGROUP, 2],
      'together what one has alone: all but the reserve',
    );
    await recounted(daemon);

    const first = await alice.takeAll(SOURCE, SIZE);
    t.equal(first.got.length, 2, 'alice has the reserve');
    t.match(first.refused, recalling);
    const told = async () => {
      const asked = all.flatMap((bob, i) =>
        (taken[i]?.got ?? []).map(({ number }) => bob.tell<Said>({ what: 'said', number })),
      );
      return (await Promise.all(asked)).filter((said) => said.recalled !== null);
    };
    // He is told when she is, by another process.
    await eventually(async () => (await told()).length > 0, 'bob is told');
    t.match(
      await told(),
      [{ recalled: 'share', released: null }],
      'bob is asked for what she lacks',
    );
    const late = async () => (await all[4]?.takeAll(SOURCE, SIZE))?.refused.code === 'recalled';
    await eventually(late, 'he has not given it back in time');
    for (const bob of all) t.match((await bob.takeAll(SOURCE, SIZE)).refused, recalled);
    await all[0]?.end('kill');
    await eventually(async () => (await charged()) === 10, 'what one of his had is given back');
    const then = await alice.takeAll(SOURCE, SIZE);
    t.equal(then.got.length, 4, 'alice gets it');
    t.match(then.refused, recalling, 'and is still below her share');
    await recounted(daemon);
    for (const bob of all) await bob.end('kill');
    await over(t, [...first.got, ...then.got]);
  });

  await t.test('by keeping what he has released', async (t) => {
    const bob = await Actor.connected(t, daemon, 'bob');
    const { got } = await bob.takeAll(SOURCE, 2 * SIZE);
    t.equal(got.length, 7);
    const children: number[] = [];
    for (const { number } of got) {
      children.push(await bob.tell<number>({ what: 'pass', number }));
      await bob.tell({ what: 'release', number });
    }
    const states = async () => (await daemon.buffers()).map(({ state }) => state);
    t.same(await states(), Array(7).fill('lingering'));
    t.equal(await charged(), 14, 'they are charged to him');
    t.match((await bob.takeAll(SOURCE, SIZE)).refused, daemonsBytes, 'so that he gets no more');
    const first = await alice.takeAll(SOURCE, SIZE);
    t.equal(first.got.length, 2, 'alice has the reserve');
    await bob.end('kill');
    t.equal(await charged(), 14, 'his processes hold them, whoever has gone');
    await recounted(daemon);
    for (const pid of children.slice(1)) process.kill(pid, 'SIGKILL');
    await eventually(async () => (await charged()) === 2, 'what nobody has is given back');
    const then = await alice.takeAll(SOURCE, SIZE);
    t.equal(then.got.length, 10, 'to alice');
    process.kill(children[0] ?? 0, 'SIGKILL');
    await over(t, [...first.got, ...then.got]);
  });

  await t.test('with imports, and with tokens for what is alice’s', async (t) => {
    const bob = await Actor.connected(t, daemon, 'bob');
    const { number } = await bob.allocate(SOURCE, SIZE);
    for (let count = 1; count < 14; count++) await bob.tell({ what: 'import', number });
    t.match(await bob.refused({ what: 'import', number }), daemonsBytes);
    t.equal(await charged(), 14, 'the same memory, as often as he has brought it');
    const { got, refused } = await alice.takeAll(SOURCE, SIZE);
    t.equal(got.length, 2);
    t.match(refused, recalling);
    await recounted(daemon);

    const share = { what: 'share', number: got[0]?.number ?? 0, terms: {} } as const;
    const token = await alice.tell<string>(share);
    const redeemed = await bob.tell<Got>({ what: 'redeem', token });
    const again = { ...share, number: redeemed.number };
    for (let i = 0; i < TOKENS; i++) await bob.tell(again);
    t.match(await bob.refused(again), { refusal: { constraint: 'tokens' } });
    t.type(await alice.tell(share), 'string', 'alice shares it as before');
    await bob.end('kill');
    await over(t, got);
  });

  await alice.end('kill');
  await t.resolves(daemon.settled(before));
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
