/**
 * File descriptors that a client sends: taken in order by the requests that have them; any other ends
 * the connection, and each is closed exactly once.
 */
import t from 'tap';
import { MAX_FDS } from '../../../src/memory/limits.js';
import {
  zwp_linux_buffer_params_v1,
  zwp_linux_dmabuf_v1,
} from '../../../src/protocol/linux-dmabuf-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { dmabufGlobal } from '../../../src/server/wayland/dmabuf.js';
import { Bench, errorOf, FDS, FREE } from './support/bench.js';

const { invalid_method } = wl_display.enums.error;
const DMABUF = FREE;
const PARAMS = FREE + 1;

/** A bench with linux-dmabuf, whose `add` is the one request that takes an fd. */
function withDmabuf(): Bench {
  const bench = new Bench([dmabufGlobal(2, [], null)]).ready();
  bench.bind(2, zwp_linux_dmabuf_v1.name, 3, DMABUF);
  bench.request(zwp_linux_dmabuf_v1, DMABUF, 'create_params', PARAMS);
  return bench;
}

const sync = (bench: Bench, id: number) => bench.peer.request(wl_display, 1, 'sync', id);
const add = (bench: Bench) =>
  bench.peer.request(zwp_linux_buffer_params_v1, PARAMS, 'add', 0, 0, 0, 0, 0, 0);

t.test('fds are taken by the requests that have them, in order', async (t) => {
  const bench = withDmabuf();
  bench.feed(Buffer.concat([add(bench), add(bench)]), [500, 501]);
  t.same(bench.closed, [500, 501], 'linux-dmabuf’s add closes them');
  const later = add(bench);
  bench.feed(later.subarray(0, 5), [502]);
  bench.feed(later.subarray(5));
  t.same(bench.closed, [500, 501, 502]);
  const pair = Buffer.concat([add(bench), add(bench)]);
  bench.feed(pair.subarray(0, pair.length / 2), [503, 504]);
  bench.feed(pair.subarray(pair.length / 2));
  t.same(bench.closed.slice(3), [503, 504], 'one flush ahead of its request');
  t.equal(bench.connection.closing, false);
});

t.test('fds that no request takes end the connection and are closed', async (t) => {
  const many = Array.from({ length: MAX_FDS + 1 }, (_, i) => 500 + i);
  const cases: [string, RegExp, number[], (bench: Bench) => void][] = [
    [
      'with a request that takes none',
      /no request takes/,
      [500, 501],
      (bench) => {
        bench.feed(sync(bench, 20), [500, 501]);
        bench.feed(sync(bench, 21));
      },
    ],
    ['more than 28', /more than 28/, many, (bench) => bench.feed(sync(bench, 20), many)],
    [
      'more than 28 in two messages that are not complete',
      /more than 28/,
      many,
      (bench) => {
        const bytes = sync(bench, 20);
        bench.feed(bytes.subarray(0, 4), many.slice(0, 20));
        bench.feed(bytes.subarray(4, 8), many.slice(20));
      },
    ],
    [
      'after the error',
      /message of 0 bytes/,
      [500],
      (bench) => {
        bench.feed(Buffer.alloc(8));
        bench.feed(sync(bench, 20), [500]);
      },
    ],
    [
      'with a message whose other arguments are wrong',
      /add: bytes are left over/,
      [500],
      (bench) => {
        const bytes = Buffer.concat([add(bench), Buffer.alloc(4)]);
        bytes.writeUInt16LE(bytes.length, 6);
        bench.feed(bytes, [500]);
      },
    ],
    ['none where one belongs', /file descriptor is missing/, [], (bench) => bench.feed(add(bench))],
  ];
  for (const [what, text, fds, feed] of cases) {
    const bench = withDmabuf();
    feed(bench);
    t.match(errorOf(bench.events()), { code: invalid_method, text }, what);
    bench.close();
    t.same(bench.closed, fds, `${what}: closed once`);
  }
});

t.test('fds that the daemon had no descriptor for are not held against the client', async (t) => {
  const bench = withDmabuf();
  bench.feed(sync(bench, 20), [500], true);
  const { no_memory } = wl_display.enums.error;
  t.match(errorOf(bench.events()), { code: no_memory, text: /the daemon is out of/ });
  bench.close();
  t.same(bench.closed, [500]);
});

t.test('a socket ends the connection when it arrives', async (t) => {
  const bench = withDmabuf();
  bench.kinds.set(501, 'socket');
  bench.feed(add(bench).subarray(0, 8), [500, 501]);
  t.match(errorOf(bench.events()), {
    code: invalid_method,
    text: /a socket: no request takes one/,
  });
  bench.close();
  t.same(bench.closed, [500, 501]);
});

t.test('an fd counts as its user’s from its arrival until it is closed', async (t) => {
  const bench = withDmabuf();
  const mine = () => bench.allowance.has(FDS / 2 - 1);
  t.ok(mine());
  bench.feed(add(bench).subarray(0, 8), [500, 501]);
  t.notOk(mine(), 'before any request has named it');
  bench.kinds.set(502, 'memfd');
  bench.feed(Buffer.alloc(4), [502]);
  bench.close();
  t.ok(mine());
});
