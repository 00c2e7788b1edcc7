/**
 * Two users of one daemon who have no role: what each sees and does over REST is their own, and of the
 * other's things nothing is told. On the host and in the guest alike.
 */
import type { Test } from 'tap';
import type { Actor, Got } from '../../../support/actor.js';
import { eventually } from '../../../support/daemon.js';
import type { RestAnswer } from '../../../support/rest.js';

const MISSING = 'aaaaaaaaaaaa';
const SIZE = 4096;

export interface User {
  readonly uid: number;
  readonly actor: Actor;
}

const ask = ({ actor }: User, method: string, path: string, body?: unknown) =>
  actor.tell<RestAnswer>({ what: 'ask', method, path, body });

/** The types of the events that somebody has been told of, with the buffer of each. */
async function told({ actor }: User): Promise<{ type: string; buffer: string | null }[]> {
  const text = await actor.tell<string>({ what: 'followed' });
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data));
}

/** Both are connected; nobody else is, and there is no buffer. */
export async function ownersAreApart(t: Test, alice: User, bob: User, source: string) {
  const handle_types = [source === 'memfd' ? 'memfd' : 'dma_buf'];
  for (const { actor } of [alice, bob]) await actor.tell({ what: 'follow' });
  const mine = await alice.actor.allocate(source, SIZE, { lease: 600 });
  const bobs = await bob.actor.allocate(source, SIZE, 'connection');
  const token = await alice.actor.tell<string>({ what: 'share', number: mine.number, terms: {} });
  t.match(await bob.actor.tell<Got>({ what: 'redeem', token }), { id: mine.id });

  await t.test('lists', async (t) => {
    for (const [user, id] of [
      [alice, mine.id],
      [bob, bobs.id],
    ] as const) {
      const buffers = await ask(user, 'GET', '/v1/buffers?limit=1');
      t.match(buffers, { status: 200, body: [{ id, owner: { uid: user.uid } }] });
      t.equal(buffers.body.length, 1);
      t.equal(buffers.next, undefined, 'no page of others');
      const clients = await ask(user, 'GET', '/v1/clients');
      t.match(clients.body, [{ uid: user.uid, buffers: 1 }]);
      t.equal(clients.body.length, 1);
      const users = await ask(user, 'GET', '/v1/users');
      t.match(users.body, [{ uid: user.uid, charge: { buffers: 1 } }]);
      t.equal(users.body.length, 1);
      const quotas = await ask(user, 'GET', '/v1/quotas');
      t.same(
        quotas.body.map(({ scope, key }: { scope: string; key: string }) => `${scope}/${key}`),
        [`user/${user.uid}`, 'connection/default'],
      );
      const cgroups: { uid: number }[] = (await ask(user, 'GET', '/v1/cgroups')).body;
      t.ok(cgroups.every(({ uid }) => uid === user.uid));
      t.match((await ask(user, 'GET', '/v1/leaks')).body, { lingering: { count: 0 } });
    }
    const filtered = await ask(bob, 'GET', `/v1/buffers?owner_uid=${alice.uid}`);
    t.same(filtered.body, [], 'a filter asks for less, never for more');
    const [client] = (await ask(alice, 'GET', '/v1/clients')).body;
    t.equal((await ask(bob, 'GET', `/v1/clients/${client.id}`)).status, 404);
    t.equal((await ask(alice, 'GET', `/v1/clients/${client.id}`)).status, 200);
    t.equal((await ask(bob, 'GET', `/v1/quotas/user/${alice.uid}`)).status, 404);
    t.equal((await ask(bob, 'GET', '/v1/quotas/daemon/default')).status, 404);
  });

  await t.test('the other’s buffer is not there', async (t) => {
    const tokens = await ask(alice, 'GET', `/v1/buffers/${mine.id}/tokens`);
    t.equal(tokens.status, 200);
    for (const [method, rest, body] of [
      ['GET', ''],
      ['GET', '/tokens'],
      ['GET', '/history'],
      ['GET', '/holders'],
      ['PATCH', '', { name: 'stolen' }],
      ['POST', '/tokens', {}],
      ['POST', '/extend', { seconds: 60 }],
      ['POST', '/reissue'],
      ['DELETE', '/tokens/t1'],
      ['DELETE', ''],
    ] as const) {
      const [hidden, none] = [
        await ask(bob, method, `/v1/buffers/${mine.id}${rest}`, body),
        await ask(bob, method, `/v1/buffers/${MISSING}${rest}`, body),
      ];
      t.equal(hidden.status, 404, `${method} ${rest}`);
      // Each request has a name of its own.
      for (const { body } of [hidden, none]) body.request_id = null;
      t.equal(JSON.stringify(hidden).replaceAll(mine.id, MISSING), JSON.stringify(none));
    }
  });

  await t.test('what takes a role is refused, also for what is one’s own', async (t) => {
    for (const [method, path, body] of [
      ['GET', '/metrics'],
      ['GET', '/v1/log-level'],
      ['PUT', '/v1/log-level', { level: 'debug' }],
      ['PUT', `/v1/quotas/user/${bob.uid}`, {}],
      ['POST', `/v1/buffers/${bobs.id}/recall`, { seconds: 1 }],
      ['GET', `/v1/buffers/${bobs.id}/preview.png`],
    ] as const) {
      const answer = await ask(bob, method, path, body);
      t.match(answer, { status: 403, body: { code: 'permission_denied' } }, `${method} ${path}`);
    }
  });

  await t.test('one’s own', async (t) => {
    const path = `/v1/buffers/${mine.id}`;
    t.match((await ask(alice, 'GET', `${path}/history`)).body.events, [
      { type: 'buffer.created', who: { uid: alice.uid } },
      { type: 'buffer.shared' },
      { type: 'buffer.redeemed', who: { uid: bob.uid } },
    ]);
    const { holders, complete } = (await ask(alice, 'GET', `${path}/holders`)).body;
    t.equal(complete, false);
    t.same(new Set(holders.map(({ uid }: { uid: number }) => uid)), new Set([alice.uid]));
    t.match((await ask(alice, 'PATCH', path, { name: 'seen' })).body, { name: 'seen' });
    const extended = await ask(alice, 'POST', `${path}/extend`, { seconds: 1200 });
    t.match(extended.body, { lifetime: { type: 'lease', seconds: 1200 } });

    const shared = await ask(alice, 'POST', `${path}/tokens`, { uses: 2 });
    t.equal(shared.status, 201);
    const redeem = { what: 'redeem', token: shared.body.token } as const;
    t.match(await bob.actor.tell<Got>(redeem), { id: mine.id });
    t.match((await ask(alice, 'GET', `${path}/tokens`)).body, [{ id: shared.body.id }]);
    t.equal((await ask(alice, 'DELETE', `${path}/tokens/${shared.body.id}`)).status, 204);
    t.match(await bob.actor.refused(redeem), { code: 'invalid_token' });

    const request = { kind: 'buffer', size: SIZE, handle_types, name: 'over REST' };
    const made = await ask(alice, 'POST', '/v1/buffers', request);
    t.match(made, { status: 201, body: { buffer: { owner: { uid: alice.uid } } } });
    const { buffer, token: secret } = made.body;
    const got = await alice.actor.tell<Got>({ what: 'redeem', token: secret.token });
    t.equal(got.id, buffer.id);
    await alice.actor.tell({ what: 'close', number: got.number });
    for (const id of [buffer.id, mine.id]) {
      t.equal((await ask(alice, 'DELETE', `/v1/buffers/${id}`)).status, 204);
    }
  });

  await t.test('events', async (t) => {
    const released = async (user: User, id: string) =>
      (await told(user)).some(({ type, buffer }) => type === 'buffer.released' && buffer === id);
    await eventually(() => released(alice, mine.id), 'alice is told');
    await bob.actor.tell({ what: 'release', number: bobs.number });
    await eventually(() => released(bob, bobs.id), 'bob is told');
    const about = async (user: User, id: string) =>
      (await told(user)).filter(({ buffer }) => buffer === id).map(({ type }) => type);
    t.same(await about(alice, bobs.id), []);
    t.same(
      new Set(await about(bob, mine.id)),
      new Set(['buffer.redeemed']),
      'what bob did himself',
    );
  });
  await t.test('one’s own connection is ended, the other’s is not there', async (t) => {
    const ids = async (user: User) =>
      (await ask(user, 'GET', '/v1/clients')).body.map(({ id }: { id: string }) => id);
    const [[hers], [his]] = [await ids(alice), await ids(bob)];
    const hidden = { status: 404, body: { code: 'not_found' } };
    t.match(await ask(bob, 'DELETE', `/v1/clients/${hers}`), hidden);
    t.same(await ids(alice), [hers]);
    t.equal((await ask(bob, 'DELETE', `/v1/clients/${his}`)).status, 204);
    await eventually(async () => (await ids(bob)).length === 0, 'it is ended');
  });
}
