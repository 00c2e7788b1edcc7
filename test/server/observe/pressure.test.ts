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
  t.equal(overBudget([heap(90, 100)], 0.9), false);
  t.equal(overBudget([heap(1, 100), heap(91, 100)], 0.9), true);
  t.equal(overBudget([heap(91, null), heap(null, 1)], 0.9), false, 'no budget');
});

t.test('pressure comes and goes', async (t) => {
  let some = 0;
  let usage = 0;
  const told: unknown[] = [];
  const watch = new PressureWatch(
    configOf([], thisMachine()).pressure,
    {
      psi: () => psi(some),
      device: async () => ({ heaps: [heap(usage, 100)] }) as unknown as DeviceInfo,
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
    ['pressed', ['vulkan'], 10],
    'memory is short: buffers are recalled',
  ]);
  usage = 5;
  t.same(await look(), [['relieved', ['vulkan']], 'memory is no longer short']);
  await watch.stop();
});
