/**
 * The machine's date is set forward and back by an hour: nothing is overdue that has not had its time,
 * nothing stands still, and what is shown as a date is right by the date of now.
 */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import { dateText } from '../../src/memory/clock.js';
import { FakeWorld, memfd, offers, peer, request } from '../broker/support/world.js';

const HOUR_MS = 3_600_000;

/** A buffer with a lease of a minute, a token for a minute and a recall within a minute. */
function make() {
  const world = new FakeWorld();
  const rules = new Map([['user/default', { allocationsPerSecond: 1 }]] as const);
  const broker = new Broker(
    world,
    { sources: [memfd], offers },
    new Quotas(world.clock, { defaults: new Map(rules) }),
  );
  const client = broker.connect(peer);
  const codes: (string | null)[] = [];
  const allocate = () =>
    broker.allocate({ client, peer }, request({ lifetime: { lease: 60 } }), (result) =>
      codes.push('error' in result ? result.error.code : null),
    );
  allocate();
  world.answer();
  const [buffer] = broker.buffers;
  if (buffer === undefined) throw new Error('nothing was allocated');
  const { token, info } = broker.sharing.share(buffer, { uses: 9, uid: null, seconds: 60 });
  broker.quotas.recalls.forAdministrator(buffer, 60);
  return { world, broker, client, buffer, token, info, codes, allocate };
}

for (const set of [HOUR_MS, -HOUR_MS]) {
  t.test(`the date is set ${set > 0 ? 'forward' : 'back'} by an hour`, async (t) => {
    const { world, broker, client, buffer, token, info, codes, allocate } = make();
    const shown = dateText(world.clock, info.expires ?? info.createdAt);
    const { wait } = broker;
    world.clock.setDate(set);
    t.equal(broker.wait, wait, 'it wakes up when it would have');
    t.not(dateText(world.clock, info.expires ?? info.createdAt), shown, 'shown by the new date');

    allocate();
    t.same(codes, [null, 'limit_exceeded'], 'a rate gives nothing for it');
    world.pass(1000);
    allocate();
    t.equal(world.pending.length, 1, 'and takes nothing');
    world.answer();
    t.same(codes, [null, 'limit_exceeded', null], 'the recall is not overdue');

    world.pass(58_999);
    broker.poll();
    t.ok(broker.sharing.redeem(client, token), 'the token is good for its duration');
    t.equal(buffer.released, false);
    t.equal(broker.leases.of(buffer)?.graceLeft, null, 'the lease has not ended');
    world.pass(1);
    broker.poll();
    t.throws(
      () => broker.sharing.redeem(client, token),
      { code: 'invalid_token' },
      'and no longer',
    );
    t.equal(broker.leases.of(buffer)?.graceLeft, 5);
    allocate();
    t.equal(codes.at(-1), 'recalled');
    world.pass(5000);
    broker.poll();
    t.equal(buffer.released, true);
  });
}
