/**
 * The outbox and a step that is played by hand: what is watched while a client does not read, and
 * that the data plane never waits for ever with a socket that it does not read.
 */
import t from 'tap';
import { HeldFds } from '../../../src/broker/held-fds.js';
import type { SendResult, Step } from '../../../src/native/step.js';
import type { Connection, Packet } from '../../../src/server/socket/connection.js';
import { Outbox } from '../../../src/server/socket/outbox.js';

/** A connection's queue and a step's answers, as far as the outbox uses them. */
function stage(packets: Packet[]) {
  const sent: { bytes: number; fds: readonly number[]; drained: boolean }[] = [];
  const watched: { reading: boolean; writing: boolean }[] = [];
  let done: ((result: SendResult) => void) | null = null;
  const connection = {
    closing: false,
    get nextPacket() {
      return packets[0];
    },
    get packets() {
      return packets.length;
    },
    sent: () => packets.shift(),
  } as unknown as Connection;
  const step = {
    send: (_: number, bytes: Buffer, fds: number[], drained: boolean, then: typeof done) => {
      sent.push({ bytes: bytes.length, fds, drained });
      done = then;
      return true;
    },
    watch: (_: number, reading: boolean, writing: boolean) => watched.push({ reading, writing }),
  } as unknown as Step;
  const answer = (result: SendResult) => {
    const callback = done;
    done = null;
    callback?.(result);
  };
  return { outbox: new Outbox(step, 7, connection), connection, sent, watched, answer };
}

const packet = (fds: number[]): Packet => ({
  bytes: Buffer.alloc(8),
  held: fds.length > 0 ? new HeldFds(fds, () => {}) : null,
});

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

t.test('one packet: sent in the step that waits', async (t) => {
  const { outbox, sent, answer } = stage([packet([])]);
  t.equal(outbox.flush(), -1, 'the step may wait');
  t.strictSame(sent, [{ bytes: 8, fds: [], drained: false }]);
  t.ok(outbox.busy, 'until the answer is there');
  answer(8);
  t.equal(outbox.flush(), -1);
  t.notOk(outbox.busy);
});

t.test('two packets: the step must not wait between them', async (t) => {
  const { outbox, answer } = stage([packet([]), packet([])]);
  t.equal(outbox.flush(), 0);
  answer(8);
  t.equal(outbox.flush(), -1);
});

t.test('fds wait for the peer to read, and the socket is read again before the wait', async (t) => {
  const { outbox, sent, watched, answer } = stage([packet([3]), packet([4])]);
  outbox.flush();
  answer(8);
  outbox.flush();
  t.equal(sent[1]?.drained, true, 'only when the first were read');
  answer('undrained');
  const wait = outbox.flush();
  t.ok(typeof wait === 'number' && wait >= 0, 'it asks to be called again');
  t.strictSame(watched.at(-1), { reading: false, writing: false }, 'not read meanwhile');
  await later(5);
  t.equal(outbox.flush(), 0, 'retried, and no wait: the socket is not read yet');
  answer(8);
  t.equal(outbox.flush(), -1);
  t.strictSame(watched.at(-1), { reading: true, writing: false });
  t.notOk(outbox.busy);
});

t.test('a full socket is watched for writing alone', async (t) => {
  const { outbox, watched, answer } = stage([packet([])]);
  outbox.flush();
  answer('full');
  t.equal(outbox.flush(), -1);
  t.strictSame(watched, [{ reading: false, writing: true }]);
  t.notOk(outbox.busy, 'epoll says when it goes on');
  outbox.writable();
  outbox.flush();
  t.strictSame(watched.at(-1), { reading: true, writing: false });
});

t.test('a connection that is to end does so', async (t) => {
  const gone = stage([packet([])]);
  gone.outbox.flush();
  gone.answer({ errno: 32 });
  t.equal(gone.outbox.flush(), 'over', 'the peer is gone');

  const stuck = stage([packet([])]);
  stuck.outbox.flush();
  stuck.answer('full');
  stuck.connection.closing = true;
  t.equal(stuck.outbox.flush(), 'over', 'its last words cannot be delivered');

  const ended = stage([packet([])]);
  ended.connection.closing = true;
  t.equal(ended.outbox.flush(), 0, 'the last words, then at once the end');
  ended.answer(8);
  t.equal(ended.outbox.flush(), 'over');
});
