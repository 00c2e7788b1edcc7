/** Pools that users share: nobody gets the last, however many want everything. */
import fc from 'fast-check';
import t from 'tap';
import { FairPool } from '../../src/broker/fair-pool.js';

/** Takes until it is refused. */
function takeAll(pool: FairPool, uid: number): number {
  let taken = 0;
  while (pool.take(uid, 1)) taken++;
  return taken;
}

t.test('one user gets half, and leaves half', async (t) => {
  const pool = new FairPool(100);
  t.equal(takeAll(pool, 1), 50);
  t.equal(takeAll(pool, 2), 25);
  t.equal(takeAll(pool, 3), 12);
  pool.give(1, 50);
  t.equal(takeAll(pool, 4), 31, 'what was given back is there for everybody');
});

t.test('together or not at all', async (t) => {
  const pool = new FairPool(10);
  t.equal(pool.take(1, 6), false);
  t.equal(pool.take(1, 5), true, 'what was refused was not counted');
  t.throws(() => pool.give(1, 6), /more than it took/);
  t.throws(() => pool.give(2, 1), /more than it took/);
});

t.test('something is always left for one who has nothing', async (t) => {
  const step = fc.record({
    uid: fc.integer({ min: 1, max: 5 }),
    count: fc.integer({ min: 1, max: 8 }),
    give: fc.boolean(),
  });
  const property = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const pool = new FairPool(64);
    const taken = new Map<number, number>();
    for (const { uid, count, give } of steps) {
      const mine = taken.get(uid) ?? 0;
      if (give && mine >= count) {
        pool.give(uid, count);
        taken.set(uid, mine - count);
      } else if (pool.take(uid, count)) taken.set(uid, mine + count);
      // One after the other, each may have half of what those before have left: 64 / 2^5 at least are free.
      if (!pool.take(6, 1)) throw new Error('a newcomer gets nothing');
      pool.give(6, 1);
    }
  });
  t.doesNotThrow(() => fc.assert(property));
});

t.test('those who all want everything, a little at a time, have the same', async (t) => {
  const pool = new FairPool(66);
  for (let round = 0; round < 66; round++) for (let uid = 1; uid <= 5; uid++) pool.take(uid, 1);
  t.same([...pool.users.values()], [11, 11, 11, 11, 11], '66 / (5 + 1) each, and as many are free');
});
