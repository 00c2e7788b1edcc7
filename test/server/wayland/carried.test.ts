/** What objects carry is weighed: a user's lists and names do not fill the daemon's memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import {
  MAX_CARRIED_BYTES,
  MAX_MODIFIERS,
  MAX_SOURCE_NAME_BYTES,
  MODIFIER_BYTES,
} from '../../../src/memory/limits.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
const LONG = 4000;

/** Params with as much as they take: modifiers, a name, a source. */
function full(bench: Bench, id: number): void {
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', id);
  for (let i = 0; i < MAX_MODIFIERS; i++) {
    bench.request(dmabroker_params_v1, id, 'add_modifier', 0xffff + id, i);
  }
  bench.request(dmabroker_params_v1, id, 'set_name', 'n'.repeat(LONG));
  bench.request(dmabroker_params_v1, id, 'set_source', 'ß'.repeat(LONG / 2));
}

t.test('an object weighs no less than what it carries takes of the heap', async (t) => {
  const COUNT = 400;
  const bench = new Bench().ready();
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const uid = bench.connection.client.peer.uid;
  const empty = heap();
  for (let i = 0; i < COUNT; i++) {
    bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE + i);
  }
  const base = heap() - empty;
  for (let i = 0; i < COUNT; i++) full(bench, FREE + COUNT + i);
  const carried = heap() - empty - 2 * base;
  const weighed = bench.carried.taken(uid);
  t.ok(weighed > COUNT * MAX_MODIFIERS * MODIFIER_BYTES);
  t.ok(carried <= weighed, `${carried} bytes of the heap, ${weighed} weighed`);
  t.equal(bench.connection.closing, false);
  bench.request(dmabroker_params_v1, FREE + COUNT, 'destroy');
  t.ok(bench.carried.taken(uid) < weighed, 'what is destroyed is given back');
  bench.close();
  t.equal(bench.carried.taken(uid), 0, 'and all of it with the connection');
});

t.test('65,536 objects with 256 modifiers, a name and a source of 4 KB each', async (t) => {
  const bench = new Bench().ready();
  const other = new Bench([], bench).ready();
  // As if most of them were there already.
  const most = MAX_CARRIED_BYTES / 2 - 64 * 1024;
  bench.carried.overdraw(bench.connection.client.peer.uid, most);
  for (let id = FREE; !bench.connection.closing && id < FREE + 100; id++) full(bench, id);
  const { code, text } = errorOf(bench.events());
  t.match(text, /the user's objects carry too much/);
  t.equal(code, 2, 'wl_display.error.no_memory');
  t.equal(other.connection.closing, false, 'the other connections of the user go on');
  t.equal(bench.carried.of(7).has(1024 * 1024), true, 'another user has room');
});

t.test('the name of no source is that long', async (t) => {
  const bench = new Bench().ready();
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', FREE);
  bench.request(dmabroker_params_v1, FREE, 'set_buffer', 0, 4096);
  bench.request(dmabroker_params_v1, FREE, 'set_source', 's'.repeat(MAX_SOURCE_NAME_BYTES + 1));
  bench.request(dmabroker_params_v1, FREE, 'create', FREE + 1);
  const [failed] = bench.events();
  t.match(JSON.parse(String(failed?.values[2])), {
    constraint: 'sources',
    requested: MAX_SOURCE_NAME_BYTES + 1,
    possible: { max: MAX_SOURCE_NAME_BYTES },
  });
});
