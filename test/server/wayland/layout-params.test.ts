/** dmabroker_params_v1: alignment, planes, source and placement, as the broker is asked for them. */
import t from 'tap';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { image } from '../../broker/support/world.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';

const PARAMS = FREE;
const BUFFER = FREE + 1;
const { error, plane_memory } = dmabroker_params_v1.enums;
type Requests = (typeof dmabroker_params_v1.requests)[number]['name'];

function withImage(): Bench {
  const bench = new Bench().ready();
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  set(bench, 'set_image', 640, 480, image.format);
  set(bench, 'set_handle_types', dmabroker_manager_v1.enums.handle_type.memfd);
  return bench;
}

/** Any request with any values: the types of one stand for all. */
const set = (bench: Bench, name: Requests, ...values: (number | string)[]) =>
  bench.request(dmabroker_params_v1, PARAMS, name as 'set_name', ...(values as [string]));

t.test('all of it reaches the source', async (t) => {
  const bench = withImage();
  set(bench, 'set_alignment', 256, 0, 65_536, 16);
  set(bench, 'set_planes', plane_memory.separate);
  set(bench, 'set_source', 'memfd');
  set(bench, 'create', BUFFER);
  const alignment = { stride: 256, offset: 1, size: 65_536, height: 16 };
  t.match(bench.world.pending, [
    { choice: { source: 'memfd', spec: { alignment, separatePlanes: true } } },
  ]);
});

t.test('planes can be put together again', async (t) => {
  const bench = withImage();
  set(bench, 'set_planes', plane_memory.separate);
  set(bench, 'set_planes', plane_memory.shared);
  set(bench, 'create', BUFFER);
  t.match(bench.world.pending, [{ choice: { spec: { separatePlanes: false } } }]);
});

t.test('refusals name the value', async (t) => {
  const refusals: [Requests, (number | string)[], object][] = [
    ['set_alignment', [0, 3, 0, 0], { constraint: 'alignment.offset', requested: 3 }],
    ['set_alignment', [0, 0, 2 ** 31, 0], { constraint: 'alignment.size', requested: 2 ** 31 }],
    ['set_source', [''], { constraint: 'sources', requested: [''], possible: ['memfd'] }],
  ];
  for (const [name, values, refusal] of refusals) {
    const bench = withImage();
    set(bench, name, ...values);
    set(bench, 'create', BUFFER);
    const [failed] = bench.events();
    t.match(JSON.parse(String(failed?.values[2])), refusal);
    t.same(bench.world.pending, []);
  }
});

t.test('an unknown place for planes is an error', async (t) => {
  const bench = withImage();
  set(bench, 'set_planes', 2);
  t.match(errorOf(bench.events()), { code: error.invalid_planes, text: /planes 2/ });
});

t.test('placement and unverified usage: asked for, and told', async (t) => {
  const { usage } = dmabroker_manager_v1.enums;
  const bench = withImage();
  set(bench, 'set_placement', dmabroker_params_v1.enums.placement.host_cached);
  set(bench, 'set_usage', usage.scanout | usage.render | usage.video_decode);
  set(bench, 'create', BUFFER);
  t.match(bench.world.pending, [{ choice: { spec: { placement: 'host_cached', usage: 194 } } }]);
  bench.world.answer();
  const events = bench.events();
  t.match(events.slice(-2), [
    { name: 'dmabroker_buffer_v1.unverified', values: [192] },
    { name: 'dmabroker_buffer_v1.done' },
  ]);

  const other = withImage();
  set(other, 'create', BUFFER);
  other.world.answer();
  t.notOk(other.names().includes('dmabroker_buffer_v1.unverified'), 'only where there is some');
});

t.test('a placement that no source has', async (t) => {
  const bench = withImage();
  set(bench, 'set_placement', dmabroker_params_v1.enums.placement.device_local);
  set(bench, 'create', BUFFER);
  const [failed] = bench.events();
  t.equal(failed?.values[0], dmabroker_manager_v1.enums.refusal.unsupported_placement);
  t.match(JSON.parse(String(failed?.values[2])), { constraint: 'placement' });
});

t.test('a dictated layout', async (t) => {
  const bench = withImage();
  set(bench, 'set_plane_layout', 0, 4096, 4096);
  set(bench, 'create', BUFFER);
  const layout = [{ offset: 4096, stride: 4096 }];
  t.match(bench.world.pending, [{ choice: { spec: { layout } } }]);
  const { invalid_plane, planes_mismatch } = error;
  const cases: [string, number, (bench: Bench) => void][] = [
    ['a fifth plane', invalid_plane, (b) => set(b, 'set_plane_layout', 4, 0, 64)],
    ['twice the same', invalid_plane, (b) => set(b, 'set_plane_layout', 0, 0, 64)],
    [
      'a gap',
      invalid_plane,
      (b) => {
        set(b, 'set_plane_layout', 2, 0, 64);
        set(b, 'create', BUFFER);
      },
    ],
    [
      'for an import',
      planes_mismatch,
      (b) => {
        b.feed(b.peer.request(dmabroker_params_v1, PARAMS, 'add_plane', 500, 0, 0, 64), [500]);
        set(b, 'import', BUFFER);
      },
    ],
  ];
  for (const [name, code, violate] of cases) {
    const other = withImage();
    set(other, 'set_plane_layout', 0, 0, 4096);
    violate(other);
    t.match(errorOf(other.events()), { object: PARAMS, code }, name);
  }
  const two = withImage();
  set(two, 'add_modifier', 0, 0);
  set(two, 'add_modifier', 0, 1);
  set(two, 'set_plane_layout', 0, 0, 4096);
  set(two, 'create', BUFFER);
  const [failed] = two.events();
  t.match(JSON.parse(String(failed?.values[2])), { constraint: 'modifiers', requested: 2 });
});

t.test('a dry run, as often as wanted, then the allocation', async (t) => {
  const { usage, handle_type, refusal } = dmabroker_manager_v1.enums;
  const bench = withImage();
  set(bench, 'set_usage', usage.scanout | usage.render);
  bench.request(dmabroker_params_v1, PARAMS, 'test', BUFFER);
  t.same(
    bench.events().map(({ name, values }) => [name, ...values]),
    [
      ['dmabroker_test_v1.possible', 'memfd', 0, 640 * 480 * 4, handle_type.memfd, 0, 0, 1],
      ['dmabroker_test_v1.memory', 0, 0, 640 * 480 * 4],
      ['dmabroker_test_v1.plane_layout', 0, 0, 0, 2560],
      ['dmabroker_test_v1.unverified', usage.scanout],
      ['dmabroker_test_v1.done'],
    ],
  );
  set(bench, 'set_source', 'udmabuf');
  bench.request(dmabroker_params_v1, PARAMS, 'test', BUFFER + 1);
  const [failed] = bench.events();
  t.equal(failed?.name, 'dmabroker_test_v1.failed');
  t.equal(failed?.values[0], refusal.unsupported_source);
  t.match(JSON.parse(String(failed?.values[2])), {
    constraint: 'sources',
    nearest: { kind: 'image', width: 640, sources: ['memfd'], handle_types: ['memfd'] },
  });
  t.same(bench.world.pending, [], 'nothing was allocated');

  set(bench, 'set_source', 'memfd');
  set(bench, 'create', BUFFER + 2);
  t.equal(bench.world.pending.length, 1);
  bench.request(dmabroker_params_v1, PARAMS, 'test', BUFFER + 3);
  t.match(errorOf(bench.events()), { code: error.already_used });
});
