/**
 * Several users of the machine and one daemon: what is one's own nobody else can see, redeem or
 * release (or starve: starve.guest.test.ts). alice and bob are in the group dmabroker, carol is not.
 */
import t from 'tap';
import { Actor, type Got, type Order, sharedDaemon, uidOf } from '../../support/actor.js';
import { withoutLeaks } from '../../support/fds.js';

const SOURCE = 'udmabuf';
const SIZE = 65_536;
const take: Order = { what: 'allocate', source: SOURCE, size: SIZE, lifetime: 'connection' };

await withoutLeaks(t, 'several users', async (t) => {
  const daemon = await sharedDaemon(t);
  const before = await daemon.idleFds();
  const as = (user: string) => Actor.connected(t, daemon, user);

  await t.test('what is alice’s', async (t) => {
    const [alice, bob] = [await as('alice'), await as('bob')];
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
    const refused = await carol.refused({ what: 'connect' });
    t.match(refused.message, /may not connect: that is for members of the group dmabroker$/);
    const asks = carol.tell({ what: 'rest', method: 'GET', path: '/healthz' });
    await t.rejects(
      asks,
      { code: 'EACCES' },
      'nor does REST hear of her: the policy does not name her',
    );
    await carol.end('kill');
  });

  t.equal(await daemon.stop(), 0);
  t.same(daemon.errors, []);
});
