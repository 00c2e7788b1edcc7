/**
 * A connection's input and objects: messages however they are cut, ids, how many objects there may
 * be.
 */
import t from 'tap';
import { MAX_OBJECTS, MAX_OBJECTS_PER_CLIENT } from '../../../src/memory/limits.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../src/protocol/wayland.gen.js';
import type { WireEvent } from '../../support/wire-peer.js';
import { Bench, errorOf, FREE, MANAGER, REGISTRY } from './support/bench.js';

const { no_memory } = wl_display.enums.error;

/** The first bytes of a session: two registries' worth of objects, and a refused allocation. */
function session(bench: Bench): Buffer {
  const target = { interface: dmabroker_manager_v1.name, version: 1, id: MANAGER };
  const [buffer, params] = [FREE, FREE + 1];
  const { peer } = bench;
  return Buffer.concat([
    peer.request(wl_display, 1, 'get_registry', REGISTRY),
    peer.request(wl_registry, REGISTRY, 'bind', 1, target),
    peer.request(dmabroker_manager_v1, MANAGER, 'create_params', params),
    peer.request(dmabroker_params_v1, params, 'set_name', 'äöü'),
    peer.request(dmabroker_params_v1, params, 'set_buffer', 0, 0),
    peer.request(dmabroker_params_v1, params, 'create', buffer),
    peer.request(dmabroker_params_v1, params, 'destroy'),
    peer.request(wl_display, 1, 'sync', params + 1),
  ]);
}

t.test('messages arrive however they are cut', async (t) => {
  const whole = new Bench();
  whole.feed(session(whole));
  const expected = whole.events();
  t.match(
    expected.map(({ name }) => name.split('.')[1]),
    [
      'global',
      'source',
      'limit',
      'limit',
      'limit',
      'limit',
      'limit',
      'limit',
      'session',
      'done',
      'failed',
      'delete_id',
      'done',
      'delete_id',
    ],
  );
  const bytes = session(new Bench());
  const run = (feed: (bench: Bench) => void): WireEvent[] => {
    const bench = new Bench();
    session(bench);
    feed(bench);
    return bench.events();
  };
  let different = 0;
  for (let at = 1; at < bytes.length; at++) {
    const events = run((bench) => {
      bench.feed(bytes.subarray(0, at));
      bench.feed(bytes.subarray(at));
    });
    if (JSON.stringify(events) !== JSON.stringify(expected)) different++;
  }
  t.equal(different, 0, 'cut in two, at every byte');
  const bytewise = run((bench) => {
    for (const at of bytes.keys()) bench.feed(bytes.subarray(at, at + 1));
  });
  t.same(bytewise, expected, 'byte by byte');
});

t.test('a destroyed object’s id is free again', async (t) => {
  const bench = new Bench().ready();
  for (let i = 0; i < 3; i++) {
    bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE);
    bench.request(dmabroker_params_v1, FREE, 'destroy');
    t.same(bench.events(), [{ object: 1, name: 'wl_display.delete_id', values: [FREE] }]);
  }
  bench.request(wl_display, 1, 'sync', FREE);
  t.match(bench.events(), [
    { object: FREE, name: 'wl_callback.done' },
    { name: 'wl_display.delete_id', values: [FREE] },
  ]);
});

t.test('too many objects', async (t) => {
  const bench = new Bench().ready();
  const room = MAX_OBJECTS_PER_CLIENT - 3;
  for (let i = 0; i < room; i++) {
    bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE + i);
  }
  t.equal(bench.connection.closing, false);
  bench.request(dmabroker_params_v1, FREE, 'destroy');
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE);
  t.same(bench.names(), ['wl_display.delete_id'], 'a destroyed one makes room');
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE + room);
  t.match(errorOf(bench.events()), { object: 1, code: no_memory, text: /more than 65536 objects/ });

  const another = new Bench([], bench);
  another.request(wl_display, 1, 'get_registry', REGISTRY);
  t.equal(another.connection.closing, false, 'a display is not counted');
  another.request(wl_display, 1, 'get_registry', REGISTRY + 1);
  t.match(errorOf(another.events()), { code: no_memory, text: /the user has too many objects/ });
  t.equal(bench.objects.take(1, 30_000), true, 'another user has some');
  bench.objects.give(1, 30_000);
  bench.close();
  another.close();
  t.equal(bench.objects.take(1, MAX_OBJECTS / 2), true, 'all are given back');
});
