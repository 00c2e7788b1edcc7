/**
 * zwp_linux_dmabuf_v1: the formats as its text demands, with a device and without one; what is
 * brought to it is closed, and nothing is made.
 */
import t from 'tap';
import { HeldFds } from '../../../src/broker/held-fds.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import {
  zwp_linux_buffer_params_v1,
  zwp_linux_dmabuf_v1,
} from '../../../src/protocol/linux-dmabuf-v1.gen.js';
import { MAX_MESSAGE_SIZE } from '../../../src/protocol/wire.js';
import {
  type AdvertisedFormat,
  type DeviceFormats,
  dmabufGlobal,
  type Feedback,
  formatTable,
  TABLE_ENTRY,
  tranches,
} from '../../../src/server/wayland/dmabuf.js';
import { Bench, errorOf, FREE } from './support/bench.js';
import { nextPacket } from './support/packets.js';

const [XR24, AR24] = [fourcc('XR24'), fourcc('AR24')];
const TILED = 0x0100_0000_0000_0002n;
const formats: AdvertisedFormat[] = [
  { format: XR24, modifier: MOD_LINEAR },
  { format: XR24, modifier: TILED },
  { format: AR24, modifier: MOD_LINEAR },
];
const TABLE_FD = 900;
const DMABUF = FREE;
const OBJECT = FREE + 1;

function bound(version: number, withDevice: boolean, others: readonly DeviceFormats[] = []) {
  const closed: number[] = [];
  const table = new HeldFds([TABLE_FD], (fd) => closed.push(fd));
  const mainDevice = Buffer.from('80e2000000000000', 'hex');
  const told = tranches([{ device: mainDevice, formats }, ...others]);
  const size = told.table.length * TABLE_ENTRY;
  const feedback: Feedback | null = withDevice ? { ...told, table, size } : null;
  const global = dmabufGlobal(2, formats, feedback);
  const bench = new Bench([global]).ready();
  bench.bind(2, zwp_linux_dmabuf_v1.name, version, DMABUF);
  return { bench, global, table, closed, mainDevice };
}

const formatEvents = [XR24, AR24].map((format) => ({
  object: DMABUF,
  name: 'zwp_linux_dmabuf_v1.format',
  values: [format],
}));
const modifierEvents = [
  [XR24, 0, 0],
  [XR24, 0x01000000, 2],
  [AR24, 0, 0],
].map((values) => ({ object: DMABUF, name: 'zwp_linux_dmabuf_v1.modifier', values }));

t.test('without a device: version 3', async (t) => {
  const { bench, global } = bound(3, false);
  t.equal(global.version, 3);
  t.same(bench.events(), [...formatEvents, ...modifierEvents]);
  for (const version of [1, 2]) t.same(bound(version, false).bench.events(), formatEvents);
});

t.test('with a device: version 6', async (t) => {
  const { bench, global } = bound(4, true);
  t.equal(global.version, 6);
  t.same(bench.events(), [], 'version 4 has no format events');
  t.same(bound(3, true).bench.events(), [...formatEvents, ...modifierEvents]);
});

for (const [request, version] of [
  ['get_default_feedback', 4],
  ['get_surface_feedback', 5],
  ['get_default_feedback', 6],
] as const) {
  t.test(`${request} of version ${version}`, async (t) => {
    const { bench, table, closed, mainDevice } = bound(version, true);
    if (request === 'get_default_feedback') {
      bench.request(zwp_linux_dmabuf_v1, DMABUF, request, OBJECT);
    } else bench.request(zwp_linux_dmabuf_v1, DMABUF, request, OBJECT, 77);
    t.same(nextPacket(bench.connection)?.held?.fds, [TABLE_FD]);
    table.release();
    t.same(closed, [], 'the table’s fd stays open until it is sent');
    const events = bench.events();
    t.same(closed, [TABLE_FD]);
    t.same(
      events.map(({ object, name, values }) => [object, name.split('.')[1], values]),
      [
        [OBJECT, 'format_table', [TABLE_FD, 48]],
        ...(version < 6 ? [[OBJECT, 'main_device', [mainDevice]]] : []),
        [OBJECT, 'tranche_target_device', [mainDevice]],
        [OBJECT, 'tranche_flags', [version < 6 ? 0 : 2]],
        [OBJECT, 'tranche_formats', [Buffer.from('000001000200', 'hex')]],
        [OBJECT, 'tranche_done', []],
        [OBJECT, 'done', []],
      ],
    );
  });
}

t.test('several devices: a tranche of each, from version 6 on', async (t) => {
  const node = (minor: number) => Buffer.from([minor, 0xe2, 0, 0, 0, 0, 0, 0]);
  const others = [
    { device: node(0x81), formats: [formats[2], formats[0], { format: AR24, modifier: TILED }] },
    { device: null, formats },
    { device: node(0x82), formats: [] },
    { device: node(0x80), formats },
    { device: node(0x81), formats },
  ].map(({ device, formats }) => ({ device, formats: formats.flatMap((each) => each ?? []) }));
  const told = (version: number) => {
    const { bench, mainDevice } = bound(version, true, others);
    bench.request(zwp_linux_dmabuf_v1, DMABUF, 'get_default_feedback', OBJECT);
    t.same(mainDevice, node(0x80));
    return bench.events().map(({ name, values }) => [name.split('.')[1], values]);
  };
  const tranche = (device: Buffer, flags: number, indices: string) => [
    ['tranche_target_device', [device]],
    ['tranche_flags', [flags]],
    ['tranche_formats', [Buffer.from(indices, 'hex')]],
    ['tranche_done', []],
  ];
  const table = ['format_table', [TABLE_FD, 4 * TABLE_ENTRY]];
  t.same(told(6), [
    table,
    ...tranche(node(0x80), 2, '000001000200'),
    // What both have is in the table once; one without a node, without formats, with a node of another's: no tranche.
    ...tranche(node(0x81), 2, '020000000300'),
    ['done', []],
  ]);
  for (const version of [4, 5]) {
    const main = ['main_device', [node(0x80)]];
    const expected = [table, main, ...tranche(node(0x80), 0, '000001000200'), ['done', []]];
    t.same(told(version), expected, `version ${version}: the main device alone`);
  }
  t.same(bound(3, true, others).bench.events(), [...formatEvents, ...modifierEvents]);
});

t.test('a device with more formats than a message has room for', async (t) => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ format: AR24, modifier: BigInt(i + 9) }));
  const device = Buffer.from([0x81, 0xe2, 0, 0, 0, 0, 0, 0]);
  const { bench } = bound(6, true, [{ device, formats: many }]);
  bench.request(zwp_linux_dmabuf_v1, DMABUF, 'get_default_feedback', OBJECT);
  const [, ...pieces] = bench
    .events()
    .filter(({ name }) => name.endsWith('.tranche_formats'))
    .map(({ values: [piece] }) => piece as Buffer);
  t.ok(pieces.every(({ length }) => length + 12 <= MAX_MESSAGE_SIZE));
  const indices = Uint16Array.from(many, (_, i) => i + formats.length);
  t.ok(Buffer.concat(pieces).equals(Buffer.from(indices.buffer)), 'all of them, in their order');
});

t.test('planes of different modifiers, from version 5 on', async (t) => {
  for (const version of [4, 5]) {
    const { bench } = bound(version, true);
    bench.request(zwp_linux_dmabuf_v1, DMABUF, 'create_params', OBJECT);
    const add = (plane: number) =>
      bench.peer.request(zwp_linux_buffer_params_v1, OBJECT, 'add', 0, plane, 0, 256, 0, plane);
    bench.feed(Buffer.concat([add(0), add(1)]), [700, 701]);
    t.same(bench.closed, [700, 701]);
    const { invalid_format } = zwp_linux_buffer_params_v1.enums.error;
    const wanted = { object: OBJECT, code: invalid_format };
    if (version < 5) t.same(bench.events(), []);
    else t.match(errorOf(bench.events()), wanted);
  }
});

t.test('a device to sample on, from version 6 on', async (t) => {
  for (const [version, bytes] of [
    [6, 8],
    [6, 4],
    [5, 8],
  ] as const) {
    const { bench } = bound(version, true);
    bench.request(zwp_linux_dmabuf_v1, DMABUF, 'create_params', OBJECT);
    const device = Buffer.alloc(bytes);
    bench.request(zwp_linux_buffer_params_v1, OBJECT, 'set_sampling_device', device);
    const { invalid_dev_t_size } = zwp_linux_buffer_params_v1.enums.error;
    const events = bench.events();
    if (version < 6) t.match(errorOf(events), { text: /invalid method 4/ });
    else if (bytes === 8) t.same(events, []);
    else t.match(errorOf(events), { object: OBJECT, code: invalid_dev_t_size });
  }
});

t.test('the table', async (t) => {
  t.equal(
    formatTable(formats).toString('hex'),
    ['58523234', '00000000', '0000000000000000'].join('') +
      ['58523234', '00000000', '0200000000000001'].join('') +
      ['41523234', '00000000', '0000000000000000'].join(''),
  );
});

/** Parameters with two planes added, as object OBJECT. */
function withPlanes() {
  const { bench } = bound(3, false);
  bench.request(zwp_linux_dmabuf_v1, DMABUF, 'create_params', OBJECT);
  const add = (plane: number) =>
    bench.peer.request(zwp_linux_buffer_params_v1, OBJECT, 'add', 0, plane, 0, 256, 0, 0);
  bench.feed(Buffer.concat([add(0), add(1)]), [700, 701]);
  bench.events();
  return bench;
}
const image = [640, 480, XR24, 0] as const;

t.test('create fails, and what was brought is closed', async (t) => {
  const bench = withPlanes();
  t.same(bench.closed, [700, 701]);
  bench.request(zwp_linux_buffer_params_v1, OBJECT, 'create', ...image);
  t.same(bench.names(), ['zwp_linux_buffer_params_v1.failed']);
  bench.request(zwp_linux_buffer_params_v1, OBJECT, 'destroy');
  t.same(bench.names(), ['wl_display.delete_id']);
  t.equal(bench.connection.closing, false);
});

t.test('parameters are used once', async (t) => {
  const bench = withPlanes();
  bench.request(zwp_linux_buffer_params_v1, OBJECT, 'create', ...image);
  bench.events();
  bench.request(zwp_linux_buffer_params_v1, OBJECT, 'create', ...image);
  const { already_used } = zwp_linux_buffer_params_v1.enums.error;
  t.match(errorOf(bench.events()), { object: OBJECT, code: already_used });
});

t.test('create_immed is an error', async (t) => {
  const bench = withPlanes();
  bench.request(zwp_linux_buffer_params_v1, OBJECT, 'create_immed', OBJECT + 1, ...image);
  const { invalid_wl_buffer } = zwp_linux_buffer_params_v1.enums.error;
  t.match(errorOf(bench.events()), { object: OBJECT, code: invalid_wl_buffer, text: /wl_buffer/ });
});
