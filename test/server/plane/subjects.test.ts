/** Owners over REST: their own things answer as for everybody, those of others as if there were none. */
import t from 'tap';
import type { BrokerBuffer, Client } from '../../../src/broker/buffer.js';
import type { PlaneMessage } from '../../../src/server/words/messages.js';
import { linear, peer, request } from '../../broker/support/world.js';
import { type Asking, call, makePlane } from './support.js';

const [ALICE, BOB] = [1000, 1001];
const userOf = (uid: number) => ({ ...peer, uid, gid: uid, cgroup: '/user.slice' });

function make() {
  const { world, broker, ask: askPlane } = makePlane();
  const ask = (only: number | null, asking: Asking) => askPlane(asking, userOf(only ?? 0), only);
  const [alice, bob] = [broker.connect(userOf(ALICE)), broker.connect(userOf(BOB))];
  const allocate = (client: Client): BrokerBuffer => {
    let made: BrokerBuffer | undefined;
    broker.allocate(
      { client, peer: client.peer },
      { ...request({ spec: linear }), lifetime: { lease: 9 } },
      (result) => {
        if (!('error' in result)) made = result;
      },
    );
    world.answer();
    if (made === undefined) throw new Error('nothing was allocated');
    return made;
  };
  return { world, broker, ask, alice, bob, allocate };
}

/** Everything that is asked about one buffer. */
function about(id: string): Asking[] {
  const terms = { uses: 1, uid: null, seconds: null, may_renew: false };
  return [
    call('getBuffer', { id }),
    call('getHistory', { id }),
    { question: 'memoriesOf', parameters: { params: { id } } },
    call('listTokens', { id }),
    call('extendLease', { id }, { body: { seconds: 60 } }),
    call('changeBuffer', { id }, { body: { name: 'x' } }),
    call('shareBuffer', { id }, { body: terms }),
    call('revokeToken', { id, token_id: 't1' }),
    call('reissueBuffer', { id }),
    call('releaseBuffer', { id }),
  ];
}

const getQuota = (id: string) => {
  const slash = id.indexOf('/');
  return call('getQuota', { scope: id.slice(0, slash), key: id.slice(slash + 1) });
};

t.test('a buffer', async (t) => {
  const { world, broker, ask, alice, allocate } = make();
  const buffer = allocate(alice);
  broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null });
  const missing = 'aaaaaaaaaaaa';
  const none = about(missing).map((question) => ask(BOB, question));
  world.events.splice(0);
  const bobs = about(buffer.id).map((question) => ask(BOB, question));
  const hidden = JSON.stringify(bobs).replaceAll(buffer.id, missing);
  t.equal(hidden, JSON.stringify(none), 'the same words as for what is not there');
  t.match(none, Array(none.length).fill({ kind: 'refusal', error: { code: 'not_found' } }));
  t.ok(world.events.length > 0);
  for (const event of world.events) t.match(event, { type: 'refusal', buffer: null });
  t.equal(broker.get(buffer.id).name, null, 'nothing was changed');

  for (const question of about(buffer.id)) {
    t.match(ask(ALICE, question), { kind: 'answer' }, question.question);
  }
  const last = world.events.filter(({ type }) => type === 'buffer.released').at(-1);
  t.match(last, { reason: 'owner', by: { peer: { uid: ALICE } } }, 'it is not an administrator');
  t.throws(() => broker.get(buffer.id));
});

t.test('what was released and lingers', async (t) => {
  const { broker, ask, alice, allocate } = make();
  const buffer = allocate(alice);
  broker.sharing.handedOut(buffer, alice);
  broker.release(buffer, 'owner');
  const question = call('getBuffer', { id: buffer.id });
  t.equal(ask(BOB, question)?.kind, 'refusal');
});

t.test('connections, quotas, users and control groups', async (t) => {
  const { ask, alice, bob, allocate } = make();
  allocate(alice);
  allocate(bob);
  t.match(ask(ALICE, call('getClient', { id: alice.id })), { kind: 'answer' });
  const error = { code: 'not_found' };
  for (const id of [bob.id, 'c99']) {
    const refused = ask(ALICE, call('getClient', { id }));
    t.match(refused, { error: { ...error, message: `there is no client ${id}` } });
  }
  const uids = (message: PlaneMessage | undefined) =>
    message?.kind === 'answer' ? (message.value as { uid: number }[]).map(({ uid }) => uid) : null;
  for (const asked of [{ question: 'users', parameters: null }, call('listCgroups', {})] as const) {
    const { question } = asked;
    const all = uids(ask(null, asked)) ?? [];
    t.ok(all.includes(BOB), `${question}: everybody`);
    const own = uids(ask(ALICE, asked)) ?? [];
    t.ok(own.length > 0);
    t.ok(
      own.every((uid) => uid === ALICE),
      question,
    );
  }
  t.match(ask(ALICE, call('listQuotas', {})), {
    value: [
      { scope: 'user', key: String(ALICE), charge: { bytes: 4096, buffers: 1 } },
      { scope: 'connection', key: 'default', charge: null },
    ],
  });
  for (const id of [
    'user/1001',
    'user/default',
    'daemon/default',
    'source/memfd',
    'cgroup//',
  ] as const) {
    const refused = ask(ALICE, getQuota(id));
    t.match(refused, { error: { ...error, message: `there is no quota ${id}` } });
  }
  t.match(ask(ALICE, getQuota('user/1000')), { kind: 'answer' });
});

t.test('whether connections are over their limit is told of one’s own', async (t) => {
  const { broker, ask, alice, bob, allocate } = make();
  allocate(bob);
  allocate(alice);
  const rule = { bytes: 4095 };
  broker.setQuotas('rest', new Map([['connection/default', rule]]), 'connection/default');
  const question = getQuota('connection/default');
  t.match(ask(ALICE, question), { value: { over_limit: true } });
  for (const buffer of [...alice.owned]) broker.release(buffer, 'owner');
  t.match(ask(null, question), { value: { over_limit: true } }, 'bob still is');
  t.match(ask(ALICE, question), { value: { over_limit: false } });
});

t.test('what is not for owners is a defect, never an answer', async (t) => {
  const { ask } = make();
  for (const question of [
    { question: 'catchUp', parameters: null },
    { question: 'configureQuotas', parameters: { rules: new Map(), changed: 'user/1' } },
    { question: 'setPolicy', parameters: null },
    call('getPool', {}),
    call('drainPool', {}),
  ] as unknown as Asking[]) {
    t.match(ask(ALICE, question), { kind: 'refusal', error: { code: 'internal' } });
  }
});
