/** The machine's clocks: moments alike in all threads, dates that are those of the machine. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { after } from '../../src/memory/clock.js';
import { SystemClock } from '../../src/native/clock.js';

t.test('a moment has one date, which is the machine’s', async (t) => {
  const clock = new SystemClock();
  const before = Date.now();
  const moment = clock.now();
  const date = clock.date(moment);
  t.ok(date >= before - 1 && date <= Date.now() + 1, `${date} is now`);
  for (let i = 0; i < 1000; i++) if (clock.date(moment) !== date) t.fail('another date');
  t.equal(clock.date(after(moment, 1500)), date + 1500);
  t.equal(clock.timesSet, 0);
});

t.test('moments of other threads are compared with this one’s', async (t) => {
  const clock = new SystemClock();
  const file = new URL('../../src/native/clock.js', import.meta.url);
  const code = `
    import { parentPort } from 'node:worker_threads';
    import { SystemClock } from ${JSON.stringify(file)};
    parentPort.postMessage(new SystemClock().now());
  `;
  const before = clock.now();
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const [moment] = (await once(worker, 'message')) as [number];
  t.ok(before <= moment && moment <= clock.now());
  await worker.terminate();
});

t.test('setting the date is noticed, and dates everything anew', async (t) => {
  const clock = new SystemClock();
  const moment = clock.now();
  const date = clock.date(moment);
  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
  });
  for (const [times, set] of [3_600_000, -3_600_000].entries()) {
    Date.now = () => now() + set;
    t.ok(Math.abs(clock.date(moment) - date - set) < 10, `set by ${set}`);
    t.equal(clock.timesSet, times + 1);
    t.equal(clock.timesSet, times + 1, 'once');
    t.ok(clock.now() - moment < 60_000, 'no time has passed for it');
  }
});
