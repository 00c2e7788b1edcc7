/** What has happened to a buffer is kept with it: what, who, why, and no more than some. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { after, dateText } from '../../src/memory/clock.js';
import { MAX_HISTORY } from '../../src/memory/limits.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

function make() {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  const client = broker.connect(peer);
  broker.allocate({ client, peer }, request({ lifetime: { lease: 60 } }), () => {});
  world.answer();
  const [buffer] = broker.buffers;
  if (buffer === undefined) throw new Error('it was not allocated');
  return { world, broker, client, buffer };
}

const told = ({ history }: BrokerBuffer) =>
  history.entries.map(({ type, reason }) => [type, reason]);

t.test("a buffer's whole life", async (t) => {
  const { world, broker, client, buffer } = make();
  const owner = { client, peer };
  const other = broker.connect({ ...peer, uid: 7, pid: 11, executable: 'other' });
  const until = new Date(world.clock.today + 9000).toISOString();
  const terms = { uses: 2, uid: 7, seconds: 9, mayRenew: true };
  const { info, token } = broker.sharing.share(buffer, terms, owner);
  broker.sharing.redeem(other, token);
  t.equal(broker.sharing.revoke(buffer, info.id), true);
  t.equal(broker.sharing.revoke(buffer, info.id), false, 'nothing happens');
  broker.rename(buffer, 'new');
  world.pass(1000);
  broker.leases.renew(buffer, 60, { client: other, peer: other.peer });
  broker.quotas.recalls.forAdministrator(buffer, 5);
  broker.deviceLost([buffer.allocation]);
  broker.reissue(buffer, () => {});
  world.answer();
  world.held.set(buffer.allocation.key, 'lingering');
  broker.release(buffer, 'owner');
  t.same(told(buffer), [
    ['buffer.created', null],
    ['buffer.shared', `t1: 2 uses, user 7, until ${until}, may renew`],
    ['buffer.redeemed', 't1'],
    ['buffer.unshared', 't1'],
    ['buffer.renamed', 'new'],
    ['buffer.renewed', '60 s'],
    ['buffer.recalled', 'administrator'],
    ['buffer.lost', null],
    ['buffer.reissued', 'generation 2'],
    ['buffer.released', 'owner'],
  ]);
  const { uid, pid, executable } = peer;
  const me = { client: client.id, uid, pid, executable, unit: null, token: null };
  const them = { ...me, client: other.id, uid: 7, pid: 11, executable: 'other' };
  const who = buffer.history.entries.map((entry) => entry.who);
  t.same(who, [me, me, them, null, null, them, null, null, null, me]);
  t.equal(buffer.history.entries[5]?.at, world.clock.now());
  world.held.clear();
  world.pass(10_000);
  broker.poll();
  t.same(told(buffer).at(-1), ['buffer.gone', null]);
  const types = world.events
    .filter((event) => 'buffer' in event && event.buffer === buffer)
    .map(({ type }) => type);
  t.same(
    types,
    buffer.history.entries.map(({ type }) => type),
    'as reported',
  );
});

t.test('it is released before it is gone', async (t) => {
  const { broker, buffer } = make();
  broker.release(buffer, 'administrator');
  t.same(told(buffer).slice(1), [
    ['buffer.released', 'administrator'],
    ['buffer.gone', null],
  ]);
  t.equal(buffer.history.entries[1]?.who, null);
});

t.test('the oldest are forgotten, and counted', async (t) => {
  const { broker, buffer } = make();
  for (let i = 1; i < MAX_HISTORY; i++) broker.rename(buffer, `${i}`);
  t.equal(buffer.history.forgotten, 0);
  t.same(told(buffer)[0], ['buffer.created', null]);
  for (let i = 0; i < 3; i++) broker.rename(buffer, null);
  t.equal(buffer.history.forgotten, 3);
  t.equal(buffer.history.entries.length, MAX_HISTORY);
  t.same(told(buffer)[0], ['buffer.renamed', '3']);
});

t.test('a copy goes its own way, and words are by the date of when they are shown', async (t) => {
  const { world, broker, buffer } = make();
  for (let i = 0; i < MAX_HISTORY; i++) broker.rename(buffer, `${i}`);
  const copy = buffer.history.copy();
  const before = copy.entries;
  broker.rename(buffer, 'later');
  t.same(copy.entries, before);
  t.equal(copy.count, MAX_HISTORY + 1);
  t.equal(buffer.history.count, MAX_HISTORY + 2);
  broker.sharing.share(buffer, { uses: 1, uid: null, seconds: 60 });
  const expires = after(world.clock.now(), 60_000);
  world.clock.setDate(3_600_000);
  const reason = `t1: 1 use, any user, until ${dateText(world.clock, expires)}`;
  t.equal(buffer.history.entries.at(-1)?.reason, reason);
});
