/** Sharing: who may redeem, who was handed what from then on, and that this has a bound for each user. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { Client } from '../../src/broker/buffer.js';
import type { Peer } from '../../src/broker/who.js';
import { MAX_PAST_RECIPIENTS } from '../../src/memory/limits.js';
import { refused } from '../support/refused.js';
import { allocated, make } from './support/setup.js';
import { FakeWorld, memfd, offers, peer } from './support/world.js';

const anybody = { uses: 1, uid: null, seconds: null };

t.test('redeeming', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const stranger: Peer = { ...peer, uid: 7, pid: 11 };
  const other = broker.connect(stranger);
  const buffer = allocated(setup, null, { lifetime: 'until_released' });
  t.match(buffer.owner, { client: null, peer });
  const forMe = broker.sharing.share(buffer, { ...anybody, uid: peer.uid }).token;
  t.equal(refused(() => broker.sharing.redeem(other, forMe)).code, 'invalid_token');
  t.same(broker.sharing.redeem(client, forMe), { buffer, mayRenew: false });
  const once = broker.sharing.share(buffer, { ...anybody, seconds: 5 });
  t.equal(once.info.expires, world.clock.now() + 5000);
  t.equal(broker.sharing.tokens.count(buffer), 1);
  t.same(broker.sharing.tokens.list(buffer), [once.info]);
  t.ok(broker.sharing.revoke(buffer, once.info.id));
  t.notOk(broker.sharing.revoke(buffer, once.info.id));
  t.equal(broker.sharing.tokens.count(buffer), 0);
  t.equal(client.owned.size, 0, 'who redeems does not own');
  broker.sharing.handedOut(buffer, client);
  broker.sharing.handedOut(buffer, client);
  t.match([...buffer.recipients], [{ client, receivedAt: world.clock.now() }]);
  t.equal(client.fdsSent, 2);
});

t.test('who was handed what has a bound, whatever becomes of the objects', async (t) => {
  const world = new FakeWorld();
  const options = { unknownGraceMs: 0, maxRecipients: 8 };
  const broker = new Broker(world, { sources: [memfd], offers }, undefined, options);
  const clients = Array.from({ length: 5 }, () => broker.connect(peer));
  const [first] = clients as [Client];
  const setup = { world, broker, client: first };
  const buffer = allocated(setup, null, { lifetime: 'until_released' });
  const { token } = broker.sharing.share(buffer, { uses: 100, uid: null, seconds: null });
  const hand = (client: Client) =>
    broker.sharing.handedOut(broker.sharing.redeem(client, token).buffer, client);
  for (const client of clients.slice(0, 4)) hand(client);
  const left = () => broker.sharing.tokens.list(buffer)[0]?.usesLeft;
  const before = left();
  t.match(
    refused(() => hand(clients[4] as Client)),
    { code: 'limit_exceeded', refusal: { constraint: 'recipients' } },
  );
  t.equal(left(), before, 'the token is not used');
  hand(first);
  hand(broker.connect({ ...peer, uid: 7 }));
  broker.release(buffer, 'administrator');
  world.pass(1000);
  broker.poll();
  const again = broker.sharing.share(allocated(setup, null, { lifetime: 'until_released' }), {
    uses: 9,
    uid: null,
    seconds: null,
  });
  const { buffer: next } = broker.sharing.redeem(clients[4] as Client, again.token);
  broker.sharing.handedOut(next, clients[4] as Client);
  t.equal([...next.recipients].length, 1, 'what is gone is not counted');
});

t.test('recipients that have left are forgotten beyond a number, oldest first', async (t) => {
  const setup = make();
  const { broker, client } = setup;
  const buffer = allocated(setup, client);
  broker.sharing.handedOut(buffer, client);
  const clients = Array.from({ length: MAX_PAST_RECIPIENTS + 2 }, () => broker.connect(peer));
  for (const each of clients) {
    broker.sharing.handedOut(buffer, each);
    broker.disconnect(each);
  }
  broker.sharing.handedOut(buffer, broker.connect(peer));
  const known = [...buffer.recipients].map((recipient) => recipient.client);
  t.ok(known.includes(client), 'those who are there stay');
  t.equal(known.filter((each) => !each.connected).length, MAX_PAST_RECIPIENTS);
  t.notOk(known.includes(clients[0] as Client));
  t.ok(known.includes(clients.at(-1) as Client));
});
