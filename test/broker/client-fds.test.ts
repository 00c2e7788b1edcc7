/** The fds that connections cost: nobody gets the last, however many users want them all. */
import fc from 'fast-check';
import t from 'tap';
import { ClientFds } from '../../src/broker/client-fds.js';

/** Takes until it is refused. */
function takeAll(fds: ClientFds, uid: number): number {
  let taken = 0;
  while (fds.take(uid, 1)) taken++;
  return taken;
}

t.test('one user gets half, and leaves half', async (t) => {
  const fds = new ClientFds(100);
  t.equal(takeAll(fds, 1), 50);
  t.equal(takeAll(fds, 2), 25);
  t.equal(takeAll(fds, 3), 12);
  fds.give(1, 50);
  t.equal(takeAll(fds, 4), 31, 'what was given back is there for everybody');
});

t.test('together or not at all', async (t) => {
  const fds = new ClientFds(10);
  t.equal(fds.take(1, 6), false);
  t.equal(fds.take(1, 5), true, 'what was refused was not counted');
  t.throws(() => fds.give(1, 6), /more fds than it took/);
  t.throws(() => fds.give(2, 1), /more fds than it took/);
});

t.test('something is always left for one who has nothing', async (t) => {
  const step = fc.record({
    uid: fc.integer({ min: 1, max: 5 }),
    count: fc.integer({ min: 1, max: 8 }),
    give: fc.boolean(),
  });
  const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const fds = new ClientFds(64);
    const taken = new Map<number, number>();
    for (const { uid, count, give } of steps) {
      const mine = taken.get(uid) ?? 0;
      if (give && mine >= count) {
        fds.give(uid, count);
        taken.set(uid, mine - count);
      } else if (fds.take(uid, count)) taken.set(uid, mine + count);
      // 64 of 6 users and 1: 64 / (5 + 1) are free at least, and a newcomer may have half of those.
      if (!fds.take(6, 5)) throw new Error('a newcomer gets nothing');
      fds.give(6, 5);
    }
  });
  t.doesNotThrow(() => fc.assert(property));
});
