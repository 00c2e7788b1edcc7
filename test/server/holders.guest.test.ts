/**
 * Who holds a buffer that several users share: their fds, their mappings, their children; what nobody
 * can see; and what a daemon without CAP_SYS_PTRACE says of what it may not see.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { packageRoot } from '../../src/package-root.js';
import type { Holders } from '../../src/rest/contract.js';
import { Actor, type Got, sharedDaemon, uidOf } from '../support/actor.js';
import { eventually, type TestDaemon } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';

const SIZE = 65_536;

const dmabrokerctl = (daemon: TestDaemon, ...args: string[]) =>
  execFileSync(
    process.execPath,
    [join(packageRoot, 'bin', 'dmabrokerctl.js'), '--socket', daemon.restSocket, ...args],
    { encoding: 'utf8' },
  );

/** alice's buffer, redeemed by the others. */
async function shared(t: Test, daemon: TestDaemon, source: string, others: (string | null)[]) {
  const [alice, ...all] = await Promise.all(
    ['alice', ...others].map((user) => Actor.connected(t, daemon, user)),
  );
  if (alice === undefined) throw new Error('nobody');
  const own = await alice.allocate(source, SIZE);
  const redeemed: { actor: Actor; number: number }[] = [];
  for (const actor of all) {
    const token = await alice.tell<string>({ what: 'share', number: own.number, terms: {} });
    const { number } = await actor.tell<Got>({ what: 'redeem', token });
    redeemed.push({ actor, number });
  }
  return { alice, own, redeemed };
}

/** The answer of a sweep that began after this moment: one is good for a second. */
async function holders(daemon: TestDaemon, id: string): Promise<Holders> {
  const asked = Date.now();
  let found: Holders | null = null;
  await eventually(async () => {
    found = (await daemon.rest('GET', `/v1/buffers/${id}/holders`)).body as Holders;
    return Date.parse(found.scanned_at) > asked;
  }, 'all processes are looked at anew');
  if (found === null) throw new Error('no answer');
  return found;
}

await withoutLeaks(t, 'holders', async (t) => {
  await t.test('of a daemon that may look at everybody', async (t) => {
    const daemon = await sharedDaemon(t);
    const before = await daemon.idleFds();
    const { alice, own, redeemed } = await shared(t, daemon, 'udmabuf', ['bob', null]);
    const [bob, root] = redeemed;
    if (bob === undefined || root === undefined) throw new Error('they redeemed');
    const child = await alice.tell<number>({ what: 'pass', number: own.number });
    await bob.actor.tell({ what: 'onlyMap', number: bob.number });

    const [alices, bobs] = [uidOf('alice'), uidOf('bob')];
    const all = await holders(daemon, own.id);
    const seen = all.holders.map(({ pid, uid, fds, mappings }) => ({ pid, uid, fds, mappings }));
    const byPid = (a: { pid: number }, b: { pid: number }) => a.pid - b.pid;
    t.same(
      seen,
      [
        { pid: alice.pid, uid: alices, fds: 1, mappings: 0 },
        { pid: bob.actor.pid, uid: bobs, fds: 0, mappings: 1 },
        { pid: root.actor.pid, uid: 0, fds: 1, mappings: 0 },
        { pid: child, uid: alices, fds: 1, mappings: 0 },
      ].sort(byPid),
    );
    t.match(all, { complete: true, missing: null, unreadable: 0, daemon: { mappings: 0 } });
    const connected = all.holders.filter(({ clients }) => clients.length === 1);
    t.equal(connected.length, 3, 'the child has no connection');

    const text = dmabrokerctl(daemon, 'holders', own.id);
    for (const { pid } of seen) t.match(text, new RegExp(`^.*\\b${pid}\\b.*$`, 'm'));

    // From here on it is in a message that nobody receives, of a process that has nothing else of it.
    await root.actor.tell({ what: 'onlySend', number: root.number });
    for (const actor of [alice, bob.actor]) await actor.end('kill');
    process.kill(child, 'SIGKILL');
    await eventually(async () => (await daemon.clients()).length === 1, 'alice and bob have left');
    await eventually(async () => {
      const left = await holders(daemon, own.id);
      return left.complete && left.holders.length === 0;
    }, 'nobody is seen to have it');
    t.match(await daemon.buffers(), [{ id: own.id, state: 'lingering' }], 'and yet it is held');
    await root.actor.end('kill');
    await t.resolves(daemon.settled(before));
    t.equal(await daemon.stop(), 0);
    t.same(daemon.errors, []);
  });

  await t.test('of a daemon that is no more than another user', async (t) => {
    const daemon = await sharedDaemon(t, { user: 'carol' });
    const { alice, own, redeemed } = await shared(t, daemon, 'memfd', ['bob']);
    const found = await holders(daemon, own.id);
    t.same(found.holders, [], 'it cannot look at alice and bob');
    t.match(found, {
      complete: false,
      missing: /^without CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, \d+ processes/,
    });
    // At least alice's, bob's and this one.
    t.ok(found.unreadable >= 3, `${found.unreadable} processes`);
    t.match(
      dmabrokerctl(daemon, 'holders', own.id),
      /without CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH/,
    );
    const { body } = await daemon.rest('GET', `/v1/buffers/${own.id}`);
    t.match(body.recipients, { length: 2 }, 'whom it gave it to it knows all the same');
    for (const { pid } of [alice, ...redeemed.map(({ actor }) => actor)]) {
      t.ok(body.recipients.some((recipient: { pid: number }) => recipient.pid === pid));
    }
    t.equal(await daemon.stop(), 0);
    t.same(daemon.errors, []);
  });
});
