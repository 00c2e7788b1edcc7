/** A connection's input: messages however they are cut. */
import t from 'tap';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display, wl_registry } from '../../../src/protocol/wayland.gen.js';
import type { WireEvent } from '../../support/wire-peer.js';
import { Bench, FREE, MANAGER, REGISTRY } from './support/bench.js';

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
