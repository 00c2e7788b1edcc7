/** Memory pressure: when buffers are recalled, and when that is withdrawn. */
import t from 'tap';
import type { DeviceInfo } from '../../../src/rest/contract.js';
import { configOf } from '../../../src/server/config/config.js';
import { thisMachine } from '../../../src/server/config/machine.js';
import { overBudget, PressureWatch, someAvg10 } from '../../../src/server/observe/pressure.js';

const psi = (some: number) =>
  `some avg10=${some.toFixed(2)} avg60=0.00 avg300=0.00 total=1\n` +
  'full avg10=99.00 avg60=0.00 avg300=0.00 total=0\n';
const heap = (usage: number | null, budget: number | null) => ({
  index: 0,
  size: 1000,
  device_local: true,
  budget,
  usage,
});

t.test('what is read', async (t) => {
  t.equal(someAvg10(psi(12.5)), 12.5);
  t.equal(someAvg10(''), null);
  const over = (...heaps: ReturnType<typeof heap>[]) => overBudget({ heaps, cuda: null }, 0.9);
  t.equal(over(heap(90, 100)), false);
  t.equal(over(heap(1, 100), heap(91, 100)), true);
  t.equal(over(heap(91, null), heap(null, 1)), false, 'no budget');
  const cuda = (allocated: number, free: number | null) =>
    overBudget({ heaps: [], cuda: { free, allocated } }, 0.9);
  t.equal(cuda(90, 10), false);
  t.equal(cuda(91, 9), true, 'of what others have left');
  t.equal(cuda(0, 0), false, 'what others have is not ours to give back');
  t.equal(cuda(91, null), false, 'nothing is known before there is a context');
});

t.test('pressure comes and goes', async (t) => {
  let some = 0;
  let usage = 0;
  const told: unknown[] = [];
  const watch = new PressureWatch(
    configOf([], thisMachine()).pressure,
    {
      psi: () => psi(some),
      device: async () => ({ heaps: [heap(usage, 100)], cuda: null }) as unknown as DeviceInfo,
      pressed: async (sources, seconds) => told.push(['pressed', sources, seconds]),
      relieved: async (sources) => told.push(['relieved', sources]),
      log: (text) => told.push(text),
    },
    (error) => t.fail(String(error)),
  );
  const look = async () => {
    await watch.look();
    return told.splice(0);
  };
  t.same(await look(), []);
  some = 10.5;
  t.same(await look(), [['pressed', null, 10], 'memory is short: buffers are recalled']);
  t.same(await look(), [['pressed', null, 10]], 'as long as it lasts');
  some = 0;
  usage = 95;
  t.same(await look(), [
    ['relieved', null],
    'memory is no longer short',
    ['pressed', ['vulkan', 'cuda'], 10],
    'memory is short: buffers are recalled',
  ]);
  usage = 5;
  t.same(await look(), [['relieved', ['vulkan', 'cuda']], 'memory is no longer short']);
  await watch.stop();
});
