/** A caller's refusals get so many lines, whatever others do; the rest is counted and told once. */
import t from 'tap';
import { MAX_REFUSAL_LINES, RefusalLines } from '../../../src/server/events/refusal-lines.js';

t.test('a flood', async (t) => {
  const told: [string, number][] = [];
  const lines = new RefusalLines((...what) => told.push(what));
  const admitted = (caller: string, times: number) =>
    Array.from({ length: times }, () => lines.admit(caller)).filter((yes) => yes).length;
  t.equal(admitted('uid 1', MAX_REFUSAL_LINES + 7), MAX_REFUSAL_LINES);
  t.equal(admitted('uid 2', 3), 3, 'another caller has its own');
  lines.close();
  t.same(told, [['uid 1', 7]]);
  t.equal(admitted('uid 1', 1), 1, 'then it counts anew');
  lines.close();
  t.equal(told.length, 1);
});

t.test('the time is over by itself', async (t) => {
  const told = await new Promise((resolve) => {
    const lines = new RefusalLines((...what) => resolve(what), 1);
    for (let i = 0; i <= MAX_REFUSAL_LINES; i++) lines.admit('uid 1');
    // The window does not keep the process alive.
    const alive = setInterval(() => {}, 10);
    t.teardown(() => clearInterval(alive));
  });
  t.same(told, ['uid 1', 1]);
});

t.test('many callers cost no more than a few', async (t) => {
  let suppressed = 0;
  const lines = new RefusalLines((_caller, count) => {
    suppressed += count;
  });
  let admitted = 0;
  for (let uid = 0; uid < 10_000; uid++) if (lines.admit(`uid ${uid}`)) admitted++;
  lines.close();
  t.ok(admitted < 1000, `${admitted} lines`);
  t.equal(admitted + suppressed, 10_000);
});
