/** A client's objects: ids that are free again, and how many there may be. */
import t from 'tap';
import { MAX_OBJECTS, MAX_OBJECTS_PER_CLIENT } from '../../../src/memory/limits.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { Bench, errorOf, FREE, MANAGER, REGISTRY } from './support/bench.js';

const { no_memory } = wl_display.enums.error;

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
