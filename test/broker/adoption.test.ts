/** A client that comes back: with its session it has again what its earlier connection had, and nobody else. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import type { Lifetime } from '../../src/broker/lifetime.js';
import { Sessions } from '../../src/broker/sessions.js';
import { refused } from '../support/refused.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

function make(lifetime: Lifetime = 'until_released') {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  const session = broker.openSession(client);
  let buffer: BrokerBuffer | undefined;
  broker.allocate({ client, peer }, request({ lifetime }), (result) => {
    if (!('error' in result)) buffer = result;
  });
  world.answer();
  if (buffer === undefined) throw new Error('it was not allocated');
  broker.sharing.handedOut(buffer, client);
  const connections = () =>
    [...broker.quotas.accounts]
      .filter(({ scope }) => scope === 'connection')
      .map(({ key, charge }) => [key, charge.buffers]);
  return { world, broker, client, session, buffer, connections };
}

const adopt = (broker: Broker, client: Client, id: string, session: string) =>
  broker.adopt(client, { id, session, fds: [] });

t.test('the owner comes back', async (t) => {
  const { world, broker, client, session, buffer, connections } = make();
  const { token } = broker.sharing.share(buffer, { uses: 2, uid: null, seconds: null });
  broker.disconnect(client);
  t.equal(client.ownedBytes, buffer.allocation.size);
  const next = broker.connect(peer);
  t.same(adopt(broker, next, buffer.id, session), {
    ...{ buffer, isOwner: true, isWriter: false, mayRenew: true, taken: [] },
  });
  t.equal(buffer.owner.client, next);
  t.same([...next.owned], [buffer]);
  t.same([client.ownedBytes, next.ownedBytes], [0, buffer.allocation.size]);
  t.same(connections(), [[next.id, 1]], 'the new connection is charged, and it alone');
  t.same([...buffer.recipients], [], 'the old one has it no more');
  t.equal(
    broker.sharing.redeem(broker.connect(peer), token).buffer,
    buffer,
    'tokens are what they were',
  );
  t.equal(world.events.at(-3)?.type, 'buffer.adopted');
  broker.disconnect(next);
  t.equal(buffer.released, false);
  const late = refused(() => adopt(broker, broker.connect(peer), buffer.id, session));
  t.equal(late.code, 'permission_denied', 'the session has nothing any more');
});

t.test('one who was handed it comes back', async (t) => {
  const { broker, buffer } = make();
  const hand = (mayRenew: boolean) => {
    const other = broker.connect(peer);
    const session = broker.openSession(other);
    const { token } = broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null, mayRenew });
    const redeemed = broker.sharing.redeem(other, token);
    broker.sharing.handedOut(buffer, other, redeemed.mayRenew);
    broker.disconnect(other);
    return session;
  };
  for (const mayRenew of [true, false]) {
    const session = hand(mayRenew);
    const next = broker.connect(peer);
    t.match(adopt(broker, next, buffer.id, session), { isOwner: false, mayRenew });
    t.not(buffer.owner.client, next);
  }
});

t.test('who is not let have it', async (t) => {
  const { broker, client, session, buffer } = make();
  const next = broker.connect(peer);
  const error = refused(() => adopt(broker, next, buffer.id, session));
  t.match([error.code, error.refusal.constraint], ['busy', 'session'], 'its connection is there');
  broker.disconnect(client);
  t.equal(adopt(broker, next, buffer.id, 'guessed'), null);
  const other = broker.connect({ ...peer, uid: peer.uid + 1 });
  t.equal(adopt(broker, other, buffer.id, session), null, 'another user');
  t.equal(refused(() => adopt(broker, next, 'nosuch', session)).code, 'not_found');
  const stranger = broker.connect(peer);
  const strange = broker.openSession(stranger);
  broker.disconnect(stranger);
  t.equal(refused(() => adopt(broker, next, buffer.id, strange)).code, 'permission_denied');
  t.match(
    adopt(broker, next, buffer.id, session),
    { isOwner: true },
    'all of that changed nothing',
  );
});

t.test('a buffer that is parked does not end with its connection', async (t) => {
  const { world, broker, client, session, buffer } = make('connection');
  const told: number[] = [];
  buffer.watchers.add({ released: () => {}, leased: (seconds) => told.push(seconds) });
  t.equal(refused(() => broker.leases.park(buffer, 0)).code, 'invalid_argument');
  broker.leases.park(buffer, 60, { client, peer });
  broker.poll();
  t.same(told, [60]);
  t.equal(world.events.at(-1)?.type, 'buffer.parked');
  broker.disconnect(client);
  t.equal(buffer.state, 'live');
  world.pass(59_000);
  broker.poll();
  const next = broker.connect(peer);
  t.match(adopt(broker, next, buffer.id, session), { isOwner: true });
  t.match(broker.leases.of(buffer), { seconds: 60, endsIn: 1 });
  broker.leases.park(buffer, 10);
  t.match(broker.leases.of(buffer), { endsIn: 10 });
  broker.release(buffer, 'owner');
  t.equal(refused(() => broker.leases.park(buffer, 10)).code, 'not_found');
});

t.test('a lease that is parked for a shorter time keeps what it has', async (t) => {
  const { broker, buffer } = make({ lease: 600 });
  broker.leases.park(buffer, 10);
  t.match(broker.leases.of(buffer), { endsIn: 600 });
});

t.test('sessions of those who own nothing are forgotten, oldest first', async (t) => {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const sessions = new Sessions((bytes) => world.random(bytes), 2);
  const clients = [1, 2, 3, 4].map(() => broker.connect(peer));
  const tokens = clients.map((client) => sessions.open(client));
  clients[0]?.owned.add({} as BrokerBuffer);
  for (const client of clients) sessions.ended(client);
  const known = () => tokens.map((token) => sessions.find(token, peer.uid) !== null);
  t.same(known(), [true, false, false, true], 'the first one owns something');
  const again = sessions.open(clients[3] as Client);
  t.equal(sessions.find(tokens[3] as string, peer.uid), null, 'a new token is in place of the old');
  t.equal(sessions.find(again, peer.uid), clients[3]);
});
