/** Heaps for metrics: a scrape waits for no driver, and is told nothing old. */
import t from 'tap';
import type { ListedDevice } from '../../../src/memory/device.js';
import { Heaps } from '../../../src/server/observe/heaps.js';
import { FakeClock } from '../../support/clock.js';
import { openDevice, otherDevice } from '../http/support/fake-devices.js';

const { deviceUuid: device } = openDevice;
const shown = {
  heaps: [{ device, heap: 0, size: 2 ** 32, budget: null, usage: 0 }],
  cuda: [],
};
const NOTHING = { heaps: [], cuda: [] };

t.test('of devices that are open', async (t) => {
  const heaps = new Heaps(async () => [openDevice, otherDevice], new FakeClock());
  t.same(await heaps.look(), shown);
});

t.test('what CUDA has, whoever has it open', async (t) => {
  const memory = { total: 8, free: null, allocated: 0 };
  const cuda = {
    ...memory,
    uuid: otherDevice.deviceUuid,
    losses: 0,
    lastLostAt: null,
    lastRelease: null,
  };
  const heaps = new Heaps(async () => [{ ...otherDevice, cuda }], new FakeClock());
  const told = [{ device: otherDevice.deviceUuid, ...memory }];
  t.same(await heaps.look(), { heaps: [], cuda: told });
});

t.test('an allocator that does not answer', async (t) => {
  const clock = new FakeClock();
  const waiting: ((devices: readonly ListedDevice[]) => void)[] = [];
  const heaps = new Heaps(() => new Promise((resolve) => waiting.push(resolve)), clock, 1);
  t.same(await heaps.look(), NOTHING, 'nothing is known yet');
  t.same(await heaps.look(), NOTHING);
  t.equal(waiting.length, 1, 'it is asked once');
  waiting[0]?.([openDevice]);
  await new Promise(setImmediate);
  clock.pass(60_000);
  t.same(await heaps.look(), shown, 'what was known last');
  t.equal(waiting.length, 2);
  clock.pass(1);
  t.same(await heaps.look(), NOTHING, 'for a minute');
});
