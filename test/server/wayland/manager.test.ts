/**
 * dmabroker_manager_v1 and dmabroker_params_v1: what the daemon says about itself, what a client may
 * set and when, and that the broker is asked for just that.
 */
import t from 'tap';
import type { DeviceDescription } from '../../../src/memory/device.js';
import { MOD_LINEAR } from '../../../src/memory/fourcc.js';
import {
  dmabroker_manager_v1,
  dmabroker_params_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import type { Global } from '../../../src/server/wayland/display.js';
import { bindManager } from '../../../src/server/wayland/manager.js';
import { image, second, secondOpen } from '../../broker/support/world.js';
import { split64 } from '../../support/wire-peer.js';
import { Bench, errorOf, FREE, MANAGER } from './support/bench.js';

const PARAMS = FREE;
const BUFFER = FREE + 1;
const { error, lifetime } = dmabroker_params_v1.enums;
const { handle_type, usage, limit } = dmabroker_manager_v1.enums;

function withParams(): Bench {
  const bench = new Bench().ready();
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', PARAMS);
  return bench;
}

type Requests = (typeof dmabroker_params_v1.requests)[number]['name'];
/** Any request with any values: the types of one stand for all. */
const set = (bench: Bench, name: Requests, ...values: (number | string)[]) =>
  bench.request(dmabroker_params_v1, PARAMS, name as 'set_name', ...(values as [string]));

t.test('the description without a device', async (t) => {
  const bench = new Bench();
  bench.ready();
  bench.bind(1, dmabroker_manager_v1.name, 1, FREE);
  const events = bench.events().map(({ name, values }) => [name.split('.')[1], ...values]);
  const [, session] = events.at(-2) ?? [];
  t.match(session, /^[a-z2-7]{26}$/);
  t.same(events, [
    ['source', 'memfd', handle_type.memfd, 1, 'for tests'],
    ['limit', limit.buffer_size, ...split64(2n ** 53n - 1n)],
    ['limit', limit.image_dimension, 0, 65_536],
    ['limit', limit.buffers, 0, 16_384],
    ['limit', limit.objects, 0, 65_536],
    ['limit', limit.fds, 0, 28],
    ['limit', limit.batch, 0, 64],
    ['session', session],
    ['done'],
  ]);
  bench.bind(1, dmabroker_manager_v1.name, 1, FREE + 1);
  t.same(
    bench.events().at(-2)?.values,
    [session],
    'all managers of a connection are told the same',
  );
});

t.test('the description of a device', async (t) => {
  const uuid = '000102030405060708090a0b0c0d0e0f';
  const limits = { maxAllocationSize: 2 ** 33, maxImageDimension2d: 16_384 };
  const device = { name: 'GPU', deviceUuid: uuid, driverUuid: uuid, limits } as DeviceDescription;
  const otherUuid = 'ff'.repeat(16);
  const drm = { primary: null, render: { major: 226, minor: 129 } };
  const others = [{ name: 'second', deviceUuid: otherUuid, driverUuid: uuid, drm }];
  const describe = (mainDevice: Buffer | null) => {
    const { broker } = new Bench();
    const global: Global = {
      name: 2,
      definition: dmabroker_manager_v1,
      version: 1,
      bind: (connection, id) =>
        bindManager({ broker, device, mainDevice, others }, connection, id, 1),
    };
    const bench = new Bench([global]).ready();
    bench.bind(2, dmabroker_manager_v1.name, 1, FREE);
    return bench.events().map(({ name, values }) => [name.split('.')[1], ...values]);
  };
  const node = Buffer.from('80e2000000000000', 'hex');
  const events = describe(node);
  t.same(events[0], ['device', 'GPU', uuid, uuid, 0, 0xe280]);
  t.same(events[1], ['device', 'second', otherUuid, uuid, 0, 0xe281], 'the main one comes first');
  t.same(events[3], ['limit', limit.buffer_size, 2, 0]);
  t.same(events[4], ['limit', limit.image_dimension, 0, 16_384]);
  t.same(describe(null)[0], ['device', 'GPU', uuid, uuid, 0, 0], 'without a node');
});

t.test('the defaults', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', ...split64(2n ** 32n + 5n));
  set(bench, 'create', BUFFER);
  t.match(bench.events(), [
    {
      name: 'dmabroker_buffer_v1.failed',
      values: [4, /exports dma_buf/, /"requested":\["dma_buf"\]/],
    },
  ]);
  t.same(bench.world.pending, [], 'a memfd is not what was asked for');
});

t.test('everything set', async (t) => {
  const bench = withParams();
  set(bench, 'set_image', 640, 480, image.format);
  set(bench, 'add_modifier', 1, 2);
  set(bench, 'add_modifier', 0, 0);
  set(bench, 'set_usage', usage.cpu_read | usage.render);
  set(bench, 'set_handle_types', handle_type.memfd | handle_type.dma_buf);
  set(bench, 'set_lifetime', lifetime.until_released);
  set(bench, 'set_name', 'preview');
  set(bench, 'create', BUFFER);
  t.match(bench.world.pending, [
    { choice: { handleType: 'memfd', spec: { ...image, usage: 18, modifiers: [MOD_LINEAR] } } },
  ]);
  bench.world.answer();
  const [buffer] = bench.broker.buffers;
  t.match(buffer, { name: 'preview', lifetime: 'until_released' });
});

t.test('large sizes are whole numbers', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', ...split64(2n ** 40n + 5n));
  set(bench, 'set_handle_types', handle_type.memfd);
  set(bench, 'create', BUFFER);
  t.match(bench.world.pending, [
    { choice: { spec: { kind: 'buffer', size: 2 ** 40 + 5, usage: 4 } } },
  ]);
});

t.test('refusals are events, and the connection goes on', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', 0xffffffff, 0xffffffff);
  set(bench, 'set_handle_types', handle_type.memfd);
  set(bench, 'create', BUFFER);
  const [failed] = bench.events();
  const [code, , detail] = failed?.values ?? [];
  t.equal(code, dmabroker_manager_v1.enums.refusal.too_large);
  t.match(JSON.parse(String(detail)), { constraint: 'size', requested: undefined });
  t.equal(bench.connection.closing, false);
});

t.test('a device is named by its UUID, as REST writes it', async (t) => {
  const named = (uuid: string) => {
    const bench = withParams();
    set(bench, 'set_buffer', 0, 4096);
    bench.request(dmabroker_params_v1, PARAMS, 'set_device', uuid);
    set(bench, 'create', BUFFER);
    return bench;
  };
  const bench = named(second.uuid);
  bench.world.answerOpen(secondOpen);
  t.match(bench.world.pending, [{ choice: { source: 'vulkan', device: second.uuid } }]);
  bench.world.answer();
  const told = bench.events().find(({ name }) => name === 'dmabroker_buffer_v1.device');
  t.same(told?.values, [second.uuid]);

  const unknown = named('0'.repeat(32));
  const [failed] = unknown.events();
  t.equal(failed?.values[0], dmabroker_manager_v1.enums.refusal.unsupported_device);
  t.match(JSON.parse(String(failed?.values[2])), {
    constraint: 'device',
    possible: [second.uuid],
  });
  t.equal(unknown.connection.closing, false);

  const digits = 'ab'.repeat(16);
  for (const text of ['', digits.slice(1), `${digits}0`, digits.toUpperCase(), `${digits}\n`]) {
    const wrong = withParams();
    wrong.request(dmabroker_params_v1, PARAMS, 'set_device', text);
    t.equal(errorOf(wrong.events()).code, error.invalid_device, JSON.stringify(text));
  }
});

t.test('memory is imported into the device that is named', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', 0, 4096);
  bench.request(dmabroker_params_v1, PARAMS, 'set_device', second.uuid);
  const fd = bench.world.openFd();
  const plane = bench.peer.request(dmabroker_params_v1, PARAMS, 'add_plane', fd, 0, 0, 0);
  bench.feed(plane, [fd]);
  set(bench, 'import', BUFFER);
  bench.world.answerOpen(secondOpen);
  t.match(bench.world.imports, [{ device: second.uuid }]);
  bench.world.answerImport();
  t.ok(bench.names().includes('dmabroker_buffer_v1.device'));
});

t.test('what no source is called does not come back', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', 0, 1);
  set(bench, 'set_source', 'ü'.repeat(2000));
  set(bench, 'create', BUFFER);
  const [failed] = bench.events();
  const [code, message, detail] = failed?.values ?? [];
  t.equal(code, dmabroker_manager_v1.enums.refusal.invalid_argument);
  t.ok(Buffer.byteLength(String(message)) <= 512);
  t.match(JSON.parse(String(detail)), { constraint: 'sources', requested: 4000 });
  t.equal(bench.connection.closing, false);
});

const wrong: [string, number, RegExp, (bench: Bench) => void][] = [
  ['create without memory', error.incomplete, /set_buffer/, (b) => set(b, 'create', BUFFER)],
  [
    'two kinds of memory',
    error.already_set,
    /set already/,
    (b) => {
      set(b, 'set_buffer', 0, 1);
      set(b, 'set_image', 1, 1, 1);
    },
  ],
  [
    'the same kind twice',
    error.already_set,
    /set already/,
    (b) => {
      set(b, 'set_buffer', 0, 1);
      set(b, 'set_buffer', 0, 1);
    },
  ],
  ['no usage', error.invalid_bits, /usage 0/, (b) => set(b, 'set_usage', 0)],
  ['unknown usage', error.invalid_bits, /usage 513/, (b) => set(b, 'set_usage', 513)],
  ['unknown placement', error.invalid_placement, /4/, (b) => set(b, 'set_placement', 4)],
  ['the sign bit', error.invalid_bits, /usage 2147483649/, (b) => set(b, 'set_usage', 0x80000001)],
  ['no handle type', error.invalid_bits, /types 0/, (b) => set(b, 'set_handle_types', 0)],
  ['unknown handle type', error.invalid_bits, /types 8/, (b) => set(b, 'set_handle_types', 8)],
  ['unknown lifetime', error.invalid_lifetime, /lifetime 2/, (b) => set(b, 'set_lifetime', 2)],
  [
    'too many modifiers',
    error.too_many_modifiers,
    /256/,
    (b) => {
      for (let i = 0; i < 257; i++) set(b, 'add_modifier', 0, i);
    },
  ],
];

t.test('violations', async (t) => {
  for (const [what, code, text, run] of wrong) {
    const bench = withParams();
    run(bench);
    t.match(errorOf(bench.events()), { object: PARAMS, code, text }, what);
  }
  const later: [Requests, ...(number | string)[]][] = [
    ['set_buffer', 0, 1],
    ['set_image', 1, 1, 1],
    ['add_modifier', 0, 0],
    ['set_usage', 1],
    ['set_handle_types', 1],
    ['set_lifetime', 0],
    ['set_name', 'x'],
    ['create', BUFFER + 1],
  ];
  for (const [name, ...values] of later) {
    const bench = withParams();
    set(bench, 'set_buffer', 0, 1);
    set(bench, 'create', BUFFER);
    bench.events();
    set(bench, name, ...values);
    t.match(errorOf(bench.events()), { object: PARAMS, code: error.already_used }, `late ${name}`);
  }
});

t.test('destroying the manager and the parameters leaves what they made', async (t) => {
  const bench = withParams();
  set(bench, 'set_buffer', 0, 1);
  set(bench, 'set_handle_types', handle_type.memfd);
  set(bench, 'create', BUFFER);
  set(bench, 'destroy');
  bench.request(dmabroker_manager_v1, MANAGER, 'destroy');
  bench.world.answer();
  t.match(bench.names().at(-1), 'dmabroker_buffer_v1.done');
  t.equal([...bench.broker.buffers].length, 1);
});
