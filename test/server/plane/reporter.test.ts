/** What happens in the registry becomes events: who, what and why, in the order in which it happened. */

import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { dmabroker_manager_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { Reporter } from '../../../src/server/plane/reporter.js';
import { EventReader } from '../../../src/server/words/event-reader.js';
import { type EventBatch, eventMemory } from '../../../src/server/words/event-rows.js';
import { eventDraft } from '../../../src/server/words/events.js';
import type { EventDraft } from '../../../src/server/words/messages.js';
import { FakeClock } from '../../support/clock.js';
import { Bench, FREE, MANAGER } from '../wayland/support/bench.js';

/** What the bench's registry has reported since the last call, as main tells of it. */
function reported(bench: Bench): EventDraft[] {
  const { clock } = bench.world;
  const batches: EventBatch[] = [];
  const memory = eventMemory(256);
  // What is sent is a copy, as it is between threads.
  const reporter = new Reporter((batch) => batches.push(structuredClone(batch)), clock, memory);
  for (const event of bench.world.events.splice(0)) reporter.report(event);
  reporter.flush();
  reporter.flush();
  if (batches.length > 1) throw new Error('one message a turn, none without events');
  const drafts: EventDraft[] = [];
  const reader = new EventReader(memory, () => {});
  for (const batch of batches) {
    reader.read(batch, (told, time) => drafts.push(eventDraft(told, time, clock)));
  }
  return drafts;
}

t.test("a buffer's life", async (t) => {
  const owner = new Bench().ready();
  const other = new Bench([], owner).ready();
  const buffer = owner.allocate(FREE, 'until_released');
  const terms = { uses: 1, uid: null, seconds: null };
  const { token } = owner.broker.sharing.share(buffer, terms);
  owner.broker.rename(buffer, 'new');
  other.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE, token);
  owner.broker.deviceLost([buffer.allocation]);
  owner.broker.reissue(buffer, () => {});
  owner.world.answer();
  owner.broker.release(buffer, 'administrator');
  owner.broker.disconnect(other.connection.client);
  const { uid } = owner.connection.client.peer;
  const about = { buffer: buffer.id, size: 4096, uid };
  const [mine, others] = [owner, other].map(({ connection }) => connection.client.id);
  t.match(reported(owner), [
    { type: 'client.connected', client: mine, uid, buffer: null },
    { type: 'client.connected', client: others },
    { type: 'buffer.created', ...about, client: mine, reason: null },
    { type: 'buffer.shared', ...about, client: mine, reason: 't1: 1 use, any user' },
    { type: 'buffer.renamed', ...about, client: mine, reason: 'new' },
    { type: 'buffer.redeemed', ...about, client: others, reason: 't1' },
    { type: 'buffer.lost', ...about, client: mine },
    { type: 'buffer.reissued', ...about, client: mine, reason: 'generation 2' },
    { type: 'buffer.released', ...about, client: mine, reason: 'administrator' },
    { type: 'buffer.gone', ...about, client: mine },
    { type: 'client.disconnected', client: others },
  ]);
});

t.test('refusals, with their code and sentence', async (t) => {
  const bench = new Bench().ready();
  reported(bench);
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE, 'nonsense');
  bench.ask(FREE + 1);
  bench.world.refuse(new BrokerError('out_of_memory', 'the heap is full'));
  const client = bench.connection.client.id;
  t.match(reported(bench), [
    { type: 'refusal', client, code: 'invalid_token', buffer: null },
    { type: 'refusal', client, code: 'out_of_memory', reason: 'the heap is full' },
  ]);
});

t.test('recalls and quotas', async (t) => {
  const bench = new Bench().ready();
  const buffer = bench.allocate(FREE, 'connection');
  reported(bench);
  bench.broker.pressure({ sources: null, seconds: 5 });
  bench.broker.relieved(null);
  bench.broker.setQuotas('rest', new Map([['user/7', { bytes: 1 }]]), 'user/7');
  const about = { buffer: buffer.id, client: bench.connection.client.id };
  t.match(reported(bench), [
    { type: 'buffer.recalled', ...about, reason: 'memory_pressure' },
    { type: 'buffer.recalled', ...about, reason: 'withdrawn' },
    { type: 'quota.changed', buffer: null, reason: 'user/7' },
  ]);
});

t.test('the token of a refused redemption is not told', async (t) => {
  const bench = new Bench().ready();
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', FREE, 'secret-token');
  t.notMatch(JSON.stringify(reported(bench)), 'secret-token');
});

t.test('a flood becomes few messages, and nothing waits for long', async (t) => {
  const clock = new FakeClock();
  const sizes: number[] = [];
  const reporter = new Reporter(({ rows }) => sizes.push(rows), clock, eventMemory());
  const happen = () => reporter.report({ type: 'device.lost', reason: 'test' });
  t.equal(reporter.wait, -1, 'nothing to tell');
  happen();
  t.equal(reporter.wait, 0);
  reporter.flush();
  t.strictSame(sizes, [1], 'at once after a quiet time');
  for (let i = 0; i < 5; i++) {
    happen();
    reporter.flush();
  }
  t.strictSame(sizes, [1]);
  t.equal(reporter.wait, 20);
  clock.pass(20);
  t.equal(reporter.wait, 0);
  reporter.flush();
  t.strictSame(sizes, [1, 5]);
  for (let i = 0; i < 1100; i++) {
    happen();
    reporter.flush();
  }
  t.strictSame(sizes, [1, 5, 1024], 'or when there are many');
  reporter.close();
  reporter.close();
  t.strictSame(sizes, [1, 5, 1024, 76], 'the rest at the end');
});

t.test('what happens in one turn has one date: of then', async (t) => {
  const clock = new FakeClock();
  const memory = eventMemory();
  const reader = new EventReader(memory, () => {});
  const times: string[] = [];
  const reporter = new Reporter(
    (batch) => reader.read(batch, (_, time) => times.push(time)),
    clock,
    memory,
  );
  const happen = () => reporter.report({ type: 'device.lost', reason: 'test' });
  const before = new Date(clock.today).toISOString();
  happen();
  happen();
  clock.setDate(60_000);
  clock.pass(5);
  const later = new Date(clock.today).toISOString();
  happen();
  clock.setDate(60_000);
  reporter.close();
  t.same(times, [before, before, later]);
});

t.test('main that does not read is waited for from half of the rows on', async (t) => {
  const clock = new FakeClock();
  const memory = eventMemory(4096);
  const batches: EventBatch[] = [];
  const reporter = new Reporter((batch) => batches.push(structuredClone(batch)), clock, memory);
  const reader = new EventReader(memory, () => {});
  for (let i = 0; i < 2048; i++) reporter.report({ type: 'device.lost', reason: 'test' });
  t.ok(reporter.behind);
  t.same(
    batches.map(({ rows }) => rows),
    [1024, 1024],
  );
  for (const batch of batches) reader.read(batch, () => {});
  t.notOk(reporter.behind);
});
