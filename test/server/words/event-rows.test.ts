/** Events in rows: what is read is what was written, whatever is in between; and what is not read has a bound. */
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { EventBuffer } from '../../../src/broker/event-record.js';
import { type BrokerEvent, EVENT_TYPES, type EventType } from '../../../src/broker/events.js';
import { type Told, toldOf } from '../../../src/broker/told.js';
import type { Doer, Identity } from '../../../src/broker/who.js';
import type { Monotonic } from '../../../src/memory/clock.js';
import { BrokerError } from '../../../src/memory/errors.js';
import { EventReader } from '../../../src/server/words/event-reader.js';
import { type EventBatch, eventMemory } from '../../../src/server/words/event-rows.js';
import { EventWriter } from '../../../src/server/words/event-writer.js';
import { auditNote, eventDraft } from '../../../src/server/words/events.js';
import { image, linear, peer } from '../../broker/support/world.js';
import { FakeClock } from '../../support/clock.js';

const client: Identity = { id: 'c1', peer };
const other: Identity = { id: 'c2', peer: { ...peer, uid: 7, pid: 11, unit: 'x.service' } };
const rest: Doer = { client: null, peer: { ...peer, uid: 0 }, token: 'grafana' };

const memoryOf = (source: EventBuffer['allocation']['source'], size = 4096) =>
  ({ source, handleType: 'memfd', size }) as const;

interface Changing extends EventBuffer {
  name: string | null;
  generation: number;
  allocation: EventBuffer['allocation'];
  owner: Doer;
}

const makeBuffer = (id: string, more: Partial<EventBuffer> = {}): Changing => ({
  ...{ id, name: null, generation: 1, formerOf: null, spec: linear },
  ...{ allocation: memoryOf('memfd'), owner: { client, peer }, said: null, ...more },
});

/** The two ends; what is sent is a copy, as between threads. */
function make(rows = 64) {
  const clock = new FakeClock();
  const memory = eventMemory(rows);
  const batches: EventBatch[] = [];
  const writer = new EventWriter(memory, (batch) => batches.push(structuredClone(batch)));
  let woken = 0;
  const reader = new EventReader(memory, () => woken++);
  const read = () => {
    writer.send();
    const told: { told: Told; time: string }[] = [];
    for (const batch of batches.splice(0)) {
      reader.read(batch, (each, time) => told.push({ told: each, time }));
    }
    return told;
  };
  const write = (event: BrokerEvent) => writer.write(event, clock.today);
  return { clock, writer, batches, read, write, woken: () => woken };
}

const buffer = makeBuffer('aaa', { spec: image });
const imported = makeBuffer('bbb', { allocation: memoryOf('import') });
const past = makeBuffer('ccc', { formerOf: 'aaa', generation: 3 });
const by: Doer = { client: other, peer: other.peer };
const token = {
  ...{ id: 't1', uid: 7, mayRenew: true, usesLeft: 2 },
  ...{ createdAt: 1000 as Monotonic, expires: 9000 as Monotonic },
};
const error = new BrokerError('limit_exceeded', 'too much', { constraint: 'tokens', requested: 9 });

/** Of each type, so that one that is new must be here. */
const SAMPLES: { readonly [T in EventType]: readonly Extract<BrokerEvent, { type: T }>[] } = {
  'buffer.created': [
    { type: 'buffer.created', buffer },
    { type: 'buffer.created', buffer: imported },
  ],
  'buffer.shared': [
    { type: 'buffer.shared', buffer, by, token },
    { type: 'buffer.shared', buffer, by, token: { ...token, uid: null, expires: null } },
  ],
  'buffer.unshared': [{ type: 'buffer.unshared', buffer, by: rest, token: 't1' }],
  'buffer.redeemed': [
    { type: 'buffer.redeemed', buffer, client: other, token: 't1' },
    { type: 'buffer.redeemed', buffer, client, token: 't1' },
    { type: 'buffer.redeemed', buffer: imported, client, token: 't2' },
  ],
  'buffer.claimed': [{ type: 'buffer.claimed', buffer, client: other, as: 'writer' }],
  'buffer.committed': [{ type: 'buffer.committed', buffer, by, revision: 4 }],
  'buffer.adopted': [{ type: 'buffer.adopted', buffer, client: other }],
  'buffer.parked': [{ type: 'buffer.parked', buffer, by: null, seconds: 5 }],
  'buffer.previewed': [{ type: 'buffer.previewed', buffer, by: rest }],
  'buffer.renamed': [
    { type: 'buffer.renamed', buffer: makeBuffer('ddd', { name: 'cursor' }), by },
    { type: 'buffer.renamed', buffer, by },
  ],
  'buffer.renewed': [{ type: 'buffer.renewed', buffer, by, seconds: 5 }],
  'buffer.recalled': [{ type: 'buffer.recalled', buffer, by: null, reason: 'memory_pressure' }],
  'buffer.released': [
    { type: 'buffer.released', buffer, by, reason: 'owner' },
    { type: 'buffer.released', buffer, by: rest, reason: 'administrator' },
    { type: 'buffer.released', buffer, by: null, reason: 'lease_expired' },
  ],
  'buffer.lost': [{ type: 'buffer.lost', buffer }],
  'buffer.reissued': [{ type: 'buffer.reissued', buffer: makeBuffer('e', { generation: 2 }), by }],
  'buffer.gone': [
    { type: 'buffer.gone', buffer },
    { type: 'buffer.gone', buffer: past },
  ],
  'quota.changed': [{ type: 'quota.changed', by: rest, quota: 'user/7' }],
  'pool.drained': [{ type: 'pool.drained', by: rest, spares: 3, bytes: 12_288 }],
  'client.connected': [{ type: 'client.connected', client: other }],
  'client.disconnected': [
    { type: 'client.disconnected', client: other, by: null },
    { type: 'client.disconnected', client: other, by: rest },
  ],
  refusal: [
    { type: 'refusal', error, by, buffer },
    { type: 'refusal', error: new BrokerError('not_found', 'no'), by: rest, buffer: null },
  ],
  'device.lost': [{ type: 'device.lost', reason: 'it hangs' }],
  'device.restored': [{ type: 'device.restored', reason: 'made anew' }],
};

t.test('each type is read as it was written, as event and as act', async (t) => {
  const { clock, read, write } = make();
  t.same(Object.keys(SAMPLES).toSorted(), EVENT_TYPES.toSorted());
  const events: readonly BrokerEvent[] = EVENT_TYPES.flatMap((type) => [...SAMPLES[type]]);
  // A second time in an order of their own, when the tables know them all.
  for (const round of [events, events.toReversed()]) {
    for (const event of round) write(event);
    const found = read();
    t.equal(found.length, round.length);
    for (const [i, event] of round.entries()) {
      const expected = toldOf(event);
      const { told, time } = found[i] as { told: Told; time: string };
      t.same(told, expected, event.type);
      t.equal(time, new Date(clock.today).toISOString());
      t.same(eventDraft(told, time, clock), eventDraft(expected, time, clock));
      t.same(auditNote(told, time), auditNote(expected, time));
    }
  }
});

t.test(
  'a buffer and a process are said once, and are one object for all that is told',
  async (t) => {
    const { read, write, writer, batches } = make();
    const redeemed = { type: 'buffer.redeemed', buffer, client: other, token: 't1' } as const;
    for (let i = 0; i < 3; i++) write(redeemed);
    writer.send();
    // Two of the rows are the buffer's; one of the actors is its owner.
    t.match(batches, [{ rows: 5, actors: { length: 2 }, sources: ['memfd'], facts: ['t1'] }]);
    write(redeemed);
    writer.send();
    t.match(batches[1], { rows: 1, actors: [], sources: [], facts: [] });
    const notes = read().map(({ told }) => auditNote(told, ''));
    t.equal(notes.length, 4);
    t.equal(new Set(notes.map((note) => note?.who)).size, 1);
    t.equal(new Set(notes.map((note) => note?.about)).size, 1);
  },
);

t.test('a buffer is told as it was then', async (t) => {
  const { read, write } = make();
  const changing = makeBuffer('aaa');
  const renamed = (name: string | null) => {
    changing.name = name;
    write({ type: 'buffer.renamed', buffer: changing, by: null });
  };
  renamed('one');
  renamed('two');
  renamed(null);
  changing.owner = { client: other, peer: other.peer };
  write({ type: 'buffer.adopted', buffer: changing, client: other });
  changing.allocation = memoryOf('udmabuf', 8192);
  changing.generation++;
  write({ type: 'buffer.reissued', buffer: changing, by: null });
  // When all has changed again.
  changing.name = 'last';
  changing.generation++;
  changing.owner = rest;
  t.match(
    read().map(({ told }) => told),
    [
      { fact: 'one', buffer: { size: 4096, owner: { client: 'c1' } } },
      { fact: 'two', buffer: { size: 4096, owner: { client: 'c1' } } },
      { fact: null, buffer: { size: 4096, owner: { client: 'c1' } } },
      { fact: null, buffer: { size: 4096, owner: { client: 'c2', uid: 7 } } },
      { fact: 2, buffer: { size: 8192, source: 'udmabuf', owner: { client: 'c2' } } },
    ],
  );
});

t.test('more buffers and processes than the tables have places', async (t) => {
  const { read, write } = make(32_768);
  const many = Array.from({ length: 5000 }, (_, i) => ({
    buffer: makeBuffer(`b${i}`, { owner: { client: { id: `c${i}`, peer }, peer } }),
    client: { id: `d${i}`, peer },
  }));
  const wanted: string[] = [];
  for (let i = 0; i < 20_000; i++) {
    // Some again and again, the others seldom.
    const { buffer, client } = many[i % 3 === 0 ? i % 10 : (i * 7) % 5000] as (typeof many)[0];
    write({ type: 'buffer.redeemed', buffer, client, token: `t${i % 5}` });
    wanted.push(`${buffer.id} ${buffer.owner.client?.id} ${client.id} t${i % 5}`);
    if (i % 6000 === 5999) {
      const found = read().map(
        ({ told: { buffer, client, fact } }) =>
          `${buffer?.id} ${buffer?.owner.client} ${client?.client} ${fact}`,
      );
      t.same(found, wanted.splice(0));
    }
  }
});

t.test('whoever is far behind is told of, and wakes who waits', async (t) => {
  const { clock, writer, read, woken } = make(16);
  const happen = (times: number) => {
    for (let i = 0; i < times; i++) {
      writer.write({ type: 'device.lost', reason: `${i}` }, clock.today);
    }
  };
  happen(7);
  t.notOk(writer.behind);
  t.equal(read().length, 7);
  t.equal(woken(), 0, 'nobody waits');
  happen(8);
  t.ok(writer.behind, 'half of the rows are not read');
  happen(8);
  t.equal(read().length, 16, 'all of them can be used');
  t.equal(woken(), 1);
  t.notOk(writer.behind);
  happen(1);
  read();
  t.equal(woken(), 1);
});

t.test('rows are used again and again', async (t) => {
  const { write, read, writer } = make(2);
  for (let i = 0; i < 9; i++) {
    write({ type: 'device.lost', reason: `${i}` });
    t.match(read(), [{ told: { fact: `${i}` } }]);
    t.notOk(writer.behind);
  }
});

t.test('where there is no room main is waited for, and nothing is lost', async (t) => {
  const count = 5000;
  const memory = eventMemory(64);
  const reader = new EventReader(memory, () => {});
  const file = new URL('support/event-writer.js', import.meta.url);
  const worker = new Worker(file, { workerData: { memory, count } });
  const facts: unknown[] = [];
  let most = 0;
  worker.on('message', (batch: EventBatch) => {
    most = Math.max(most, batch.rows);
    reader.read(batch, ({ fact }) => facts.push(fact));
  });
  await new Promise((resolve) => worker.once('exit', resolve));
  t.same(
    facts,
    Array.from({ length: count }, (_, i) => `${i}`),
  );
  t.equal(most, 64);
});

t.test('a date is the one of then, whenever it is read', async (t) => {
  const { clock, write, read } = make();
  const time = () => new Date(clock.today).toISOString();
  const wanted: string[] = [];
  for (const jump of [0, 3_600_000, -7_200_000, 0.75, 999, 5, -1.7e12 - 7777.5]) {
    clock.setDate(jump);
    clock.pass(1);
    write({ type: 'device.lost', reason: 'test' });
    wanted.push(time());
  }
  clock.setDate(1_000_000);
  t.same(
    read().map(({ time }) => time),
    wanted,
  );
});
