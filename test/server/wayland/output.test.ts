/**
 * A connection's output: what waits is bounded, packets have a size that the step can send, and a
 * buffer's fds stay open and together until they are on their way.
 */
import t from 'tap';
import { MAX_ANSWER_BYTES, MAX_FDS, MAX_QUEUED } from '../../../src/memory/limits.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { MAX_MESSAGE_SIZE } from '../../../src/protocol/wire.js';
import { MAX_QUEUED_BYTES } from '../../../src/server/wayland/connection.js';
import { MAX_PACKET_BYTES } from '../../../src/server/wayland/output.js';
import { Bench, FREE, MANAGER } from './support/bench.js';
import { nextPacket } from './support/packets.js';

const BUFFER = FREE;
const ANY_UID = 0xffffffff;

/** Sends every packet without reading it; returns their sizes. */
function drain({ connection }: Bench): number[] {
  const sizes: number[] = [];
  for (let packet = nextPacket(connection); packet; packet = nextPacket(connection)) {
    sizes.push(packet.bytes.length);
    connection.sent(packet.bytes.length);
  }
  return sizes;
}
const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);

/** An event that nobody has asked for: a buffer's device is lost, and so many buffers' are. */
function happens({ connection }: Bench, times: number): void {
  for (let i = 0; i < times && !connection.closing; i++)
    connection.write(wl_display.event.delete_id, 1, FREE);
}

t.test('a client that reads nothing is not heard at 64 KiB, and dropped at 1 MiB', async (t) => {
  const bench = new Bench().ready();
  const sync = bench.peer.request(wl_display, 1, 'sync', FREE);
  const { connection } = bench;
  const MANY = 100_000;
  let taken = 0;
  while (!connection.paused && taken < MANY) {
    bench.feed(sync);
    taken++;
  }
  const answers = MAX_ANSWER_BYTES / (12 + 12);
  t.ok(taken >= answers && taken < answers + 3, `${taken} requests were taken`);
  const waiting = connection.queuedBytes;
  happens(bench, MAX_QUEUED_BYTES / 12);
  t.equal(connection.closing, false, 'it could not read what was written in this turn');
  t.ok(connection.queuedBytes >= MAX_QUEUED_BYTES + waiting - 12);
  connection.stalled = true;
  happens(bench, 1000);
  t.match(connection.failure, /does not read/);
  const touched = bench.touched;
  bench.feed(sync);
  t.equal(bench.touched, touched, 'nothing more is taken');
  const sizes = drain(bench);
  // What is charged is looked at every 4 KiB.
  const most = MAX_QUEUED_BYTES + waiting + 4096 + 12;
  t.ok(sum(sizes) <= most, `${sum(sizes)} bytes waited`);
  t.ok(Math.max(...sizes) <= MAX_PACKET_BYTES, `packets of at most ${Math.max(...sizes)} bytes`);
  t.ok(sizes.length < 200, `small messages travel together: ${sizes.length} packets`);
});

t.test('one that reads goes on for ever', async (t) => {
  const bench = new Bench().ready();
  const sync = bench.peer.request(wl_display, 1, 'sync', FREE);
  let sent = 0;
  while (sent < 1.5 * MAX_QUEUED_BYTES) {
    for (let i = 0; i < 1000; i++) bench.feed(sync);
    sent += sum(drain(bench));
  }
  t.equal(bench.connection.closing, false);
});

t.test('many events at once are several packets', async (t) => {
  const owner = new Bench().ready();
  const reader = new Bench([], owner).ready();
  const buffer = owner.allocate(BUFFER);
  // Each object for the buffer is told when it is released: together more than one step takes.
  const OBJECTS = 50_000;
  for (let i = 0; i < OBJECTS; i++) {
    const { token } = owner.broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null });
    reader.request(dmabroker_manager_v1, MANAGER, 'redeem', BUFFER + i, token);
    drain(reader);
  }
  owner.broker.release(buffer, 'administrator');
  const sizes = drain(reader);
  t.equal(sum(sizes), OBJECTS * 12, 'each is told');
  t.ok(Math.max(...sizes) <= MAX_PACKET_BYTES);
  t.equal(owner.world.open.size, 0);
});

/** What waits to be sent: the events of each packet, and how many fds go with it. */
function packets({ connection, peer }: Bench): { names: string[]; fds: number }[] {
  const found: { names: string[]; fds: number }[] = [];
  for (let packet = nextPacket(connection); packet; packet = nextPacket(connection)) {
    const { bytes, held } = packet;
    const names = peer.read(bytes, held?.fds).map(({ name }) => name);
    found.push({ names, fds: held?.fds.length ?? 0 });
    connection.sent(bytes.length);
  }
  return found;
}
const [memories, planes] = ['memory', 'plane'].map((name) => Array(3).fill(name));
const BUFFER_EVENTS = ['info', ...(memories ?? []), ...(planes ?? []), 'done'].map(
  (name) => `dmabroker_buffer_v1.${name}`,
);
const SYNCED = ['wl_callback.done', 'wl_display.delete_id'];

t.test('a buffer’s events and fds are one packet', async (t) => {
  const sync = (bench: Bench) => bench.request(wl_display, 1, 'sync', 100);
  await t.test('with what waits before them', async (t) => {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    sync(bench);
    bench.world.answer(0, 3);
    sync(bench);
    const before = ['wl_display.delete_id', ...SYNCED];
    t.same(packets(bench), [{ names: [...before, ...BUFFER_EVENTS, ...SYNCED], fds: 3 }]);
  });
  await t.test('with others’, whose fds go with the first byte of all', async (t) => {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    bench.ask(BUFFER + 2);
    bench.world.answer(0, 3);
    bench.world.answer(0, 3);
    const [both, ...more] = packets(bench);
    t.equal(both?.fds, 6);
    t.same(both?.names.slice(-2 * BUFFER_EVENTS.length), [...BUFFER_EVENTS, ...BUFFER_EVENTS]);
    t.same(more, []);
  });
  await t.test('as many as a message may have fds and libwayland reads at once', async (t) => {
    const bench = new Bench().ready();
    const COUNT = 40;
    for (let i = 0; i < COUNT; i++) bench.ask(BUFFER + 2 * i);
    drain(bench);
    for (let i = 0; i < COUNT; i++) bench.world.answer(0, 1);
    const sent = packets(bench);
    t.same(sent.map(({ fds }) => fds).slice(0, 1), [MAX_FDS]);
    t.equal(sum(sent.map(({ fds }) => fds)), COUNT);
    t.equal(sent.length, 2);
    for (let i = 0; i < COUNT; i++) bench.ask(BUFFER + 2 * COUNT + 2 * i);
    drain(bench);
    for (let i = 0; i < COUNT; i++) bench.world.answer(0, 4);
    const sizes = bench.connection.output.packets.map(({ length }) => length);
    t.ok(Math.max(...sizes) <= MAX_MESSAGE_SIZE, `${Math.max(...sizes)} bytes`);
    t.same(
      packets(bench).map(({ fds }) => fds),
      [...Array(5).fill(MAX_FDS), 4 * COUNT - 5 * MAX_FDS],
    );
  });
  await t.test('alone, where the step has that already', async (t) => {
    const bench = new Bench().ready();
    sync(bench);
    bench.connection.output.sending = 1;
    bench.ask(BUFFER);
    bench.world.answer(0, 3);
    const sent = packets(bench);
    t.same(sent[0], { names: SYNCED, fds: 0 });
    t.match(sent.at(-1), { fds: 3 });
  });
  await t.test('alone, where libwayland could not read it all at once', async (t) => {
    const bench = new Bench().ready();
    bench.ask(BUFFER);
    for (let i = 0; i < MAX_MESSAGE_SIZE / 24; i++) sync(bench);
    bench.world.answer(0, 3);
    t.same(packets(bench).at(-1), { names: BUFFER_EVENTS, fds: 3 });
  });
});

t.test('fds stay open until they are sent', async (t) => {
  const bench = new Bench().ready();
  const { connection, world } = bench;
  bench.ask(BUFFER);
  world.answer(0, 2);
  drain(bench);
  const token = bench.broker.sharing.share([...bench.broker.buffers][0] as never, {
    uses: 1,
    uid: null,
    seconds: null,
  }).token;
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', 100, token);
  bench.request(dmabroker_buffer_v1, BUFFER, 'release');
  t.equal(world.open.size, 2, 'released, but on their way');
  const packet = nextPacket(connection);
  t.equal(packet?.held?.fds.length, 2);
  const { bytes } = packet ?? { bytes: Buffer.alloc(0) };
  connection.sent(10);
  world.pass(1000);
  bench.broker.poll();
  t.equal(world.open.size, 0, 'they go with the first byte, and when nobody else has the memory');
  t.same(nextPacket(connection), { bytes: bytes.subarray(10), held: null }, 'the rest follows');
});

t.test('what may be on its way is left as it is', async (t) => {
  const bench = new Bench().ready();
  const sync = () => bench.request(wl_display, 1, 'sync', FREE);
  sync();
  bench.connection.output.sending = 1;
  const first = nextPacket(bench.connection);
  for (let i = 0; i < 5; i++) sync();
  t.same(nextPacket(bench.connection), first);
  t.equal(first?.bytes.length, 24);
});

t.test('the end of a connection', async (t) => {
  const bench = new Bench().ready();
  const { world, broker } = bench;
  bench.allocate(BUFFER);
  bench.request(dmabroker_buffer_v1, BUFFER, 'share', 100, 1, ANY_UID, 0, 0);
  const [event] = bench.events();
  const token = String(event?.values[0]);
  bench.request(dmabroker_manager_v1, MANAGER, 'redeem', 101, token);
  bench.ask(102);
  bench.ask(104, 'until_released');
  bench.close();
  t.equal(world.open.size, 0, 'what waited to be sent is closed');
  t.equal(nextPacket(bench.connection), undefined);
  world.answer();
  world.answer();
  t.equal(world.open.size, 0, 'what comes later is released');
  t.same([...broker.buffers], []);
  t.same([...broker.clients], []);
});

t.test('what waits for all of a user’s connections has a bound, too', async (t) => {
  const bench = new Bench().ready();
  const other = new Bench([], bench).ready();
  const { uid } = bench.connection.client.peer;
  t.equal(bench.queued.taken(uid), 0, 'what was sent is not counted');
  // As if many connections had not read.
  bench.queued.overdraw(uid, MAX_QUEUED / 2);
  const sync = (each: Bench) => each.request(wl_display, 1, 'sync', FREE);
  sync(other);
  t.equal(other.connection.closing, false, 'who reads goes on');
  t.same(other.names(), ['wl_callback.done', 'wl_display.delete_id']);
  bench.connection.stalled = true;
  for (let i = 0; i < MAX_PACKET_BYTES / 24 + 1; i++) sync(bench);
  t.match(bench.connection.failure, /does not read/);
  bench.close();
  other.close();
  t.equal(bench.queued.taken(uid), MAX_QUEUED / 2, 'all is given back');
});

t.test('nothing follows an error', async (t) => {
  const bench = new Bench().ready();
  bench.ask(BUFFER);
  bench.events();
  bench.feed(Buffer.alloc(8));
  bench.world.answer();
  t.same(bench.names(), ['wl_display.error']);
  bench.close();
  t.equal(bench.world.open.size, 0);
});
