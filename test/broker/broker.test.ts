/** The registry: who owns what, what ends it, and that every fd and every allocation ends once. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import type { ToldRelease } from '../../src/broker/lifetime.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import type { Peer } from '../../src/broker/who.js';
import { BrokerError } from '../../src/memory/errors.js';
import {
  MAX_BUFFERS_PER_CLIENT,
  MAX_PAST_RECIPIENTS,
  MAX_PENDING_PER_CLIENT,
} from '../../src/memory/limits.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  return { world, broker, client };
}
type Setup = ReturnType<typeof make>;

/** Allocates and answers at once. */
function allocated(
  { broker, world }: Setup,
  client: Client | null,
  changes: Partial<AllocationRequest> = {},
): BrokerBuffer {
  let result: Result<BrokerBuffer> | undefined;
  broker.allocate({ client, peer }, request(changes), (given) => {
    result = given;
  });
  world.answer();
  if (result === undefined || 'error' in result) throw new Error('it was not allocated');
  return result;
}

/** Allocations that wait for an answer. */
const pendingOf = ({ broker }: Setup) => broker.quotas.accounts.daemon.charge.pending;

const anybody = { uses: 1, uid: null, seconds: null };

t.test('an allocation is registered, owned and listed', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const results: Result<BrokerBuffer>[] = [];
  broker.allocate({ client, peer }, request({ name: 'mine' }), (result) => results.push(result));
  t.equal(pendingOf(setup), 1);
  t.match(world.pending, [{ choice: { source: 'memfd', handleType: 'memfd', spec: linear } }]);
  t.same([...broker.buffers], [], 'nothing before the answer');
  world.answer();
  const [result] = results;
  if (result === undefined || 'error' in result) throw new Error('it was not allocated');
  const buffer = result;
  t.match(buffer, {
    name: 'mine',
    lifetime: 'connection',
    createdAt: world.clock.now(),
    generation: 1,
  });
  t.equal(pendingOf(setup), 0);
  t.same([...client.owned], [buffer]);
  t.same([...broker.buffers], [buffer]);
  t.equal(broker.get(buffer.id), buffer);
  t.equal(world.open.size, 1);
});

t.test('a refusal of the source leaves nothing behind', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const error = new BrokerError('out_of_memory', 'none left');
  const results: Result<BrokerBuffer>[] = [];
  broker.allocate({ client, peer }, request(), (result) => results.push(result));
  world.refuse(error);
  const explained = new BrokerError('out_of_memory', 'none left', { nearest: null });
  t.same(results, [{ error: explained }]);
  t.equal(pendingOf(setup), 0);
  t.same([...broker.buffers], []);
});

t.test('a refusal that needs no source comes at once', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const codes: string[] = [];
  const ask = (changes: Partial<AllocationRequest>) =>
    broker.allocate({ client, peer }, request(changes), (result) => {
      if ('error' in result) codes.push(result.error.code);
    });
  ask({ spec: { ...linear, size: 0 } });
  ask({ handleTypes: ['dma_buf'] });
  t.same(codes, ['invalid_argument', 'unsupported_handle_type']);
  t.equal(pendingOf(setup), 0);
  t.same(world.pending, []);
});

t.test('release closes, frees, revokes and tells those who watch', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const buffer = allocated(setup, client);
  const { token } = broker.share(buffer, anybody);
  const told: ToldRelease[] = [];
  buffer.watchers.add({ released: (reason) => told.push(reason) });
  buffer.held.retain(); // a message that waits to be sent
  broker.release(buffer, 'administrator');
  broker.release(buffer, 'owner');
  t.same(told, ['administrator']);
  t.ok(world.freed.has(buffer.allocation.key));
  t.equal(world.open.size, 1, 'open until the message is sent');
  buffer.held.release();
  world.pass(10);
  broker.poll();
  t.equal(world.open.size, 0);
  t.equal(client.owned.size, 0);
  t.equal(refused(() => broker.get(buffer.id)).code, 'not_found');
  t.equal(refused(() => broker.redeem(client, token)).code, 'invalid_token');
  t.equal(refused(() => broker.share(buffer, anybody)).code, 'not_found');
});

t.test('disconnecting releases what was bound to the connection', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  allocated(setup, client);
  const kept = allocated(setup, client, { lifetime: 'until_released' });
  const others = allocated(setup, broker.connect(peer));
  broker.disconnect(client);
  t.same([...broker.buffers], [kept, others]);
  t.equal(world.open.size, 2);
  t.notOk([...broker.clients].includes(client));
  t.equal(client.connected, false);
  broker.release(kept, 'administrator');
  t.equal(world.open.size, 1);
});

t.test('the daemon stops: what is released with it is its own act, of nobody', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  allocated(setup, client);
  allocated(setup, client, { lifetime: 'until_released' });
  broker.release(allocated(setup, client), 'owner');
  broker.end();
  const last = allocated(setup, client);
  // As its object does when the connection ends.
  broker.release(last, 'owner');
  broker.disconnect(client);
  broker.close();
  const why = world.events.flatMap((event) =>
    event.type === 'buffer.released' ? [[event.reason, event.by?.client?.id ?? null]] : [],
  );
  const stopped = ['stopped', null];
  t.same(why, [['owner', client.id], stopped, stopped, stopped]);
  t.same([...broker.buffers], []);
});

t.test('an answer after its connection has gone', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const results: Result<BrokerBuffer>[] = [];
  const ask = (lifetime: AllocationRequest['lifetime']) =>
    broker.allocate({ client, peer }, request({ lifetime }), (result) => results.push(result));
  ask('connection');
  ask('until_released');
  ask('connection');
  broker.disconnect(client);
  world.answer();
  t.equal(world.open.size, 0);
  t.match(results, [{ error: { code: 'not_found' } }]);
  world.answer();
  world.refuse(new BrokerError('out_of_memory', 'none left'));
  t.match(results.slice(1), [{ lifetime: 'until_released' }, { error: {} }]);
  t.equal(pendingOf(setup), 0);
  broker.close();
  t.equal(world.open.size, 0);
  t.equal(world.freed.size, 2);
});

t.test('redeeming', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const stranger: Peer = { ...peer, uid: 7, pid: 11 };
  const other = broker.connect(stranger);
  const buffer = allocated(setup, null, { lifetime: 'until_released' });
  t.match(buffer.owner, { client: null, peer });
  const forMe = broker.share(buffer, { ...anybody, uid: peer.uid }).token;
  t.equal(refused(() => broker.redeem(other, forMe)).code, 'invalid_token');
  t.same(broker.redeem(client, forMe), { buffer, mayRenew: false });
  const once = broker.share(buffer, { ...anybody, seconds: 5 });
  t.equal(once.info.expires, world.clock.now() + 5000);
  t.equal(broker.tokenCount(buffer), 1);
  t.same(broker.tokens(buffer), [once.info]);
  t.ok(broker.revoke(buffer, once.info.id));
  t.notOk(broker.revoke(buffer, once.info.id));
  t.equal(broker.tokenCount(buffer), 0);
  t.equal(client.owned.size, 0, 'who redeems does not own');
  broker.handedOut(buffer, client);
  broker.handedOut(buffer, client);
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
  const { token } = broker.share(buffer, { uses: 100, uid: null, seconds: null });
  const hand = (client: Client) => broker.handedOut(broker.redeem(client, token).buffer, client);
  for (const client of clients.slice(0, 4)) hand(client);
  const left = () => broker.tokens(buffer)[0]?.usesLeft;
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
  const again = broker.share(allocated(setup, null, { lifetime: 'until_released' }), {
    uses: 9,
    uid: null,
    seconds: null,
  });
  const { buffer: next } = broker.redeem(clients[4] as Client, again.token);
  broker.handedOut(next, clients[4] as Client);
  t.equal([...next.recipients].length, 1, 'what is gone is not counted');
});

t.test('limits of one connection', async (t) => {
  const setup = make();
  const { world, broker, client } = setup;
  const refusals: BrokerError[] = [];
  const ask = () =>
    broker.allocate({ client, peer }, request(), (result) => {
      if ('error' in result) refusals.push(result.error);
    });
  for (let i = 0; i < MAX_PENDING_PER_CLIENT + 1; i++) ask();
  t.equal(world.pending.length, MAX_PENDING_PER_CLIENT);
  t.match(refusals, [
    {
      code: 'limit_exceeded',
      refusal: {
        constraint: 'quota.connection.pending',
        requested: 1,
        possible: { max: 0 },
        quota: { scope: 'connection', key: client.id, dimension: 'pending', limit: 64, in_use: 64 },
      },
    },
  ]);
  while (world.pending.length > 0) world.answer();
  while (client.owned.size < MAX_BUFFERS_PER_CLIENT) allocated(setup, client);
  ask();
  t.match(refusals[1], {
    code: 'limit_exceeded',
    refusal: { constraint: 'quota.connection.buffers', quota: { limit: 16_384, in_use: 16_384 } },
  });
  const another = broker.connect(peer);
  broker.allocate({ client: another, peer }, request(), (result) => {
    if ('error' in result) refusals.push(result.error);
  });
  const user = { scope: 'user', key: '1000' };
  t.match(refusals[2], { refusal: { quota: user } }, 'another connection of the user has no more');
  const stranger = { ...peer, uid: 7 };
  broker.allocate({ client: broker.connect(stranger), peer: stranger }, request(), (result) =>
    t.ok(!('error' in result), 'another user has'),
  );
  world.answer();
  const [first] = client.owned;
  broker.release(first as BrokerBuffer, 'owner');
  t.ok(allocated(setup, client), 'what is released makes room');
  broker.close();
  t.equal(world.open.size, 0);
});

t.test('recipients that have left are forgotten beyond a number, oldest first', async (t) => {
  const setup = make();
  const { broker, client } = setup;
  const buffer = allocated(setup, client);
  broker.handedOut(buffer, client);
  const clients = Array.from({ length: MAX_PAST_RECIPIENTS + 2 }, () => broker.connect(peer));
  for (const each of clients) {
    broker.handedOut(buffer, each);
    broker.disconnect(each);
  }
  broker.handedOut(buffer, broker.connect(peer));
  const known = [...buffer.recipients].map((recipient) => recipient.client);
  t.ok(known.includes(client), 'those who are there stay');
  t.equal(known.filter((each) => !each.connected).length, MAX_PAST_RECIPIENTS);
  t.notOk(known.includes(clients[0] as Client));
  t.ok(known.includes(clients.at(-1) as Client));
});

t.test('client names are never used again', async (t) => {
  const { broker, client } = make();
  broker.disconnect(client);
  t.not(broker.connect(peer).id, client.id);
});
