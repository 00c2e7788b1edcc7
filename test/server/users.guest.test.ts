/**
 * Several users of the machine and one daemon: what is one's own nobody else can see, redeem, release
 * or starve. alice and bob are in the group dmabroker, carol is not.
 */
import { execFileSync } from 'node:child_process';
import t, { type Test } from 'tap';
import { Actor, type Got, type Order, sharedDaemon } from '../support/actor.js';
import { eventually } from '../support/daemon.js';
import { withoutLeaks } from '../support/fds.js';
import { recounted } from '../support/recount.js';

const SOURCE = 'udmabuf';
const KIB = 1024;
const RECALL_SECONDS = 2;
/** Sixteen buffers of this are all that there is; 10 % are for users below their share. */
const SIZE = 64 * KIB;
const QUOTAS = `
[quotas]
reserve = 0.1
recall_seconds = ${RECALL_SECONDS}
[quotas.daemon]
bytes = "1M"
`;
/** Of what 512 fds leave to connections, one user gets a half: 16. */
const WRAPPER = ['prlimit', '--nofile=512:512'];

const uidOf = (user: string) => Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }));
const take: Order = { what: 'allocate', source: SOURCE, size: SIZE, lifetime: 'connection' };

await withoutLeaks(t, 'several users', async (t) => {
  const daemon = await sharedDaemon(t, { toml: QUOTAS, wrapper: WRAPPER });
  const before = await daemon.idleFds();

  /** A client that ends, at the latest, with the test. */
  async function as(t: Test, user: string): Promise<Actor> {
    const actor = Actor.start(daemon, user);
    t.teardown(() => actor.end('kill'));
    await actor.tell({ what: 'connect' });
    return actor;
  }

  /** Allocates until it is refused. */
  async function takeAll(actor: Actor): Promise<Got[]> {
    const all: Got[] = [];
    for (;;) {
      try {
        all.push(await actor.tell<Got>(take));
      } catch {
        return all;
      }
    }
  }

  await t.test('what is alice’s', async (t) => {
    const [alice, bob] = [await as(t, 'alice'), await as(t, 'bob')];
    const { number, id } = await alice.tell<Got>(take);
    const terms = { uid: uidOf('alice') };
    const token = await alice.tell<string>({ what: 'share', number, terms });
    t.match(await bob.refused({ what: 'redeem', token }), { code: 'invalid_token' });
    t.match(await alice.tell<Got>({ what: 'redeem', token }), { id }, 'it was not used up');

    const path = `/v1/buffers/${id}`;
    for (const method of ['GET', 'DELETE']) {
      t.equal(await bob.tell({ what: 'rest', method, path }), 404, `${method} over REST`);
    }
    t.same(await bob.tell({ what: 'rest', method: 'GET', path: '/v1/buffers' }), 200);
    t.match(await daemon.buffers(), [{ id, state: 'live', owner: { uid: uidOf('alice') } }]);

    const open = await alice.tell<string>({ what: 'share', number, terms: {} });
    const bobs = await bob.tell<Got>({ what: 'redeem', token: open });
    await bob.tell({ what: 'release', number: bobs.number });
    t.match(await daemon.buffers(), [{ id, state: 'live' }], 'who redeems does not release');
    await alice.end('kill');
    await bob.end('kill');
    await t.resolves(daemon.settled(before));
  });

  await t.test('carol is not let in', async (t) => {
    const carol = Actor.start(daemon, 'carol');
    t.teardown(() => carol.end('kill'));
    t.match(await carol.refused({ what: 'connect' }), { code: 'EACCES' });
    const health = { what: 'rest', method: 'GET', path: '/healthz' } as const;
    t.match(await carol.refused(health), { code: 'EACCES' });
    await carol.end('kill');
  });

  await t.test('bob takes all that he is given', async (t) => {
    const [alice, bob] = [await as(t, 'alice'), await as(t, 'bob')];
    const bobs = await takeAll(bob);
    t.equal(bobs.length, 14, 'the reserve is not for him');
    t.match(await bob.refused(take), {
      code: 'limit_exceeded',
      refusal: { quota: { scope: 'daemon', dimension: 'bytes' } },
    });
    t.equal((await takeAll(alice)).length, 2, 'alice has it');
    t.match(await alice.refused(take), {
      code: 'limit_exceeded',
      refusal: { possible: { recalling: true } },
    });
    const late = async () => (await bob.refused(take)).code === 'recalled';
    await eventually(late, 'bob has not given back in time, and gets nothing more');
    for (const { number } of bobs.slice(0, 2)) await bob.tell({ what: 'release', number });
    const got: Got[] = [];
    const given = async () => {
      got.push(...(await takeAll(alice)));
      return got.length > 0;
    };
    await eventually(given, 'alice gets what he gives back');
    await recounted(daemon);
    await bob.end('kill');
    t.ok((await takeAll(alice)).length > 0, 'and what he leaves behind');
    await alice.end('kill');
    await t.resolves(daemon.settled(before));
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
