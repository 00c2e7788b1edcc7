/** When who has the memory is sampled: not while there is none, for which no process need be started. */
import t from 'tap';
import { SystemClock } from '../../../../src/native/clock.js';
import { close } from '../../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../../src/native/libc/memory.js';
import { sweep } from '../../../../src/server/observe/holders/sweep.js';
import { LeakWatch } from '../../../../src/server/observe/leaks/watch.js';
import { eventually } from '../../../support/daemon.js';

const clock = new SystemClock();

t.test('all processes are looked at where there is memory', async (t) => {
  let looks = 0;
  const sweeper = {
    sweep: () => {
      looks++;
      return sweep(clock);
    },
  };
  const config = { forgottenAfterSeconds: 1, sampleSeconds: 0.02 };
  const failures: unknown[] = [];
  const watch = new LeakWatch(config, sweeper, clock, (error) => failures.push(error));
  watch.start();
  t.teardown(() => watch.stop());
  await eventually(() => watch.last !== null, 'the first sample');
  t.equal(looks, 0);
  t.match(watch.last, { hidden: false, unreadable: 0 });
  t.equal(watch.last?.own.size, 0);

  const memfd = sealedMemfd('dmabroker:sampled', 4096);
  await eventually(() => (watch.last?.own.size ?? 0) > 0, 'what there is now is seen');
  t.ok(looks > 0);
  close(memfd);
  await eventually(() => watch.last?.own.size === 0, 'and that it has gone');
  t.same(failures, []);
});
