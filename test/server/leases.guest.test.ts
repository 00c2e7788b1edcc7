/**
 * A lease of a buffer that several users' processes have: who may renew it, and what each is told when
 * it ends. The memory is theirs for as long as they keep it.
 */
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { Actor, type Got, type Said, sharedDaemon } from '../support/actor.js';
import { eventually } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { nothingCharged, recounted } from '../support/recount.js';

const SOURCE = 'udmabuf';
const SIZE = 65_536;
const LONG = 3600;
/** Long enough for a renewal, on a slow machine. */
const GRACE_SECONDS = 10;
const CONFIGURATION = `[leases]\ngrace_seconds = ${GRACE_SECONDS}\n`;

await withoutLeaks(t, 'a lease', async (t) => {
  const daemon = await sharedDaemon(t, { toml: CONFIGURATION });
  const before = await daemon.idleFds();
  const [alice, bob, root] = await Promise.all(
    ['alice', 'bob', null].map((user) => Actor.connected(t, daemon, user)),
  );
  if (alice === undefined || bob === undefined || root === undefined) throw new Error('nobody');

  const listed = async (id: string) => (await daemon.buffers()).find((each) => each.id === id);
  const own = await alice.allocate(SOURCE, SIZE, { lease: 1 });
  const path = `/v1/buffers/${own.id}`;
  const give = async (actor: Actor, mayRenew: boolean) => {
    const terms = { mayRenew };
    const token = await alice.tell<string>({ what: 'share', number: own.number, terms });
    return { actor, number: (await actor.tell<Got>({ what: 'redeem', token })).number };
  };
  const owner = { actor: alice, number: own.number };
  const plain = await give(bob, false);
  const renewer = await give(root, true);
  const all = [owner, plain, renewer];

  const said = () =>
    Promise.all(all.map(({ actor, number }) => actor.tell<Said>({ what: 'said', number })));
  const everybodyHears = async (what: Said) => {
    const heard = async () =>
      (await said()).every(
        ({ recalled, released }) => recalled === what.recalled && released === what.released,
      );
    await eventually(heard, () => `everybody hears ${JSON.stringify(what)}`);
  };
  const renew = ({ number }: { number: number }, seconds: number) =>
    ({ what: 'renew', number, seconds }) as const;

  await t.test('ends, and is recalled', async (t) => {
    await everybodyHears({ recalled: 'lease_expired', released: null });
    t.match(await listed(own.id), { state: 'live' }, 'within the grace it is what it was');
  });

  await t.test('is renewed by who may', async (t) => {
    t.match(await bob.refused(renew(plain, LONG)), { code: 'permission_denied' });
    t.match(await said(), Array(3).fill({ recalled: 'lease_expired' }));
    await root.tell(renew(renewer, 2));
    await everybodyHears({ recalled: null, released: null });
    await everybodyHears({ recalled: 'lease_expired', released: null });
    await alice.tell(renew(owner, 2));
    await everybodyHears({ recalled: null, released: null });
    await everybodyHears({ recalled: 'lease_expired', released: null });
    const { status } = await daemon.rest('POST', `${path}/extend`, { seconds: LONG });
    t.equal(status, 200, 'over REST, too');
    await everybodyHears({ recalled: null, released: null });
    const extend = {
      what: 'ask',
      method: 'POST',
      path: `${path}/extend`,
      body: { seconds: 9 },
    } as const;
    t.match(await bob.tell(extend), { status: 404 }, 'for its owner and who administers');
    t.match(await listed(own.id), { state: 'live', lifetime: { type: 'lease', seconds: LONG } });
    const token = await alice.tell<string>({ what: 'share', number: own.number, terms: {} });
    t.type(token, 'string', 'it can be shared as before');
  });

  await t.test('outlives its owner, and is over when its grace is', async (t) => {
    const short = await alice.allocate(SOURCE, SIZE, { lease: 1 });
    await alice.end('kill');
    await eventually(async () => (await daemon.clients()).length === 2, 'alice has left');
    t.match(await listed(short.id), { state: 'live' });
    await setTimeout(GRACE_SECONDS * 1000);
    await eventually(async () => (await listed(short.id)) === undefined, 'nobody has it');
    t.match(await listed(own.id), { state: 'live' });
    await recounted(daemon);
  });

  await t.test('who has the memory keeps it', async (t) => {
    all.shift();
    await root.tell(renew(renewer, LONG + 1));
    t.equal((await daemon.rest('DELETE', path)).status, 204);
    await everybodyHears({ recalled: null, released: 'administrator' });
    t.match(await root.refused(renew(renewer, LONG)), { code: 'not_found' });
    t.match(await listed(own.id), { state: 'lingering' }, 'two have it');
    await root.tell({ what: 'close', number: renewer.number });
    t.match(await listed(own.id), { state: 'lingering' }, 'bob still has it');
    await recounted(daemon);
    await bob.end('kill');
    await eventually(async () => (await listed(own.id)) === undefined, 'its memory is gone');
    await nothingCharged(daemon);
  });

  await root.end('kill');
  await t.resolves(daemon.settled(before));
  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
