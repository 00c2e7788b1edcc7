/** Allocations that wait for what is about to be found gone: for a bounded time, and not for nothing. */
import t from 'tap';
import { RoomQueue } from '../../src/broker/room-queue.js';
import { MAX_PENDING_PER_USER, ROOM_WAIT_MS } from '../../src/memory/limits.js';
import { FakeClock } from '../support/clock.js';

const [ALICE, BOB] = [1000, 1001];
const asker = (uid: number, connection = 'c1') => ({ uid, cgroup: null, connection });

function make() {
  const clock = new FakeClock();
  const room = new RoomQueue(clock);
  /** Room that there is, and who has come out of the queue. */
  const state = { free: 0 };
  const out: string[] = [];
  const add = (name: string, uid = ALICE) =>
    room.add(
      asker(uid, name),
      () => state.free > 0,
      () => {
        state.free--;
        out.push(name);
      },
    );
  return { clock, room, state, out, add };
}

t.test('goes when it fits, the oldest first', async (t) => {
  const { room, state, out, add } = make();
  const settled = [room.expect(ALICE), room.expect(ALICE), room.expect(ALICE)];
  add('one');
  add('two');
  state.free = 1;
  settled[0]?.();
  t.equal(room.wait, 0);
  room.run();
  t.same(out, ['one']);
  settled[1]?.();
  room.run();
  t.same(out, ['one'], 'what was settled was not gone');
  settled[2]?.();
  room.run();
  t.same(out, ['one', 'two'], 'nothing is expected any more: it is judged as any other');
  t.notOk(room.isExpected(ALICE));
  t.equal(room.wait, -1);
});

t.test('each waits for what is its user’s', async (t) => {
  const { room, state, out, add } = make();
  room.expect(ALICE);
  const bobs = room.expect(BOB);
  add('alice', ALICE);
  add('bob', BOB);
  state.free = 1;
  bobs();
  room.run();
  t.same(out, ['bob']);
});

t.test('not for ever', async (t) => {
  const { clock, room, out, add } = make();
  room.expect(ALICE);
  add('one');
  t.equal(room.wait, ROOM_WAIT_MS);
  clock.pass(ROOM_WAIT_MS - 1);
  room.run();
  t.same(out, []);
  clock.pass(1);
  room.run();
  t.same(out, ['one']);
});

t.test('not too many', async (t) => {
  const { room, add } = make();
  const settled = room.expect(ALICE);
  for (let i = 0; i < MAX_PENDING_PER_USER; i++) t.ok(add(`c${i}`));
  t.notOk(add('one more'));
  t.ok(add('bob', BOB));
  settled();
  room.run();
  t.ok(add('again'), 'who has gone is not counted');
});
