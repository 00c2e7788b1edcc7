/**
 * dmabroker_work_v1: who may ask for what, what is answered, and that fds are closed once whatever
 * happens while work is pending.
 */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { MAX_PENDING_PER_CLIENT } from '../../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_work_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';

const FROM = FREE;
const TO = FREE + 2;
const WORK = 50;
const { path, error } = dmabroker_work_v1.enums;
const { refusal } = dmabroker_manager_v1.enums;

function withBuffers() {
  const bench = new Bench().ready();
  return { bench, from: bench.allocate(FROM), to: bench.allocate(TO), world: bench.world };
}

type Setter = 'set_offset' | 'set_size' | 'set_source_offset';

/** A work object of a range. */
function work(bench: Bench, id: number, buffer: number, range: Partial<Record<Setter, number>>) {
  bench.request(dmabroker_manager_v1, MANAGER, 'create_work', id, buffer);
  for (const [name, value] of Object.entries(range)) {
    bench.request(dmabroker_work_v1, id, name as Setter, 0, value);
  }
}

function copy(bench: Bench, { id = WORK, source = FROM, size = 64 } = {}) {
  work(bench, id, TO, { set_source_offset: 16, set_offset: 32, set_size: size });
  bench.request(dmabroker_work_v1, id, 'copy', source);
}

function fill(bench: Bench, id = WORK, buffer = TO) {
  work(bench, id, buffer, { set_offset: 8, set_size: 16 });
  bench.request(dmabroker_work_v1, id, 'fill', 0xdeadbeef);
}

function read(bench: Bench, id = WORK, buffer = FROM) {
  work(bench, id, buffer, {});
  bench.request(dmabroker_work_v1, id, 'read');
}

t.test('copy, fill and read', async (t) => {
  const { bench, from, to, world } = withBuffers();
  copy(bench);
  t.same(bench.events(), [], 'not done yet');
  t.match(world.answerWork(), {
    kind: 'copy',
    source: { fds: from.held.fds },
    destination: { fds: to.held.fds },
    plan: [{ source: { offset: 16 }, destination: { offset: 32 }, bytes: 64, rows: 1 }],
  });
  t.strictSame(bench.events(), [
    { object: WORK, name: 'dmabroker_work_v1.done', values: [path.cpu] },
  ]);
  fill(bench, WORK + 1);
  t.match(world.answerWork(), { extent: { offset: 8, size: 16 }, value: 0xdeadbeef });
  t.same(bench.names(), ['dmabroker_work_v1.done']);
  read(bench, WORK + 2);
  t.match(world.answerWork(), { kind: 'read', extent: { offset: 0, size: 4096 } });
  t.equal(world.open.size, 3, 'what was read waits to be sent');
  t.match(bench.events(), [
    { name: 'dmabroker_work_v1.content', values: [Number, 0, 4096] },
    { name: 'dmabroker_work_v1.done', values: [path.cpu] },
  ]);
  t.equal(world.open.size, 2, 'and is closed then');
  bench.close();
  t.equal(world.open.size, 0);
});

t.test('who redeemed a buffer may, too', async (t) => {
  const { bench, from } = withBuffers();
  const other = new Bench([], bench).ready();
  const { token } = bench.broker.sharing.share(from, { uses: 1, uid: null, seconds: null });
  other.request(dmabroker_manager_v1, MANAGER, 'redeem', FROM, token);
  other.events();
  read(other);
  bench.world.answerWork();
  t.same(other.names(), ['dmabroker_work_v1.content', 'dmabroker_work_v1.done']);
});

t.test('a refusal, at once and by the allocator', async (t) => {
  const { bench, world } = withBuffers();
  copy(bench, { size: 5000 });
  const [failed] = bench.events();
  t.match(failed, { object: WORK, name: 'dmabroker_work_v1.failed' });
  t.equal(failed?.values[0], refusal.invalid_argument);
  t.match(JSON.parse(String(failed?.values[2])), { constraint: 'size', requested: 5000 });
  t.equal(world.works.length, 0);
  read(bench, WORK + 1);
  world.answerWork(new BrokerError('device_lost', 'gone'));
  t.match(bench.events(), [
    { object: WORK + 1, name: 'dmabroker_work_v1.failed', values: [refusal.device_lost, 'gone'] },
  ]);
  t.equal(bench.broker.works.waiting.empty, true);
});

t.test('a buffer that is released while work is pending', async (t) => {
  const { bench, from, to, world } = withBuffers();
  copy(bench);
  bench.broker.release(from, 'administrator');
  bench.request(dmabroker_buffer_v1, TO, 'release');
  t.ok(from.released && to.released);
  t.equal(world.open.size, 2, 'the memory is there until the work is done');
  world.answerWork();
  world.pass(1000);
  bench.broker.poll();
  t.equal(world.open.size, 0, 'and closed with it, when nobody else has it');
  t.equal(bench.names().at(-1), 'dmabroker_work_v1.done');
  read(bench, WORK + 1);
  t.match(bench.events(), [{ name: 'dmabroker_work_v1.failed', values: [refusal.not_found] }]);
});

t.test('a buffer whose device was lost', async (t) => {
  const { bench, from } = withBuffers();
  bench.broker.deviceLost([from.allocation]);
  bench.events();
  copy(bench);
  t.match(bench.events(), [{ name: 'dmabroker_work_v1.failed', values: [refusal.device_lost] }]);
  t.equal(bench.world.works.length, 0);
  fill(bench, WORK + 1);
  t.equal(bench.world.works.length, 1, 'the other one is there');
});

t.test('a client that does not wait for the answer', async (t) => {
  const destroyed = withBuffers();
  read(destroyed.bench);
  destroyed.bench.request(dmabroker_work_v1, WORK, 'destroy');
  t.same(destroyed.bench.names(), ['wl_display.delete_id']);
  destroyed.world.answerWork();
  t.same(destroyed.bench.events(), []);
  t.equal(destroyed.world.open.size, 2, 'what was read is closed');

  const left = withBuffers();
  read(left.bench);
  left.bench.close();
  t.equal(left.world.open.size, 1, 'the buffer that is being read');
  left.world.answerWork();
  left.world.pass(1000);
  left.bench.broker.poll();
  t.equal(left.world.open.size, 0);

  const unread = withBuffers();
  read(unread.bench);
  unread.world.answerWork();
  t.equal(unread.world.open.size, 3);
  unread.bench.close();
  t.equal(unread.world.open.size, 0, 'an answer that was not sent yet');
});

t.test('violations', async (t) => {
  const { invalid_object } = wl_display.enums.error;
  const cases: [string, object, (bench: Bench) => void][] = [
    ['an unknown source', { object: 1, code: invalid_object }, (b) => copy(b, { source: 999 })],
    [
      'a source of another kind',
      { object: 1, code: invalid_object },
      (b) => copy(b, { source: MANAGER }),
    ],
    ['its own new id', { object: 1, code: invalid_object }, (b) => copy(b, { source: WORK })],
    ['an id in use', { object: 1, code: invalid_object }, (b) => copy(b, { id: FROM })],
    [
      'a source of a fill',
      { object: WORK, code: error.no_source },
      (b) => {
        work(b, WORK, TO, { set_source_offset: 0 });
        b.request(dmabroker_work_v1, WORK, 'fill', 0);
      },
    ],
    [
      'a source of a read',
      { object: WORK, code: error.no_source },
      (b) => {
        work(b, WORK, TO, { set_source_offset: 0 });
        b.request(dmabroker_work_v1, WORK, 'read');
      },
    ],
  ];
  for (const [name, expected, violate] of cases) {
    const { bench, world } = withBuffers();
    violate(bench);
    t.match(errorOf(bench.events()), expected, name);
    bench.close();
    t.equal(world.open.size, 0, name);
    t.equal(world.works.length, 0, name);
  }
});

t.test('work is asked for once, and nothing is said of it afterwards', async (t) => {
  const after: ((bench: Bench) => void)[] = [
    (b) => b.request(dmabroker_work_v1, WORK, 'read'),
    (b) => b.request(dmabroker_work_v1, WORK, 'fill', 1),
    (b) => b.request(dmabroker_work_v1, WORK, 'copy', FROM),
    (b) => b.request(dmabroker_work_v1, WORK, 'set_offset', 0, 0),
    (b) => b.request(dmabroker_work_v1, WORK, 'set_size', 0, 0),
    (b) => b.request(dmabroker_work_v1, WORK, 'set_source_offset', 0, 0),
  ];
  for (const violate of after) {
    const { bench } = withBuffers();
    fill(bench);
    violate(bench);
    t.match(errorOf(bench.events()), { object: WORK, code: error.already_used });
    bench.close();
  }
});

t.test(
  'no work is begun for an object that was destroyed; what was asked for is done',
  async (t) => {
    const { bench, from, world } = withBuffers();
    const other = new Bench([], bench).ready();
    const { token } = bench.broker.sharing.share(from, { uses: 1, uid: null, seconds: null });
    other.request(dmabroker_manager_v1, MANAGER, 'redeem', FROM, token);
    read(other);
    work(other, WORK + 1, FROM, {});
    other.request(dmabroker_buffer_v1, FROM, 'destroy');
    other.request(dmabroker_work_v1, WORK + 1, 'read');
    world.answerWork();
    t.equal(world.works.length, 0);
    const events = other.events().filter(({ object }) => object >= WORK);
    t.match(events, [
      { object: WORK + 1, name: 'dmabroker_work_v1.failed', values: [refusal.not_found] },
      { object: WORK, name: 'dmabroker_work_v1.content' },
      { object: WORK, name: 'dmabroker_work_v1.done' },
    ]);
  },
);

t.test('work on a buffer that is on its way is done in its order', async (t) => {
  const LATE = FREE + 4;
  const { bench, world } = withBuffers();
  bench.ask(LATE);
  bench.events();
  copy(bench, { source: LATE });
  fill(bench, WORK + 1, TO);
  read(bench, WORK + 2, LATE);
  fill(bench, WORK + 3, FROM);
  t.same(
    world.works.map(({ work }) => work.kind),
    ['fill'],
    'what has nothing to do with it goes on',
  );
  world.answerWork();
  bench.events();
  world.answer();
  t.same(
    world.works.map(({ work }) => work.kind),
    ['copy', 'fill', 'read'],
  );
  while (world.works.length > 0) world.answerWork();
  t.same(
    bench.events().flatMap(({ object, name }) => (name.endsWith('.done') ? [object] : [])),
    [LATE, WORK, WORK + 1, WORK + 2],
  );
});

t.test('work on a buffer that fails fails as it did, and other work goes on', async (t) => {
  const LATE = FREE + 4;
  const { bench, world } = withBuffers();
  bench.ask(LATE);
  bench.events();
  copy(bench, { source: LATE });
  fill(bench, WORK + 1, TO);
  world.refuse(new BrokerError('out_of_memory', 'there is none'));
  world.answerWork();
  t.match(bench.events(), [
    { object: LATE, values: [refusal.out_of_memory] },
    { object: WORK, values: [refusal.out_of_memory] },
    { object: WORK + 1, name: 'dmabroker_work_v1.done' },
  ]);
});

t.test('a client cannot fill the allocator’s queue', async (t) => {
  const { bench, world } = withBuffers();
  for (let i = 0; i <= MAX_PENDING_PER_CLIENT; i++) fill(bench, WORK + i);
  t.equal(world.works.length, MAX_PENDING_PER_CLIENT);
  t.match(bench.events(), [{ object: WORK + 64, values: [refusal.limit_exceeded] }]);
  while (world.works.length > 0) world.answerWork();
  t.equal(bench.names().length, MAX_PENDING_PER_CLIENT);
  fill(bench, WORK + 100);
  t.equal(world.works.length, 1, 'there is room again');
});
