/**
 * The fds of memory that a client brings: the params object's until import, the broker's from then
 * on, and closed exactly once whatever the client does.
 */
import t from 'tap';
import { MAX_WAITING_PLANES } from '../../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';

const { error } = dmabroker_params_v1.enums;
const PARAMS = FREE;
const BUFFER = FREE + 1;

/** A params object for linear memory of 4096 bytes. */
function withParams(id = PARAMS, bench = new Bench().ready()): Bench {
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', id);
  bench.request(dmabroker_params_v1, id, 'set_buffer', 0, 4096);
  return bench;
}

const add = (bench: Bench, fd: number, index = 0, id = PARAMS) =>
  bench.feed(bench.peer.request(dmabroker_params_v1, id, 'add_plane', fd, index, 0, 0), [fd]);
const take = (bench: Bench) => bench.request(dmabroker_params_v1, PARAMS, 'import', BUFFER);

t.test('an import is shown with how it was checked', async (t) => {
  const bench = withParams();
  const fd = bench.world.openFd();
  add(bench, fd);
  take(bench);
  t.equal(bench.names().length, 0, 'it is being checked');
  bench.world.answerImport();
  const events = bench.events();
  t.strictSame(
    events.map(({ name }) => name.split('.')[1]),
    ['info', 'memory', 'plane', 'checked', 'done'],
  );
  const { layout } = dmabroker_buffer_v1.enums.import_check;
  t.strictSame(events[3]?.values, [layout, 'no device']);
  bench.close();
  t.equal(bench.world.open.size, 0, 'released with its connection');
  t.strictSame(bench.closed, [], 'and by nobody else');
});

t.test(
  'params that are destroyed, or whose client leaves, close what they were given',
  async (t) => {
    const destroyed = withParams();
    add(destroyed, 500);
    add(destroyed, 501, 1);
    destroyed.request(dmabroker_params_v1, PARAMS, 'destroy');
    t.same(destroyed.closed, [500, 501]);
    const left = withParams();
    add(left, 502);
    left.close();
    t.same(left.closed, [502]);
  },
);

t.test('violations', async (t) => {
  const cases: [string, number, (bench: Bench) => void][] = [
    ['twice the same plane', error.invalid_plane, (bench) => add(bench, 501)],
    ['a fifth plane', error.invalid_plane, (bench) => add(bench, 501, 4)],
    [
      'a gap',
      error.planes_mismatch,
      (bench) => {
        add(bench, 501, 2);
        take(bench);
      },
    ],
    [
      'create with planes',
      error.planes_mismatch,
      (bench) => bench.request(dmabroker_params_v1, PARAMS, 'create', BUFFER),
    ],
    [
      'two modifiers',
      error.planes_mismatch,
      (bench) => {
        bench.request(dmabroker_params_v1, PARAMS, 'add_modifier', 0, 0);
        bench.request(dmabroker_params_v1, PARAMS, 'add_modifier', 0, 1);
        take(bench);
      },
    ],
  ];
  for (const [name, code, violate] of cases) {
    const bench = withParams();
    add(bench, 500);
    violate(bench);
    t.match(errorOf(bench.events()), { object: PARAMS, code }, name);
    bench.close();
    t.same(bench.closed.sort(), bench.closed.length === 2 ? [500, 501] : [500], `${name}: closed`);
  }
  const none = withParams();
  take(none);
  t.match(errorOf(none.events()), { code: error.planes_mismatch }, 'no plane at all');
});

t.test('a connection cannot pile up fds', async (t) => {
  const bench = new Bench().ready();
  const fds: number[] = [];
  for (let i = 0; i <= MAX_WAITING_PLANES && !bench.connection.closing; i++) {
    const params = FREE + Math.floor(i / 4);
    if (i % 4 === 0) withParams(params, bench);
    fds.push(500 + i);
    add(bench, 500 + i, i % 4, params);
  }
  t.equal(fds.length, MAX_WAITING_PLANES + 1);
  t.match(errorOf(bench.events()), { object: 1, code: wl_display.enums.error.no_memory });
  bench.close();
  t.same(bench.closed.sort(), fds, 'every one is closed');
  t.equal(bench.connection.waitingPlanes, 0);
});
