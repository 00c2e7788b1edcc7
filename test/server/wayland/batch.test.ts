/** add_buffer and create_batch: each object is answered as any other, in few messages, and nothing is left of any. */
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { MAX_BATCH, MAX_FDS } from '../../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
  dmabroker_work_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { MAX_MESSAGE_SIZE } from '../../../src/protocol/wire.js';
import { MAX_UNASKED_REQUESTS } from '../../../src/server/wayland/order.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';
import { nextPacket } from './support/packets.js';

const PARAMS = FREE;
const FIRST = FREE + 1;
const ANY_UID = 0xffffffff;
const { memfd } = dmabroker_manager_v1.enums.handle_type;
const { error, lifetime } = dmabroker_params_v1.enums;
const { no_memory } = wl_display.enums.error;
const { refusal } = dmabroker_manager_v1.enums;

type Kept = keyof typeof lifetime;

/** Params for so many buffers, whose objects are `FIRST` and those behind it. */
function added(count: number, kept: Kept = 'connection') {
  const bench = new Bench().ready();
  const request = bench.request as (...request: unknown[]) => void;
  const params = (name: string, ...values: (number | string)[]) =>
    request(dmabroker_params_v1, PARAMS, name, ...values);
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  params('set_buffer', 0, 4096);
  params('set_handle_types', memfd);
  params('set_lifetime', lifetime[kept]);
  const ids = Array.from({ length: count }, (_, i) => FIRST + i);
  for (const id of ids) params('add_buffer', id);
  const answerAll = (fds = 1) => {
    while (bench.world.pending.length > 0) bench.world.answer(0, fds);
  };
  /** The names of an object's events. */
  const of = (events: ReturnType<Bench['events']>, id: number) =>
    events.filter(({ object }) => object === id).map(({ name }) => name.split('.')[1]);
  const settle = () => {
    bench.world.pass(1000);
    bench.broker.poll();
  };
  return { bench, params, ids, answerAll, of, settle };
}

t.test('each is told as any other, with as many in one message as there may be', async (t) => {
  for (const [count, fds] of [
    [3, 1],
    [32, 1],
    [64, 1],
    [20, 3],
  ] as const) {
    const { bench, params, ids, answerAll, of } = added(count);
    params('create_batch');
    params('destroy');
    bench.events();
    t.equal(bench.world.pending.length, count);
    answerAll(fds);
    const { packets } = bench.connection.output;
    const sizes = packets.map(({ length }) => length);
    t.ok(Math.max(...sizes) <= MAX_MESSAGE_SIZE);
    t.ok(packets.every(({ held }) => (held?.fds.length ?? 0) <= MAX_FDS));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const perMessage = Math.min(
      Math.floor(MAX_FDS / fds),
      Math.floor(MAX_MESSAGE_SIZE / Math.ceil(bytes / count)),
    );
    t.equal(packets.length, Math.ceil(count / perMessage), `${count} of ${fds} fds`);
    const events = bench.events();
    const told = ['info', ...Array(fds).fill('memory'), ...Array(fds).fill('plane'), 'done'];
    for (const id of ids) t.same(of(events, id), told);
    const all = events
      .filter(({ name }) => name.endsWith('.plane'))
      .map(({ values }) => values[0] as number);
    t.same([...all].sort(), [...bench.world.open].sort(), 'each with its own fds');
    const [first] = bench.broker.buffers;
    t.equal(events.find(({ name }) => name.endsWith('.info'))?.values[0], first?.id);
  }
});

t.test('where it is to be noted that each was told', async (t) => {
  const { bench, params, answerAll } = added(3);
  let word = 8;
  bench.world.toldAt = () => word++;
  params('create_batch');
  answerAll();
  const [packet] = bench.connection.output.packets;
  t.same(
    packet?.told.map((each) => each.toldAt()),
    [8, 9, 10],
  );
});

t.test('each is a buffer as any other', async (t) => {
  const { bench, params, ids, answerAll, of, settle } = added(3);
  const [a = 0, b = 0, c = 0] = ids;
  bench.request(dmabroker_buffer_v1, b, 'share', 100, 1, ANY_UID, 0, 0);
  params('create_batch');
  bench.request(dmabroker_buffer_v1, c, 'release');
  t.equal(bench.names().includes('dmabroker_share_v1.token'), false, 'it waits');
  answerAll();
  const events = bench.events();
  t.same(of(events, 100), ['token_id', 'token']);
  settle();
  t.equal([...bench.broker.buffers].length, 2, 'one was released');
  bench.request(dmabroker_buffer_v1, a, 'park', 60);
  t.same(bench.names(), ['dmabroker_buffer_v1.lease']);
  bench.request(dmabroker_buffer_v1, b, 'destroy');
  settle();
  t.equal([...bench.broker.buffers].length, 1);
  bench.close();
  t.equal(bench.world.open.size, 1, 'the one that is parked');
});

t.test('what is destroyed before the answer is given up, the others are not', async (t) => {
  for (const kept of ['connection', 'until_released'] as const) {
    const { bench, params, ids, answerAll, of, settle } = added(3, kept);
    const [a = 0, b = 0, c = 0] = ids;
    bench.request(dmabroker_buffer_v1, a, 'destroy');
    params('create_batch');
    params('destroy');
    bench.request(dmabroker_buffer_v1, b, 'destroy');
    answerAll();
    const events = bench.events();
    t.same([of(events, a), of(events, b)], [[], []]);
    t.equal(of(events, c).at(-1), 'done');
    settle();
    t.equal([...bench.broker.buffers].length, 1, kept);
    t.equal(bench.world.open.size, 1);
    bench.close();
  }
});

t.test(
  'what is destroyed before its answer has gone is given up, whatever its lifetime',
  async (t) => {
    const { bench, params, ids, answerAll, settle } = added(3, 'until_released');
    params('create_batch');
    answerAll();
    for (const id of ids) bench.request(dmabroker_buffer_v1, id, 'destroy');
    t.ok(nextPacket(bench.connection));
    bench.events();
    settle();
    t.same([...bench.broker.buffers], []);
    t.equal(bench.world.open.size, 0);
  },
);

t.test('one refusal, which each is told and which is noted once', async (t) => {
  const { bench, params, ids, answerAll, of } = added(4);
  const [, b = 0] = ids;
  params('create_batch');
  bench.request(dmabroker_buffer_v1, b, 'share', 100, 1, ANY_UID, 0, 0);
  bench.world.answer();
  bench.world.refuse(new BrokerError('out_of_memory', 'none left'));
  answerAll();
  const events = bench.events();
  for (const id of ids) t.same(of(events, id), ['failed']);
  t.same(of(events, 100), ['failed']);
  const told = events.filter(({ object }) => ids.includes(object)).map(({ values }) => values);
  t.same(told, Array(4).fill([refusal.out_of_memory, 'none left', '{"nearest":null}']));
  const noted = bench.world.events.filter(({ type }) => type === 'refusal');
  t.equal(noted.length, 2, 'the batch’s and the share’s');
  t.equal(bench.world.open.size, 0);
  t.equal(bench.connection.closing, false);
});

t.test('too many are refused', async (t) => {
  const { bench, params, of, ids } = added(MAX_BATCH + 1);
  params('create_batch');
  const events = bench.events();
  for (const id of ids) t.same(of(events, id), ['failed']);
  const [code, , detail] = events.find(({ name }) => name.endsWith('.failed'))?.values ?? [];
  t.equal(code, refusal.invalid_argument);
  t.match(JSON.parse(String(detail)), {
    constraint: 'count',
    possible: { min: 1, max: MAX_BATCH },
  });
  t.equal(bench.connection.closing, false);
});

t.test('a dry run of all of them leaves them to be asked for', async (t) => {
  const { bench, params, answerAll, of, ids } = added(3);
  bench.broker.quotas.configure('rest', new Map([['user/1000', { bytes: 2 * 4096 }]]));
  params('test', 100);
  t.same(of(bench.events(), 100), ['failed']);
  bench.broker.quotas.configure('rest', new Map());
  params('test', 101);
  t.equal(of(bench.events(), 101).at(-1), 'done');
  params('create_batch');
  answerAll();
  const events = bench.events();
  for (const id of ids) t.equal(of(events, id).at(-1), 'done');
});

t.test('params that end before create_batch', async (t) => {
  const { bench, params, of, ids } = added(2);
  const [a = 0] = ids;
  bench.request(dmabroker_buffer_v1, a, 'share', 100, 1, ANY_UID, 0, 0);
  params('destroy');
  const events = bench.events();
  for (const id of [...ids, 100]) t.same(of(events, id), ['failed']);
  const { bench: other } = added(2);
  other.close();
  t.notOk(
    other.world.events.some(({ type }) => type === 'refusal'),
    'with the connection nobody is refused anything',
  );
});

t.test('violations', async (t) => {
  type Send = ReturnType<typeof added>['params'];
  const ends = (
    what: keyof typeof error,
    count: number,
    send: (params: Send) => void,
    text?: string,
  ) => {
    const { bench, params } = added(count);
    send(params);
    t.match(errorOf(bench.events()), { object: PARAMS, code: error[what], ...(text && { text }) });
    bench.close();
    bench.world.pass(1000);
    while (bench.world.pending.length > 0) bench.world.answer();
    t.equal(bench.world.open.size, 0);
  };
  ends('batch_mismatch', 0, (params) => params('create_batch'));
  ends('batch_mismatch', 1, (params) => params('create', 100));
  ends('batch_mismatch', 1, (params) => params('import', 100));
  ends('batch_mismatch', 1, (params) => params('adopt', 100, 'id', 'session'));
  for (const [request, ...values] of [['add_buffer', 100], ['create_batch']] as const) {
    const send = (params: Send) => {
      params('create_batch');
      params(request, ...values);
    };
    ends('already_used', 1, send, 'these parameters were used by create_batch');
  }
  const created = (params: Send) => {
    params('create', 100);
    params('create', 101);
  };
  ends('already_used', 0, created, 'these parameters were used by create');
});

t.test('the client hangs up before the answer, and while it waits to be sent', async (t) => {
  for (const answered of [false, true]) {
    const { bench, params, answerAll, settle } = added(3, 'until_released');
    params('create_batch');
    if (answered) answerAll();
    bench.close();
    answerAll();
    settle();
    t.same([...bench.broker.buffers], []);
    t.equal(bench.world.open.size, 0);
  }
});

t.test('so much is asked before create_batch that it would not be read any more', async (t) => {
  // As much waits as may: create_batch is read, and all are answered.
  const { bench, params, ids, answerAll } = added(2);
  const [a = 0, b = 0] = ids;
  for (let i = 0; i < MAX_UNASKED_REQUESTS; i++) {
    bench.request(dmabroker_buffer_v1, i % 2 ? a : b, 'renew', 10);
  }
  t.notOk(bench.connection.waits.behind, 'it is read all the same');
  params('create_batch');
  t.ok(bench.connection.waits.behind, 'now they wait for the daemon');
  answerAll();
  t.notOk(bench.connection.waits.behind);
  const refused = bench.names().filter((name) => name.endsWith('.lease_refused'));
  t.equal(refused.length, MAX_UNASKED_REQUESTS);

  const tooMany = {
    renew: (each: typeof bench, id: number) => each.request(dmabroker_buffer_v1, id, 'renew', 10),
    work: (each: typeof bench, id: number, i: number) => {
      each.request(dmabroker_manager_v1, MANAGER, 'create_work', 200 + i, id);
      each.request(dmabroker_work_v1, 200 + i, 'fill', 0);
    },
    share: (each: typeof bench, id: number, i: number) =>
      each.request(dmabroker_buffer_v1, id, 'share', 200 + i, 1, ANY_UID, 0, 0),
    'one that is there, behind a copy': (each: typeof bench, id: number, i: number) => {
      if (i === 0) {
        each.ask(150);
        each.world.answer();
        each.request(dmabroker_manager_v1, MANAGER, 'create_work', 151, 150);
        each.request(dmabroker_work_v1, 151, 'copy', id);
      }
      each.request(dmabroker_buffer_v1, 150, 'renew', 10);
    },
    'many that are destroyed': (each: typeof bench, _: number, i: number) => {
      each.request(dmabroker_params_v1, PARAMS, 'add_buffer', 200 + i);
      each.request(dmabroker_buffer_v1, 200 + i, 'destroy');
    },
  };
  for (const [what, send] of Object.entries(tooMany)) {
    const { bench, ids } = added(1);
    let sent = 0;
    while (sent <= MAX_UNASKED_REQUESTS && !bench.connection.closing) {
      send(bench, ids[0] ?? 0, sent++);
    }
    const { code, text } = errorOf(bench.events());
    t.equal(code, no_memory, what);
    t.equal(
      text,
      'more than 1024 requests wait for a create_batch that was not sent, or for a claim',
    );
    t.notOk(bench.connection.waits.behind);
    bench.close();
    bench.world.pass(1000);
    bench.broker.poll();
    t.equal(bench.world.open.size, 0);
  }
});

t.test(
  'a client ends before create_batch: what waited behind an added buffer is done',
  async (t) => {
    const { bench, ids } = added(1);
    bench.ask(150, 'until_released');
    bench.world.answer();
    bench.events();
    bench.request(dmabroker_manager_v1, MANAGER, 'create_work', 151, 150);
    bench.request(dmabroker_work_v1, 151, 'copy', ids[0] ?? 0);
    bench.request(dmabroker_buffer_v1, 150, 'release');
    t.equal([...bench.broker.buffers].length, 1);
    bench.close();
    bench.world.pass(1000);
    bench.broker.poll();
    t.same([...bench.broker.buffers], []);
  },
);
