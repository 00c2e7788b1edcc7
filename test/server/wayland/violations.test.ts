/** Violations of the protocol: each ends its connection with wl_display.error, and nothing else. */
import t from 'tap';
import { dmabroker_manager_v1 } from '../../../src/protocol/dmabroker-v1.gen.js';
import { zwp_linux_dmabuf_v1 } from '../../../src/protocol/linux-dmabuf-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { dmabufGlobal } from '../../../src/server/wayland/dmabuf.js';
import { Bench, errorOf, FREE, MANAGER, REGISTRY } from './support/bench.js';

const { invalid_object, invalid_method, implementation } = wl_display.enums.error;
const SERVER_ID = 0xff000000;

interface Violation {
  readonly what: string;
  readonly feed: (bench: Bench) => void;
  readonly object?: number;
  readonly code: number;
  readonly text: RegExp;
}

const bind =
  (name: number, type: string, version: number, id = FREE) =>
  (bench: Bench) =>
    bench.bind(name, type, version, id);
const params = (id: number) => (bench: Bench) => {
  bench.request(dmabroker_manager_v1, MANAGER, 'create_params', id);
};
const raw = (hex: string) => (bench: Bench) => bench.feed(Buffer.from(hex, 'hex'));
const manager = dmabroker_manager_v1.name;

const violations: Violation[] = [
  {
    what: 'unknown object',
    feed: raw('6300000000000800'),
    code: invalid_object,
    text: /object 99/,
  },
  { what: 'object 0', feed: raw('0000000000000800'), code: invalid_object, text: /object 0/ },
  {
    what: 'wrong opcode',
    feed: raw('030000000a000800'),
    code: invalid_method,
    text: /method 10 of dmabroker_manager_v1@3/,
  },
  {
    what: 'an opcode that no interface has',
    feed: raw('03000000ffff0800'),
    code: invalid_method,
    text: /method 65535/,
  },
  {
    what: 'a size of 0',
    feed: raw('0100000000000000'),
    code: invalid_method,
    text: /message of 0 bytes/,
  },
  {
    what: 'a size of 4097',
    feed: raw('0100000000000110'),
    code: invalid_method,
    text: /message of 4097 bytes/,
  },
  {
    what: 'arguments missing',
    feed: raw('0100000001000800'),
    code: invalid_method,
    text: /wl_display@1.get_registry: arguments are cut short/,
  },
  { what: 'new id 0', feed: params(0), code: invalid_method, text: /params_id is 0/ },
  {
    what: 'new id 0 in bind',
    feed: bind(1, manager, 1, 0),
    code: invalid_object,
    text: /new id 0/,
  },
  {
    what: 'a server’s id',
    feed: params(SERVER_ID),
    code: invalid_object,
    text: /new id 4278190080/,
  },
  {
    what: 'the last id',
    feed: params(0xffffffff),
    code: invalid_object,
    text: /new id 4294967295/,
  },
  { what: 'an id in use', feed: params(MANAGER), code: invalid_object, text: /new id 3/ },
  { what: 'the display’s id', feed: params(1), code: invalid_object, text: /new id 1/ },
  {
    what: 'no such global',
    feed: bind(9, manager, 1),
    object: REGISTRY,
    code: invalid_object,
    text: /no global 9/,
  },
  {
    what: 'another interface',
    feed: bind(1, 'wl_shm', 1),
    object: REGISTRY,
    code: invalid_object,
    text: /is a dmabroker_manager_v1, not a wl_shm/,
  },
  {
    what: 'version 0',
    feed: bind(1, manager, 0),
    object: REGISTRY,
    code: invalid_object,
    text: /versions 1 to 1, not 0/,
  },
  {
    what: 'too high a version',
    feed: bind(1, manager, 2),
    object: REGISTRY,
    code: invalid_object,
    text: /not 2/,
  },
];

t.test('violations end the connection with an error', async (t) => {
  for (const { what, feed, object = 1, code, text } of violations) {
    const bench = new Bench().ready();
    feed(bench);
    const error = errorOf(bench.events());
    t.match(error, { object, code, text }, what);
    t.equal(bench.connection.closing, true);
    t.equal(bench.connection.failure, error.text, 'the log says the same');
    bench.request(wl_display, 1, 'sync', 100);
    t.same(bench.events(), [], 'nothing after the error is taken');
  }
});

t.test('a request that is newer than the object', async (t) => {
  const bench = new Bench([dmabufGlobal(2, [], null)]).ready();
  bench.bind(2, zwp_linux_dmabuf_v1.name, 1, FREE);
  bench.request(zwp_linux_dmabuf_v1, FREE, 'get_default_feedback', FREE + 1);
  const text = /invalid method 2 of zwp_linux_dmabuf_v1@4/;
  t.match(errorOf(bench.events()), { object: 1, code: invalid_method, text });
});

t.test('what a client is told is cut', async (t) => {
  const bench = new Bench().ready();
  bench.bind(1, 'ä'.repeat(2000), 1, FREE);
  const { text } = errorOf(bench.events());
  t.ok(Buffer.byteLength(text) <= 1024);
});

t.test('the daemon’s own failure is told without its details', async (t) => {
  const bench = new Bench().ready();
  const broken = () => {
    throw new TypeError('a secret');
  };
  bench.connection.objects.create(FREE, wl_display, 1, { sync: broken, get_registry: broken });
  bench.request(wl_display, FREE, 'sync', FREE + 1);
  t.same(errorOf(bench.events()), {
    object: 1,
    code: implementation,
    text: 'the daemon failed on this request',
  });
  t.match(bench.connection.failure, /TypeError: a secret\n +at /, 'the log has the stack');
});
