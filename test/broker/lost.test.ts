/** A lost device: which buffers it takes, who is told, and how they get memory again. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import { BrokerError } from '../../src/memory/errors.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

const anybody = { uses: 1, uid: null, seconds: null };

function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  const allocated = (owner: Client | null = client): BrokerBuffer => {
    let result: Result<BrokerBuffer> | undefined;
    broker.allocate({ client: owner, peer }, request({ name: 'mine' }), (given) => {
      result = given;
    });
    world.answer(0, 2);
    if (result === undefined || 'error' in result) throw new Error('it was not allocated');
    return result;
  };
  return { world, broker, client, allocated };
}

/** Asks for a buffer to be re-issued; the answers come in the list. */
function reissue(broker: Broker, buffer: BrokerBuffer): Result<BrokerBuffer>[] {
  const results: Result<BrokerBuffer>[] = [];
  broker.reissue(buffer, (result) => results.push(result));
  return results;
}

/** Time passes, and what lingers is looked at. */
function look(world: FakeWorld, broker: Broker): void {
  world.pass(5000);
  broker.poll();
}

t.test('what the device had is lost, and nothing else; each watcher is told once', async (t) => {
  const { world, broker, allocated } = make();
  const [first, second, other] = [allocated(), allocated(null), allocated()];
  const told: [string, number][] = [];
  for (const buffer of [first, second, other]) {
    buffer.watchers.add({
      released: () => {},
      lost: (generation) => told.push([buffer.id, generation]),
    });
  }
  const lost = [first.allocation, second.allocation];
  const otherSource = { ...other.allocation, source: 'udmabuf' as const };
  t.equal(broker.deviceLost([...lost, otherSource]), 2);
  t.equal(broker.deviceLost(lost), 0, 'they are lost already');
  t.same(
    [first, second, other].map(({ state }) => state),
    ['lost', 'lost', 'live'],
  );
  t.same(told, [
    [first.id, 1],
    [second.id, 1],
  ]);
  t.equal(world.open.size, 6, 'the fds stay open');
  t.same([...world.freed], []);
});

t.test('a lost buffer is neither shared nor redeemed, and its token is not used up', async (t) => {
  const { world, broker, client, allocated } = make();
  const buffer = allocated();
  const { token } = broker.sharing.share(buffer, anybody);
  broker.deviceLost([buffer.allocation]);
  t.equal(refused(() => broker.sharing.share(buffer, anybody)).code, 'device_lost');
  t.equal(refused(() => broker.sharing.redeem(client, token)).code, 'device_lost');
  t.equal(broker.sharing.tokens.count(buffer), 1);
  reissue(broker, buffer);
  world.answer();
  t.equal(broker.sharing.redeem(client, token).buffer, buffer);
});

t.test('re-issued: the same buffer with new memory of the next generation', async (t) => {
  const { world, broker, client, allocated } = make();
  const buffer = allocated();
  const { id, held, allocation } = buffer;
  const told: number[] = [];
  buffer.watchers.add({ released: () => {}, reissued: (generation) => told.push(generation) });
  broker.deviceLost([allocation]);
  held.retain(); // a message that waits to be sent
  const [one, two] = [reissue(broker, buffer), reissue(broker, buffer)];
  t.match(world.pending, [{ id, choice: { source: 'memfd', handleType: 'memfd', spec: linear } }]);
  t.equal(world.pending.length, 1, 'two who ask wait for one allocation');
  const fresh = world.answer(0, 1);
  t.same([one, two], [[buffer], [buffer]]);
  t.match(buffer, { id, name: 'mine', generation: 2, state: 'live', allocation: fresh });
  t.same(told, [2]);
  t.same([...world.freed], [allocation.key]);
  t.equal(world.open.size, 3, 'the old fds until the message is sent');
  held.release();
  look(world, broker);
  t.same([...world.open], buffer.held.fds);
  t.same([...client.owned], [buffer]);
  t.same(reissue(broker, buffer), [buffer], 'nothing is lost: an answer at once');
  t.equal(buffer.generation, 2);

  broker.deviceLost([allocation]);
  t.equal(buffer.state, 'live', 'memory that it no longer has is of no concern');
  broker.deviceLost([fresh]);
  reissue(broker, buffer);
  world.answer();
  t.equal(buffer.generation, 3);
  broker.release(buffer, 'owner');
  look(world, broker);
  t.equal(world.open.size, 0);
  t.equal(world.freed.size, 3);
});

t.test('what it had before is charged until nobody has it', async (t) => {
  const { world, broker, client, allocated } = make();
  const { accounts } = broker.quotas;
  const used = () => accounts.find('user', String(peer.uid))?.charge;
  const buffer = allocated();
  const { id, allocation, held } = buffer;
  const other = broker.connect(peer, world.openFd());
  broker.sharing.handedOut(buffer, other);
  world.held.set(allocation.key, 'lingering');
  // Full: nothing more may be had, and still it gets its memory.
  broker.quotas.configure('rest', new Map([['user/default', { bytes: 4096, buffers: 1 }]]));
  broker.deviceLost([allocation]);
  t.match(used(), { bytes: 4096, buffers: 1, fds: 2 }, 'lost memory is charged once');
  reissue(broker, buffer);
  world.answer(0, 2);
  const [former] = [...broker.lingering] as [BrokerBuffer];
  t.match(former, { formerOf: id, generation: 1, state: 'lingering', held, allocation });
  t.match(former, {
    owner: { client },
    name: 'mine',
    released: true,
    releasedAt: world.clock.now(),
  });
  t.match(buffer, { id, formerOf: null, generation: 2, state: 'live' });
  t.not(former.id, id);
  t.equal(broker.find(former.id), former);
  t.throws(() => broker.get(former.id), { code: 'not_found' });
  t.same(
    [former, buffer].map(({ recipients }) => [...recipients].map((each) => each.client)),
    [[other], []],
    'nobody was handed the new memory',
  );
  t.match(used(), { bytes: 8192, buffers: 2, fds: 4, pending: 0 });
  t.match(client, { ownedBytes: 4096 });
  const results: Result<BrokerBuffer>[] = [];
  broker.allocate({ client, peer }, request(), (result) => results.push(result));
  t.match(results, [{ error: { refusal: { constraint: 'quota.user.bytes' } } }]);
  t.same(
    former.history.entries.map(({ type }) => type),
    ['buffer.created', 'buffer.lost'],
  );
  world.held.clear();
  broker.disconnect(other);
  look(world, broker);
  t.same([...broker.lingering], []);
  t.match(used(), { bytes: 4096, buffers: 1, fds: 2 });
  t.match(former.history.entries.at(-1), { type: 'buffer.gone', reason: `generation 1 of ${id}` });
  broker.release(buffer, 'owner');
  t.same(world.open, new Set());
});

t.test('a refusal leaves it lost, to be tried again', async (t) => {
  const { world, broker, allocated } = make();
  const buffer = allocated();
  broker.deviceLost([buffer.allocation]);
  const error = new BrokerError('device_lost', 'lost again');
  const results = reissue(broker, buffer);
  world.refuse(error);
  t.same(results, [{ error }]);
  t.match(buffer, { state: 'lost', generation: 1 });
  reissue(broker, buffer);
  world.answer();
  t.match(buffer, { state: 'live', generation: 2 });
});

t.test('released before, or in the meantime', async (t) => {
  const { world, broker, client, allocated } = make();
  const [before, meantime] = [allocated(), allocated()];
  broker.deviceLost([before.allocation, meantime.allocation]);
  broker.release(before, 'owner');
  t.match(reissue(broker, before), [{ error: { code: 'not_found' } }]);
  const results = reissue(broker, meantime);
  broker.disconnect(client);
  const fresh = world.answer();
  t.match(results, [{ error: { code: 'not_found' } }]);
  t.ok(world.freed.has(fresh.key));
  t.equal(world.freed.size, 3);
  t.equal(world.open.size, 0);
});

t.test('sources that have become unusable are not chosen', async (t) => {
  const { world, broker, client } = make();
  broker.setSources([{ ...memfd, usable: false, reason: 'gone' }], [], []);
  const ask = () => {
    const results: Result<BrokerBuffer>[] = [];
    broker.allocate({ client, peer }, request(), (result) => results.push(result));
    return results;
  };
  t.match(ask(), [{ error: { code: 'unsupported_handle_type', message: /gone/ } }]);
  broker.setSources([memfd], offers, []);
  ask();
  t.equal(world.pending.length, 1);
});
