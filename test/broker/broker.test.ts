/** The registry: who owns what, what ends it, and that every fd and every allocation ends once. */
import t from 'tap';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import type { ToldRelease } from '../../src/broker/lifetime.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import { BrokerError } from '../../src/memory/errors.js';
import { MAX_BUFFERS_PER_CLIENT, MAX_PENDING_PER_CLIENT } from '../../src/memory/limits.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { allocated, make, type Setup } from './support/setup.js';
import { linear, peer, request } from './support/world.js';

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
  const { token } = broker.sharing.share(buffer, anybody);
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
  t.equal(refused(() => broker.sharing.redeem(client, token)).code, 'invalid_token');
  t.equal(refused(() => broker.sharing.share(buffer, anybody)).code, 'not_found');
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

t.test('client names are never used again', async (t) => {
  const { broker, client } = make();
  broker.disconnect(client);
  t.not(broker.connect(peer).id, client.id);
});
