/**
 * The Vulkan device is lost, by a layer between the loader and the driver: at every step of an
 * allocation, twice in a row, for a while; what was allocated, what was imported, and every fd.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import t from 'tap';
import { BrokerError } from '../../../src/memory/errors.js';
import { PIECE_BYTES } from '../../../src/memory/limits.js';
import type { Allocation, LostAllocation } from '../../../src/memory/source.js';
import { toEnd } from '../../../src/memory/steps.js';
import { RenewableDevice } from '../../../src/native/sources/renewable.js';
import type { VulkanHandleType } from '../../../src/native/vulkan/usage.js';
import type { Zeroing } from '../../../src/native/vulkan/zero.js';
import { eventually } from '../../support/daemon.js';
import { DeviceLoss, type LosableCall } from '../vulkan/loss.js';
import { buffer, fdOf, image, isZero, mapped } from '../vulkan/source-helpers.js';
import { enableValidation, expectNoValidationMessages, inGuest } from '../vulkan/validation.js';

if (inGuest) t.setTimeout(300_000);

const validation = enableValidation();
const loss = new DeviceLoss();
Object.assign(process.env, loss.environment());

/** Without the validation layer's own: it opens its log for each VkInstance and keeps it. */
function openFds(): number {
  const target = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return 'the folder itself';
    }
  };
  return readdirSync('/proc/self/fd').filter((fd) => !target(fd).endsWith('/log')).length;
}

class Setup {
  readonly lost: (readonly LostAllocation[])[] = [];
  readonly reasons: string[] = [];
  readonly renewed: (string | null)[] = [];
  /** What else a loss does, before the device is made anew. */
  onLost = () => {};
  readonly device: RenewableDevice;
  readonly types: readonly VulkanHandleType[];

  constructor(zeroing: Zeroing = 'auto') {
    const events = {
      lost: (_device: string, reason: string, allocations: readonly LostAllocation[]) => {
        this.lost.push(allocations);
        this.reasons.push(reason);
        this.onLost();
      },
      renewed: (_device: string, problem: string | null) => this.renewed.push(problem),
    };
    this.device = new RenewableDevice(undefined, events, { zeroing });
    const usable = this.device.states.filter((state) => state.usable);
    this.types = usable.map(({ handleType }) => handleType as VulkanHandleType);
  }

  source(handleType: VulkanHandleType) {
    const found = this.device.sources.find((source) => source.handleType === handleType);
    if (found === undefined) throw new Error(`no ${handleType}`);
    return found;
  }

  /** VkDeviceMemory objects of the device that there is now. */
  live(type: VulkanHandleType): number {
    return this.device.source(type).device.liveAllocations;
  }
}

const usable = (() => {
  const { device, types } = new Setup();
  device.close();
  return types;
})();
const needs = (type: VulkanHandleType) => ({
  skip: !inGuest && !usable.includes(type) && `no ${type} here`,
});

/** Frees and closes. */
function drop(setup: Setup, type: VulkanHandleType, allocation: Allocation): void {
  setup.source(type).free(allocation.key);
  closeSync(fdOf(allocation));
}

const steps: [LosableCall, Zeroing][] = [
  ['vkAllocateMemory', 'auto'],
  ['vkBindBufferMemory', 'auto'],
  ['vkGetMemoryFdKHR', 'auto'],
  ['vkQueueSubmit', 'fill'],
  ['vkWaitForFences', 'fill'],
];

for (const type of ['dma_buf', 'opaque_fd'] as const) {
  for (const [call, zeroing] of steps) {
    t.test(`${type}: lost at ${call}`, needs(type), async (t) => {
      const before = openFds();
      const setup = new Setup(zeroing);
      const source = setup.source(type);
      const kept = source.allocate(buffer(8192), 'kept');
      loss.at(call);
      const fresh = source.allocate(buffer(4096), 'fresh');
      t.ok(loss.happened(call));
      const { key } = kept;
      t.same(setup.lost, [[{ source: 'vulkan', handleType: type, key }]]);
      t.match(setup.reasons, [`${call}: VK_ERROR_DEVICE_LOST`]);
      t.same(setup.renewed, [null]);
      t.match(setup.device.describe(), { losses: 1, lastLostAt: /^2/ });
      if (type === 'dma_buf') {
        t.ok(mapped(fdOf(fresh), fresh.size, isZero), 'the new memory is zero');
        t.ok(
          mapped(fdOf(kept), kept.size, () => true),
          'the lost one can still be mapped',
        );
      }
      t.equal(setup.live(type), 1);
      drop(setup, type, kept);
      t.equal(setup.live(type), 1, 'what was lost is freed already');
      drop(setup, type, fresh);
      t.equal(setup.live(type), 0);
      t.throws(() => source.free(key), { code: 'internal' }, 'and only once');
      setup.device.close();
      t.equal(openFds(), before);
    });
  }
}

t.test(
  'lost by somebody else while an allocation is being cleared',
  needs('dma_buf'),
  async (t) => {
    const before = openFds();
    const setup = new Setup('map');
    const source = setup.source('dma_buf');
    const steps = source.allocating(buffer(3 * PIECE_BYTES), 'cleared');
    t.equal(steps.next().done, false, 'it is not over after a piece');
    const ended = source.allocating(buffer(3 * PIECE_BYTES), 'ended');
    ended.next();
    loss.at('vkAllocateMemory');
    const other = source.allocate(buffer(4096), 'other');
    const allocation = toEnd(steps);
    t.same(setup.renewed, [null], 'the device was made anew once');
    t.ok(mapped(fdOf(allocation), allocation.size, isZero), 'all of it is zero');
    ended.return(allocation);
    t.equal(setup.live('dma_buf'), 2, 'what was half made is gone with its device');
    for (const each of [other, allocation]) drop(setup, 'dma_buf', each);
    const again = source.allocating(buffer(3 * PIECE_BYTES), 'again');
    again.next();
    again.return(allocation);
    t.equal(setup.live('dma_buf'), 0, 'what is ended half-way is freed');
    setup.device.close();
    t.equal(openFds(), before);
  },
);

t.test('an image, bound', needs('dma_buf'), async (t) => {
  const setup = new Setup();
  const source = setup.source('dma_buf');
  loss.at('vkBindImageMemory');
  const fresh = source.allocate(image(33, 17), 'image');
  t.equal(setup.lost.length, 1);
  drop(setup, 'dma_buf', fresh);
  setup.device.close();
});

t.test('lost again when it is tried again: refused, and the next one works', async (t) => {
  const before = openFds();
  const setup = new Setup();
  const [type] = setup.types;
  if (type === undefined) throw new Error('Vulkan exports nothing here');
  const source = setup.source(type);
  loss.at('vkAllocateMemory');
  setup.onLost = () => {
    // After one trial allocation for each handle type.
    if (setup.lost.length === 1) loss.at('vkAllocateMemory', setup.types.length + 1);
  };
  const attempt = () => source.allocate(buffer(4096), 'twice');
  t.throws(attempt, { name: 'BrokerError', code: 'device_lost' });
  t.equal(setup.lost.length, 2);
  t.same(setup.renewed, [null, null]);
  drop(setup, type, attempt());
  setup.device.close();
  t.equal(openFds(), before);
});

t.test('a device that cannot be opened is unusable, and comes back', async (t) => {
  const before = openFds();
  const setup = new Setup();
  const [type] = setup.types;
  if (type === undefined) throw new Error('Vulkan exports nothing here');
  const source = setup.source(type);
  const kept = source.allocate(buffer(4096), 'kept');
  const offers = source.formats().length;
  loss.refuseDevices(true);
  loss.at('vkAllocateMemory');
  const attempt = () => source.allocate(buffer(4096), 'gone');
  t.throws(attempt, { code: 'device_lost', message: /cannot be used again: vkCreateDevice/ });
  t.equal(setup.lost.length, 1);
  t.match(setup.renewed, [/vkCreateDevice: VK_ERROR_INITIALIZATION_FAILED/]);
  t.ok(setup.device.states.every((state) => !state.usable));
  t.same(source.formats(), []);
  t.match(setup.device.describe(), { losses: 1 }, 'it is still described');
  t.throws(attempt, { code: 'device_lost' });
  t.equal(setup.lost.length, 1, 'there is nothing to be lost');
  drop(setup, type, kept);
  loss.refuseDevices(false);
  await eventually(() => setup.renewed.at(-1) === null, 'it is opened again');
  t.equal(source.formats().length, offers);
  drop(setup, type, attempt());
  setup.device.close();
  t.equal(openFds(), before);
});

t.test('a trial that fails while the device is made anew', async (t) => {
  const setup = new Setup();
  const [type] = setup.types;
  if (type === undefined) throw new Error('Vulkan exports nothing here');
  const source = setup.source(type);
  loss.at('vkAllocateMemory');
  setup.onLost = () => loss.at('vkAllocateMemory');
  const attempt = () => source.allocate(buffer(4096), 'trial');
  t.throws(attempt, { code: 'device_lost', message: /a trial allocation failed/ });
  await eventually(() => setup.renewed.at(-1) === null, 'it is opened again');
  drop(setup, type, attempt());
  t.equal(setup.lost.length, 1);
  setup.device.close();
});

t.test('imports are made again; their memory is nobody’s loss', needs('dma_buf'), async (t) => {
  const before = openFds();
  const elsewhere = new Setup();
  const made = elsewhere.source('dma_buf').allocate(buffer(8192), 'elsewhere');
  const { spec, planes } = { spec: buffer(8192), planes: made.planes };
  const setup = new Setup();
  const first = setup.device.import(spec, planes);
  t.equal(first.check?.how, 'device');
  const closed = elsewhere.source('dma_buf').allocate(buffer(4096), 'closed');
  const second = setup.device.import(buffer(4096), closed.planes);
  t.equal(setup.live('dma_buf'), 2);
  // Its `free` is on its way: another file may have its number by now.
  drop(elsewhere, 'dma_buf', closed);
  loss.at('vkAllocateMemory');
  const third = setup.device.import(spec, planes);
  t.equal(third.check?.how, 'device', 'tried again');
  t.same(setup.lost, [[]], 'no allocation is lost');
  t.equal(setup.live('dma_buf'), 2, 'the first and the third');
  for (const { key } of [first, second, third]) setup.device.freeImport(key);
  t.equal(setup.live('dma_buf'), 0);
  setup.device.close();
  drop(elsewhere, 'dma_buf', made);
  elsewhere.device.close();
  t.equal(openFds(), before);
});

t.test('a defect is no loss', async (t) => {
  const setup = new Setup();
  const defect = new BrokerError('internal', 'a defect');
  const runs: string[] = [];
  const body = () => {
    runs.push('run');
    throw defect;
  };
  t.throws(() => setup.device.attempt(body), defect);
  t.same(runs, ['run']);
  t.same(setup.lost, []);
  setup.device.close();
});

expectNoValidationMessages(t, validation);
