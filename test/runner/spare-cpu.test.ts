import t from 'tap';
import { SpareCpu, ticks } from './spare-cpu.js';

t.test(
  'what the kernel tells of all CPUs, without the guests that are counted in user time',
  (t) => {
    const stat = 'cpu  100 5 20 300 40 1 2 3 70 0\ncpu0 50 0 0 0 0 0 0 0 0 0\n';
    t.same(ticks(stat), { all: 471, idle: 340 });
    t.end();
  },
);

t.test('a share of the time since the last call', async (t) => {
  const spare = new SpareCpu();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const share = spare.share();
  t.ok(share >= 0 && share <= 1, `${share}`);
});
