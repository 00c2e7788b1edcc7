/** Processes that only grow, and those that do something else. */

import fc from 'fast-check';
import t from 'tap';
import { NO_CGROUP } from '../../../../src/broker/cgroup.js';
import type { Holder, Sweep } from '../../../../src/server/observe/holders/sweep.js';
import { Growth, onlyGrows, RISES, WINDOW } from '../../../../src/server/observe/leaks/growth.js';
import { FakeClock } from '../../../support/clock.js';

const rising = (count: number) => Array.from({ length: count }, (_, index) => index);

t.test('what only grows', async (t) => {
  t.ok(onlyGrows(rising(RISES + 1)));
  t.notOk(onlyGrows(rising(RISES)), 'not often enough');
  t.ok(onlyGrows([0, 0, ...rising(RISES + 1), RISES]), 'it may pause');
  t.notOk(onlyGrows([...rising(RISES + 1), 2]), 'it has given back');
  t.notOk(onlyGrows([0, 100, 100, 100, 100, 100]), 'a pool that was filled');
  t.notOk(onlyGrows([]));
});

const clock = new FakeClock();
const holder = (pid: number, startTicks = '0'): Holder => ({
  pid,
  uid: 1000,
  executable: 'test',
  ...NO_CGROUP,
  startTicks,
  startedAt: 0,
  fds: 1,
  mappings: 1,
});

/** Each process has so many memories, the daemon all of them. */
function sweep(counts: ReadonlyMap<number, number>, startTicks = '0'): Sweep {
  const holders = new Map<string, Holder[]>();
  for (const [pid, count] of counts) {
    for (let i = 0; i < count; i++) {
      holders.set(`1:${i}`, [...(holders.get(`1:${i}`) ?? []), holder(pid, startTicks)]);
    }
  }
  const own = new Map([...holders.keys()].map((key) => [key, { fds: 1, mappings: 0 }]));
  clock.pass(60_000);
  const seen = { unreadable: 0, unread: new Set<number>(), hidden: false, inFlight: new Map() };
  return { holders, own, ...seen, scannedAt: clock.now() };
}

const pids = (growth: Growth) => growth.growing.map(({ process }) => process.pid);

t.test('samples of several processes', async (t) => {
  const growth = new Growth();
  for (const count of rising(RISES + 1)) {
    t.same(pids(growth), []);
    growth.sample(
      sweep(
        new Map([
          [1, count + 1],
          [2, 2 * count + 1],
          [3, 9],
        ]),
      ),
    );
  }
  t.same(pids(growth), [2, 1], 'the one with most first');
  t.match(growth.growing[1], {
    first: { memories: 1 },
    last: { memories: RISES + 1, at: clock.now() },
  });
  growth.sample(
    sweep(
      new Map([
        [1, 1],
        [2, 100],
      ]),
    ),
  );
  t.same(pids(growth), [2], 'one has given back');
  for (let i = 0; i < WINDOW; i++) growth.sample(sweep(new Map([[2, 100]])));
  t.same(pids(growth), [], 'it grew, long ago');
});

t.test('neither another process of the same number nor memory of others counts', async (t) => {
  const reused = new Growth();
  for (const count of rising(RISES + 1)) {
    reused.sample(sweep(new Map([[1, count + 1]]), count < 3 ? '0' : '1'));
  }
  t.same(pids(reused), []);
  const foreign = new Growth();
  for (const count of rising(RISES + 1)) {
    foreign.sample({ ...sweep(new Map([[1, count + 1]])), own: new Map() });
  }
  t.same(pids(foreign), []);
});

t.test('a process that falls within the window is never told', async (t) => {
  const counts = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 30 });
  const property = fc.property(counts, (all) => {
    const growth = new Growth();
    for (const count of all) growth.sample(sweep(new Map([[1, count]])));
    const seen = all.slice(-WINDOW);
    const falls = seen.some((count, i) => i > 0 && count < (seen[i - 1] ?? 0));
    const rises = seen.filter((count, i) => i > 0 && count > (seen[i - 1] ?? 0)).length;
    return (pids(growth).length === 1) === (!falls && rises >= RISES);
  });
  t.doesNotThrow(() => fc.assert(property));
});
