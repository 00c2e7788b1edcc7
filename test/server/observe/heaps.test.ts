/** Heaps for metrics: a scrape waits for no driver, and is told nothing old. */
import t from 'tap';
import type { ListedDevice } from '../../../src/memory/device.js';
import { Heaps } from '../../../src/server/observe/heaps.js';
import { FakeClock } from '../../support/clock.js';
import { openDevice, otherDevice } from '../http/support/fake-devices.js';

const { deviceUuid: device } = openDevice;
const shown = [{ device, heap: 0, size: 2 ** 32, budget: null, usage: 0 }];

t.test('of devices that are open', async (t) => {
  const heaps = new Heaps(async () => [openDevice, otherDevice], new FakeClock());
  t.same(await heaps.look(), shown);
});

t.test('an allocator that does not answer', async (t) => {
  const clock = new FakeClock();
  const waiting: ((devices: readonly ListedDevice[]) => void)[] = [];
  const heaps = new Heaps(() => new Promise((resolve) => waiting.push(resolve)), clock, 1);
  t.same(await heaps.look(), [], 'nothing is known yet');
  t.same(await heaps.look(), []);
  t.equal(waiting.length, 1, 'it is asked once');
  waiting[0]?.([openDevice]);
  await new Promise(setImmediate);
  clock.pass(60_000);
  t.same(await heaps.look(), shown, 'what was known last');
  t.equal(waiting.length, 2);
  clock.pass(1);
  t.same(await heaps.look(), [], 'for a minute');
});
