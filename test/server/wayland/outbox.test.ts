/**
 * Sending through the step: what does not fit in a turn is sent in the next one, a peer that has
 * not read is waited for without being read, but never for ever, and a connection ends when it has
 * said everything.
 */
import t from 'tap';
import type { BrokerBuffer } from '../../../src/broker/buffer.js';
import { FDS_IN_FLIGHT } from '../../../src/memory/limits.js';
import { EPIPE, ETOOMANYREFS } from '../../../src/native/libc/errno.js';
import { FULL, type Queued, type Sender, type Step, UNDRAINED } from '../../../src/native/step.js';
import {
  dmabroker_buffer_v1,
  dmabroker_manager_v1,
  dmabroker_work_v1,
} from '../../../src/protocol/dmabroker-v1.gen.js';
import { wl_display } from '../../../src/protocol/wayland.gen.js';
import { Flights } from '../../../src/server/wayland/flight.js';
import { Outbox } from '../../../src/server/wayland/outbox.js';
import { Bench, FREE, MANAGER } from './support/bench.js';

interface Sent {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
  readonly drained: boolean;
  readonly sender: Sender;
}

/** A step that keeps what it is given until the test says what became of it. */
class FakeStep {
  readonly queue: Sent[] = [];
  /** Turns everything away: the batch is full. */
  full = false;
  /** What the peer has not read. */
  left = 0;
  watched = { readable: true, writable: false };
  /** fds that the client has sent and that are not received. */
  fdsWaiting = 0;

  waitingFds(): number {
    return this.fdsWaiting;
  }

  send({ from, skip, length, fds, drained }: Queued, sender: Sender): boolean {
    if (this.full) return false;
    const words = new Uint32Array(Math.ceil(length / 4));
    const bytes = Buffer.from(words.buffer, 0, length);
    from.copyTo({ bytes, words }, 0, skip, length);
    this.queue.push({ bytes, fds, drained, sender });
    return true;
  }

  unread(): number {
    return this.left;
  }

  watch(_fd: number, readable: boolean, writable: boolean): void {
    this.watched = { readable, writable };
  }

  /** Ends the turn of the oldest message. */
  finish(result?: number): Sent {
    const [sent] = this.queue.splice(0, 1);
    if (sent === undefined) throw new Error('nothing is being sent');
    sent.sender.sent(result ?? sent.bytes.length);
    return sent;
  }
}

function make() {
  const bench = new Bench().ready();
  const step = new FakeStep();
  let touched = 0;
  const socket = {
    fd: 5,
    connection: bench.connection,
    heldBack: () => false,
    touched: () => {
      touched++;
    },
  };
  const { clock } = bench.world;
  const flights = new Flights(FLIGHTS, clock);
  const outbox = new Outbox(step as unknown as Step, socket, clock, flights, UID);
  /** How often it wanted to be asked again since the last time. */
  const wanted = () => {
    const times = touched;
    touched = 0;
    return times;
  };
  const sync = () => bench.request(wl_display, 1, 'sync', FREE);
  const redeem = (id: number, buffer: BrokerBuffer) => {
    const { token } = bench.broker.sharing.share(buffer, { uses: 1, uid: null, seconds: null });
    bench.request(dmabroker_manager_v1, MANAGER, 'redeem', id, token);
  };
  /** In a message of its own, as if the step had those before it. */
  const apart = (id: number, buffer: BrokerBuffer) => {
    const { output } = bench.connection;
    output.sending = output.packets.length;
    redeem(id, buffer);
    output.sending = 0;
  };
  return { bench, step, outbox, sync, redeem, apart, flights, wanted };
}

const UID = 1000;
/** fds that all connections may have in flight. */
const FLIGHTS = 1000;
const DONE_AND_DELETE_ID = 12 + 12;

t.test('what there is to send', async (t) => {
  const { bench, step, outbox, sync, wanted } = make();
  t.equal(outbox.flush(), -1, 'nothing to do');
  t.equal(outbox.busy, false);
  sync();
  t.equal(outbox.flush(), -1, 'all of it is with the step, which may wait');
  t.equal(outbox.busy, false);
  sync();
  t.equal(bench.connection.output.packets.length, 2, 'what the step has is left as it is');
  t.equal(step.finish().bytes.length, DONE_AND_DELETE_ID);
  t.ok(wanted() > 0, 'there is more');
  sync();
  t.equal(bench.connection.output.packets.length, 1, 'what it has not got yet grows');
  outbox.flush();
  wanted();
  t.equal(step.finish().bytes.length, 2 * DONE_AND_DELETE_ID);
  t.equal(wanted(), 0, 'there is nothing more');
  t.equal(bench.connection.output.packets.length, 0);
  t.equal(outbox.flush(), -1);
  t.equal(outbox.busy, false);
});

t.test('what did not fit in the turn goes into the next', async (t) => {
  const { bench, step, outbox, sync } = make();
  sync();
  step.full = true;
  t.equal(outbox.flush(), 0);
  t.equal(outbox.busy, true, 'it asks to be called again');
  step.full = false;
  sync();
  outbox.flush();
  t.equal(step.queue.length, 1);
  t.equal(step.finish().bytes.length, 2 * DONE_AND_DELETE_ID, 'with what came since');
  t.equal(bench.connection.output.packets.length, 0);
});

t.test('a message that was sent in part', async (t) => {
  const { step, outbox, sync } = make();
  sync();
  outbox.flush();
  const { bytes } = step.finish(5);
  outbox.flush();
  t.same(step.finish().bytes, bytes.subarray(5));
});

t.test('a full socket is waited for and not read', async (t) => {
  const { step, outbox, sync } = make();
  sync();
  outbox.flush();
  step.finish(FULL);
  t.ok(Number(outbox.flush()) > 1, 'epoll tells when it can be sent');
  t.same(step.watched, { readable: false, writable: true });
  t.equal(step.queue.length, 0);
  outbox.writable();
  outbox.flush();
  t.equal(step.queue.length, 1);
  t.same(step.watched, { readable: true, writable: false });
});

t.test('fds in flight', async (t) => {
  await t.test('many messages go out in one turn', async (t) => {
    const { bench, step, outbox, apart, flights } = make();
    const buffer = bench.allocate(FREE);
    for (let id = 0; id < 10; id++) apart(100 + id, buffer);
    t.equal(outbox.flush(), -1);
    t.equal(step.queue.length, 10);
    for (let id = 0; id < 10; id++)
      t.match(step.finish(), { drained: false, fds: buffer.held.fds });
    t.equal(flights.used, 10);
    t.equal(bench.connection.output.packets.length, 0);
    step.left = 1;
    let landed = 0;
    t.equal(
      outbox.end(() => landed++),
      false,
    );
    t.ok(flights.look() > 0);
    t.equal(flights.used, 10, 'they are counted when the connection has ended, too');
    step.left = 0;
    bench.world.pass(64);
    t.equal(flights.look(), -1);
    t.equal(landed, 1);
    t.equal(flights.used, 0, 'until its peer has received them, or has gone');
  });

  await t.test('beyond what a connection may have, when those before were read', async (t) => {
    const { bench, step, outbox, apart, flights } = make();
    const buffer = bench.allocate(FREE);
    for (let id = 0; id <= FDS_IN_FLIGHT; id++) apart(100 + id, buffer);
    t.equal(outbox.flush(), 0, 'there is more to do');
    t.equal(step.queue.length, FDS_IN_FLIGHT);
    while (step.queue.length > 0) step.finish();
    outbox.flush();
    t.match(step.queue, [{ drained: true, fds: buffer.held.fds }]);
    step.finish(UNDRAINED);
    t.equal(flights.used, FDS_IN_FLIGHT);
    const wait = outbox.flush();
    t.ok(typeof wait === 'number' && wait >= 0 && wait <= 64, `asked again in ${wait} ms`);
    t.equal(outbox.busy, true);
    t.equal(step.watched.readable, false, 'meanwhile it is not read');
    bench.world.clock.setDate(-3_600_000);
    bench.world.pass(Number(wait));
    const retried = outbox.flush();
    t.equal(retried, 0, 'the step is not to wait while the socket is not read');
    t.equal(step.finish().drained, true);
    t.equal(flights.used, 1, 'all others were received');
    t.equal(outbox.flush(), -1);
    t.equal(step.watched.readable, true);
    bench.broker.release(buffer, 'owner');
    t.equal(bench.world.open.size, 0, 'nothing holds the fds any more');
  });

  await t.test('beyond what all may have, too; but each may have one message', async (t) => {
    const { bench, step, outbox, apart, flights } = make();
    const buffer = bench.allocate(FREE);
    flights.pool.overdraw(UID + 1, FLIGHTS);
    for (const id of [100, 101]) apart(id, buffer);
    outbox.flush();
    t.match(step.queue, [{ drained: false }]);
    step.finish();
    outbox.flush();
    t.match(step.queue, [{ drained: true }]);
  });

  await t.test('what goes after one that has not gone waits with it', async (t) => {
    for (const [why, given] of [
      ['a full socket', FULL],
      ['half of it', 20],
      ['too many in flight, of whomever', -ETOOMANYREFS],
    ] as const) {
      const { bench, step, outbox, apart, flights } = make();
      const buffer = bench.allocate(FREE);
      for (const id of [100, 101, 102]) apart(id, buffer);
      outbox.flush();
      const sent = [step.finish(given), step.finish(FULL), step.finish(FULL)];
      t.equal(flights.used, given > 0 ? 1 : 0, why);
      outbox.writable();
      bench.world.pass(64);
      outbox.flush();
      const again = [step.finish(), step.finish(), step.finish()];
      const bytes = (all: readonly Sent[]) => Buffer.concat(all.map((each) => each.bytes));
      t.same(bytes(again), bytes(sent).subarray(Math.max(0, given)), `${why}: in order`);
      t.equal(flights.used, 3);
      t.equal(bench.connection.output.packets.length, 0);
    }
  });
});

t.test('fds do not wait for what is sent with them', async (t) => {
  const { bench, step, outbox, redeem } = make();
  const buffer = bench.allocate(FREE);
  redeem(100, buffer);
  outbox.flush();
  step.finish();
  bench.request(dmabroker_buffer_v1, 100, 'destroy');
  redeem(101, buffer);
  outbox.flush();
  const { fds, bytes } = step.finish();
  t.same(fds, buffer.held.fds);
  const names = bench.peer.read(bytes, fds).map(({ name }) => name);
  t.equal(names[0], 'wl_display.delete_id', 'unread, it would hold them up');
  t.equal(names.at(-1), 'dmabroker_buffer_v1.done');
  t.equal(bench.connection.output.packets.length, 0);
});

t.test('what was read is charged until the peer has received it', async (t) => {
  const { bench, step, outbox } = make();
  const buffer = bench.allocate(FREE);
  const charged = () => bench.broker.quotas.accounts.find('user', '1000')?.charge.bytes;
  t.equal(charged(), buffer.allocation.size);
  bench.request(dmabroker_manager_v1, MANAGER, 'create_work', 50, FREE);
  bench.request(dmabroker_work_v1, 50, 'read');
  t.equal(charged(), 8192, 'before it is made');
  bench.world.answerWork();
  step.left = 100;
  const sending = Number(outbox.flush());
  t.ok(sending > 0 && sending <= 64, 'the step is not to wait for ever');
  step.finish();
  for (let i = 0; i < 20; i++) {
    const wait = Number(outbox.flush());
    t.ok(wait > 0 && wait <= 1000, `looked at again in ${wait} ms`);
    t.ok(outbox.busy);
    t.equal(charged(), 8192, 'as long as it is on its way');
    bench.world.pass(wait);
  }
  t.equal(step.watched.readable, true, 'meanwhile it is heard');
  step.left = 0;
  t.equal(outbox.flush(), -1);
  t.equal(outbox.busy, false);
  t.equal(charged(), 4096);
});

t.test('what was read and never received is not charged to who has gone', async (t) => {
  for (const sent of [true, false]) {
    const { bench, step, outbox } = make();
    bench.allocate(FREE, 'until_released');
    for (const id of [50, 51]) {
      bench.request(dmabroker_manager_v1, MANAGER, 'create_work', id, FREE);
      bench.request(dmabroker_work_v1, id, 'read');
      bench.world.answerWork();
    }
    step.left = 100;
    outbox.flush();
    if (sent) step.finish();
    bench.close();
    if (!sent) step.finish(-EPIPE);
    t.equal(bench.broker.quotas.accounts.find('user', '1000')?.charge.bytes, 4096);
  }
});
for (const [why, result] of [
  ['full', FULL],
  ['undrained', UNDRAINED],
] as const) {
  t.test(
    `a client that does not read (${why}) and has sent fds is read, its own end may be among them`,
    async (t) => {
      const { bench, step, outbox, sync } = make();
      const pass = () => {
        for (let turn = 0; turn < 20; turn++) {
          bench.world.pass(100);
          outbox.flush();
          if (step.queue.length > 0) step.finish(result);
        }
      };
      sync();
      outbox.flush();
      step.finish(result);
      const wait = outbox.flush();
      t.type(wait, 'number');
      t.ok(Number(wait) > 0 && outbox.busy, 'it is looked at again, though nothing happens');
      pass();
      t.equal(step.watched.readable, false, 'without fds it waits until it has read');
      step.fdsWaiting = 1;
      pass();
      t.equal(step.watched.readable, true, 'what may hold an end is received');
      step.fdsWaiting = 0;
      pass();
      t.equal(step.watched.readable, false, 'and it waits again');
      step.fdsWaiting = 1;
      pass();
      if (why === 'full') outbox.writable();
      outbox.flush();
      bench.world.pass(100);
      outbox.flush();
      step.finish();
      outbox.flush();
      t.same(
        step.watched,
        { readable: true, writable: false },
        'once it has read, all is as before',
      );
    },
  );
}

t.test('the end', async (t) => {
  const violation = Buffer.alloc(8);
  await t.test('after the error was sent', async (t) => {
    const { bench, step, outbox } = make();
    bench.feed(violation);
    t.equal(outbox.flush(), 0, 'its last words, and then at once the end');
    t.equal(step.watched.readable, false);
    step.finish();
    t.equal(outbox.flush(), 'over');
  });
  await t.test('at once where nothing can be sent', async (t) => {
    const { bench, step, outbox, sync } = make();
    sync();
    outbox.flush();
    step.finish(FULL);
    bench.feed(violation);
    t.equal(outbox.flush(), 'over');
  });
  await t.test('when sending fails', async (t) => {
    const { step, outbox, sync } = make();
    sync();
    outbox.flush();
    step.finish(-EPIPE);
    t.equal(outbox.flush(), 'over');
  });
});
