/** Users' parts of the data plane's turn: what one asks, over whatever connections, keeps nobody else waiting for long. */
import t from 'tap';
import type { Monotonic } from '../../../src/memory/clock.js';
import { MAX_ANSWER_BYTES, REQUESTS_TURN_MS } from '../../../src/memory/limits.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { FairRequests, NOT_NOW, type Part } from '../../../src/server/wayland/fair-requests.js';
import { Bench, FREE } from './support/bench.js';

/** Connections of users, by their fds, each with so many requests that take so long. */
class Turns {
  now = 1000;
  readonly fair = new FairRequests({ now: () => this.now as Monotonic });
  readonly #left = new Map<number, { user: ReturnType<FairRequests['connected']>; ms: number[] }>();
  /** What was heard in the last turn. */
  heard: number[] = [];

  connect(fd: number, uid: number): void {
    this.#left.set(fd, { user: this.fair.connected(uid), ms: [] });
  }

  leave(fd: number): void {
    const left = this.#left.get(fd);
    if (left !== undefined) this.fair.left(left.user, fd);
    this.#left.delete(fd);
  }

  readonly #hear = (fd: number, part: Part): 'heard' | 'more' => {
    const { ms = [] } = this.#left.get(fd) ?? {};
    while (ms.length > 0 && part.goesOn()) {
      this.now += ms.shift() ?? 0;
      this.heard.push(fd);
    }
    return ms.length === 0 ? 'heard' : 'more';
  };

  /** A turn in which this has come. Returns whether something waits. */
  turn(came: Record<number, number[]> = {}): boolean {
    this.heard = [];
    this.fair.begin(this.now as Monotonic);
    for (const [fd, ms] of Object.entries(came)) {
      const left = this.#left.get(Number(fd));
      if (left === undefined) throw new Error(`no connection ${fd}`);
      left.ms.push(...ms);
      if (this.#hear(Number(fd), this.fair.of(left.user)) === 'more')
        this.fair.waits(left.user, Number(fd));
    }
    return this.fair.goOn(this.#hear);
  }
}

const many = (count: number, ms: number) => Array.from({ length: count }, () => ms);
const count = (heard: readonly number[], fd: number) => heard.filter((each) => each === fd).length;

t.test('who asks for much is heard for a part of each turn, the others in between', async (t) => {
  const turns = new Turns();
  for (let fd = 1; fd <= 60; fd++) turns.connect(fd, 1000);
  turns.connect(100, 2000);
  const flood = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [i + 1, many(40, REQUESTS_TURN_MS)]),
  );
  t.ok(turns.turn({ ...flood, 100: [0.01] }));
  t.equal(count(turns.heard, 100), 1);
  t.ok(turns.heard.length <= 9, `${turns.heard.length} of 2,401 in the first turn`);
  const seen = new Set(turns.heard);
  for (let i = 0; i < 100; i++) {
    const began = turns.now;
    t.ok(turns.turn({ 100: [0.01] }));
    t.equal(count(turns.heard, 100), 1, 'it is heard in the turn that it asks in');
    t.ok(turns.now - began <= 2 * REQUESTS_TURN_MS, 'it is known to ask for what takes long');
    for (const fd of turns.heard) seen.add(fd);
  }
  t.equal(seen.size, 61, 'each connection has had its turn');
  let left = 0;
  while (turns.turn()) left += turns.heard.length;
  t.ok(left > 0, 'and all is heard in the end');
});

t.test('small requests of one user are heard as they come', async (t) => {
  const turns = new Turns();
  turns.connect(1, 1000);
  turns.connect(2, 1000);
  t.equal(turns.turn({ 1: many(50, 0.001), 2: many(50, 0.001) }), false);
  t.equal(turns.heard.length, 100);
});

t.test('what comes by another connection waits behind what waits', async (t) => {
  const turns = new Turns();
  turns.connect(1, 1000);
  turns.connect(2, 1000);
  turns.turn({ 1: many(20, REQUESTS_TURN_MS) });
  t.ok(turns.turn({ 2: [0] }));
  t.equal(turns.heard.includes(2), false);
  t.ok(turns.turn());
  t.equal(turns.heard[0], 2, 'the two take turns');
  t.equal(turns.heard.includes(1), true);
});

t.test('who leaves waits no longer', async (t) => {
  const turns = new Turns();
  turns.connect(1, 1000);
  turns.connect(2, 1000);
  t.ok(turns.turn({ 1: many(20, REQUESTS_TURN_MS) }));
  turns.leave(1);
  t.equal(turns.turn(), false);
  t.equal(turns.turn({ 2: [0] }), false);
  t.same(turns.heard, [2]);
});

/** Hears so many. */
const first = (left: number): Part => ({ goesOn: () => left-- > 0 });

t.test('a connection goes on where it was, in order and with the rest of a message', async (t) => {
  const bench = new Bench().ready();
  const { connection } = bench;
  const syncs = Array.from({ length: 5 }, (_, i) =>
    bench.peer.request(wl_display, 1, 'sync', FREE + i),
  );
  const bytes = Buffer.concat(syncs);
  bench.feed(bytes.subarray(0, bytes.length - 4), [], false, first(2));
  t.ok(connection.paused);
  t.ok(connection.withheld, 'what was asked at once is answered at once');
  t.equal(connection.queuedBytes, 48);
  connection.goOn(first(1));
  t.ok(connection.paused);
  connection.goOn(first(1));
  t.equal(connection.paused, false, 'of the last there is only a part');
  bench.feed(bytes.subarray(bytes.length - 4), [], false, NOT_NOW);
  t.ok(connection.paused);
  connection.goOn(first(9));
  t.equal(connection.paused, false);
  t.equal(connection.withheld, false);
  const callbacks = bench.events().filter(({ name }) => name === 'wl_callback.done');
  t.equal(callbacks.length, 5);
});

t.test('one with many answers waiting is heard when they have gone', async (t) => {
  const bench = new Bench().ready();
  const { connection } = bench;
  const sync = bench.peer.request(wl_display, 1, 'sync', FREE);
  while (!connection.paused) bench.feed(sync);
  t.ok(connection.queuedBytes > MAX_ANSWER_BYTES);
  t.equal(connection.withheld, false);
  connection.goOn(first(9));
  t.ok(connection.paused);
  bench.events();
  connection.goOn(first(9));
  t.equal(connection.paused, false);
});

t.test('what was asked for before its peer hung up is heard, and not answered', async (t) => {
  const bench = new Bench().ready();
  const { connection } = bench;
  const { used } = bench.objects.use;
  bench.feed(bench.peer.request(wl_display, 1, 'get_registry', FREE), [], false, NOT_NOW);
  connection.deaf = true;
  connection.goOn(first(1));
  t.equal(connection.paused, false);
  t.equal(bench.objects.use.used, used + 1);
  t.equal(connection.queuedBytes, 0);
  bench.close();
});
