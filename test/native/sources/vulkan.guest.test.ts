/**
 * The Vulkan source against a real device, with the validation layer on: what it says of the device, what
 * it allocates, what it refuses. What needs a dma_buf runs in the guest (test/vm) and says elsewhere why it
 * does not. How long things live: ../vulkan/source-lifetime.test.ts.
 */
import { closeSync, fstatSync, readFileSync, readlinkSync } from 'node:fs';
import t, { type Test } from 'tap';
import { formatInfo } from '../../../src/memory/formats.js';
import { fourcc, MOD_INVALID, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import { type Allocation, Usage } from '../../../src/memory/source.js';
import { info } from '../../../src/native/dmabuf.js';
import { isDmaBuf } from '../../../src/native/kind.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import { memoryProperties } from '../../../src/native/vulkan/memory-properties.js';
import { refused } from '../../support/refused.js';
import {
  AR24,
  buffer,
  dmaBuf,
  fdOf,
  image,
  isZero,
  MIB,
  mapped,
  must,
  needs,
  opaque,
  openFds,
  probe,
  reasonOf,
  refusal,
  sourceOf,
  validation,
} from '../vulkan/source-helpers.js';
import { expectNoValidationMessages, inGuest } from '../vulkan/validation.js';

t.test('the probe says what there is, in order of preference', async (t) => {
  t.strictSame(
    probe.states.map((state) => [state.name, state.handleType]),
    [
      ['vulkan', 'dma_buf'],
      ['vulkan', 'opaque_fd'],
    ],
  );
  for (const { usable, reason, handleType } of probe.states) {
    t.ok(reason.length > 0, `${handleType}: ${usable ? 'usable' : 'not usable'}: ${reason}`);
    t.equal(usable, sourceOf(handleType) !== undefined);
  }
});

t.test('an unknown device is a reason that lists the devices', async (t) => {
  const { states, sources, device } = probeVulkan('no such device');
  t.strictSame(sources, []);
  t.equal(device, null);
  if (probe.device) t.match(states[0]?.reason, probe.device.name);
});

t.test(
  'the device description is plain JSON',
  {
    skip: !inGuest && !probe.device && reasonOf('dma_buf'),
  },
  async (t) => {
    const { device } = probe;
    if (!device) return t.fail(reasonOf('dma_buf'));
    t.strictSame(JSON.parse(JSON.stringify(device)), device);
    t.match(device, {
      name: /./,
      type: /^(discrete_gpu|integrated_gpu|virtual_gpu|cpu|other)$/,
      apiVersion: /^1\.\d+\.\d+$/,
      deviceUuid: /^[0-9a-f]{32}$/,
      driverUuid: /^[0-9a-f]{32}$/,
      driver: { name: /./, info: String },
    });
    t.equal(device.extensions.length, 7);
    for (const extension of device.extensions) t.ok(extension.reason, extension.name);
    t.ok(device.heaps.length > 0 && device.memoryTypes.length > 0);
    t.ok(device.memoryTypes.some((type) => type.flags.includes('device_local')));
    t.ok(device.limits.maxAllocations >= 4096, 'the least that the specification allows');
    t.ok(device.limits.maxImageDimension2d >= 4096);
  },
);

t.test('buffers of any size', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  for (const size of [1, 4096, 65537, 32 * MIB]) {
    const allocation = source.allocate(buffer(size, Usage.storage), `b${size}`);
    const fd = fdOf(allocation);
    t.match(allocation, { source: 'vulkan', handleType: 'dma_buf', modifier: null });
    t.strictSame(allocation.planes, [{ fd, memory: 0, offset: 0, stride: 0 }]);
    t.ok(allocation.size >= size);
    checkFd(t, fd, `b${size}`, allocation);
    source.free(allocation.key);
    t.equal(info(fd)?.count, 1, 'freed: only the fd is left');
    closeSync(fd);
  }
});

t.test('linear images of each format', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  for (const name of ['XR24', 'AR24', 'AB24', 'XB24']) {
    const format = fourcc(name);
    const allocation = source.allocate(image(1920, 1080, { format }), name);
    const fd = fdOf(allocation);
    const [plane] = allocation.planes;
    t.equal(allocation.planes.length, 1);
    t.equal(allocation.modifier, MOD_LINEAR);
    t.ok((plane?.stride ?? 0) >= 1920 * (formatInfo(format)?.planes[0]?.bytesPerBlock ?? 0));
    const end = (plane?.offset ?? 0) + (plane?.stride ?? 0) * 1080;
    t.ok(end <= allocation.size, 'the last row is inside');
    checkFd(t, fd, name, allocation);
    source.free(allocation.key);
    t.equal(info(fd)?.count, 1);
    closeSync(fd);
  }
});

/** What every exported fd must be. */
function checkFd(t: Test, fd: number, id: string, allocation: Allocation): void {
  t.match(readlinkSync(`/proc/self/fd/${fd}`), /\/dmabuf:/);
  t.ok(isDmaBuf(fd));
  const FD_CLOEXEC = 0o2000000;
  const flags = /^flags:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  t.ok(Number.parseInt(flags ?? '0', 8) & FD_CLOEXEC, 'close-on-exec');
  t.match(info(fd), { name: `dmabroker:${id}`, exporter: allocation.exporter });
  t.equal(info(fd)?.size, allocation.size, 'what is charged is what the kernel says');
  t.ok(mapped(fd, allocation.size, isZero), 'all of it is zero');
}

t.test('the offers are what can be allocated', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  const offers = source.formats();
  t.ok(offers.some((offer) => offer.format === AR24 && offer.modifier === MOD_LINEAR));
  for (const { format, modifier, planes } of offers) {
    const usage = Usage.transfer;
    const allocation = source.allocate(
      image(64, 64, { format, modifiers: [modifier], usage }),
      'o',
    );
    t.equal(allocation.modifier, modifier);
    t.equal(allocation.planes.length, planes);
    source.free(allocation.key);
    closeSync(fdOf(allocation));
  }
});

t.test('a plan is what an allocation then is, and leaves nothing', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  const { device } = source;
  const specs = [
    buffer(65537),
    buffer(MIB, Usage.cpuRead),
    image(1366, 768),
    image(640, 480, { format: fourcc('NV12'), separatePlanes: true }),
    image(640, 480, { alignment: { stride: 4096, height: 16 }, placement: 'host_cached' }),
  ];
  for (const spec of specs) {
    const before = [openFds(), device.liveAllocations];
    const plan = source.plan(spec);
    t.same([openFds(), device.liveAllocations], before, 'no fd, no memory');
    const allocation = source.allocate(spec, 'plan');
    const fds = [...new Set(allocation.planes.map(({ fd }) => fd))];
    t.equal(plan.modifier, allocation.modifier);
    t.same(plan.placement, allocation.placement);
    t.ok(plan.placement.includes('host_visible'), 'lavapipe has no other');
    t.equal(plan.memories.length, fds.length);
    t.ok(plan.memories.reduce((sum, size) => sum + size, 0) <= allocation.size);
    t.same(
      plan.planes.map(({ memory, offset, stride }) => [memory, offset, stride]),
      allocation.planes.map(({ fd, offset, stride }) => [fds.indexOf(fd), offset, stride]),
    );
    source.free(allocation.key);
    for (const fd of fds) closeSync(fd);
  }
});

t.test('a plan is refused as an allocation is', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  const wrong = [
    image(64, 64, { format: fourcc('ABCD') }),
    image(64, 64, { modifiers: [MOD_INVALID] }),
    image(2 ** 20, 1),
    buffer(2 ** 40),
  ];
  for (const spec of wrong) {
    const { code, message, refusal: why } = refusal(source, spec);
    t.match(
      refused(() => source.plan(spec)),
      { code, message, refusal: why },
      message,
    );
  }
});

t.test('a heap that is full is named, with its budget', needs('dma_buf'), async (t) => {
  const { device } = must(dmaBuf);
  const budgets = device.heapBudgets?.read();
  if (budgets === undefined) return t.fail('lavapipe has VK_EXT_memory_budget');
  const { budget, usage } = budgets(0);
  t.ok(budget > 0n && budget <= (device.memory.heaps[0]?.size ?? 0n));
  t.ok(usage >= 0n);
  t.same(memoryProperties(device).heaps[0]?.usage !== null, true, 'the long way tells as much');
});

t.test('of several modifiers those that the device has are used', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  const modifiers = [0x0100_0000_0000_0001n, MOD_INVALID, MOD_LINEAR];
  const allocation = source.allocate(image(1366, 768, { modifiers, usage: Usage.cpuRead }), 'm');
  t.equal(allocation.modifier, MOD_LINEAR);
  source.free(allocation.key);
  closeSync(fdOf(allocation));
});

t.test('images are refused for a reason', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  const most = probe.device?.limits.maxImageDimension2d ?? 0;
  t.match(refusal(source, image(64, 64, { modifiers: [MOD_INVALID] })), {
    code: 'unsupported_modifier',
    refusal: { constraint: 'modifiers', possible: ['0x0000000000000000'] },
  });
  t.match(refusal(source, image(64, 64, { modifiers: [] })), { code: 'unsupported_modifier' });
  t.match(refusal(source, image(64, 64, { format: fourcc('ABCD') })), {
    code: 'unsupported_format',
    refusal: { requested: 'ABCD', possible: ['AR24', 'XR24', 'AB24', 'XB24'] },
  });
  t.match(refusal(source, image(0, 0)), { code: 'invalid_argument' });
  t.match(refusal(source, image(64, 0.5)), {
    code: 'invalid_argument',
    refusal: { constraint: 'height' },
  });
  for (const [width, height] of [
    [most + 1, 1],
    [1, 2 ** 32],
    [2 ** 53 - 1, 2 ** 53 - 1],
  ] as const) {
    t.match(refusal(source, image(width, height)), {
      code: 'too_large',
      refusal: { requested: { width, height }, possible: { width: most, height: most } },
    });
  }
  t.match(refusal(source, image(64, 64, { usage: 512 })), { code: 'invalid_argument' });
});

for (const [type, source] of [
  ['dma_buf', dmaBuf],
  ['opaque_fd', opaque],
] as const) {
  t.test(`${type}: buffers are refused for a reason`, needs(type), async (t) => {
    for (const size of [0, -1, 0.5, Number.NaN, 2 ** 53, 2 ** 64, 1e300]) {
      t.match(refusal(must(source), buffer(size)), {
        code: 'invalid_argument',
        refusal: { constraint: 'size' },
      });
    }
    for (const size of [2 ** 53 - 1, 2 ** 40]) {
      const error = refusal(must(source), buffer(size));
      t.match(error, { code: 'too_large', refusal: { constraint: 'size', requested: size } });
      t.ok(Number(error.refusal.possible) > 0);
    }
  });
}

t.test('opaque fds are no dma_bufs, and carry no images', needs('opaque_fd'), async (t) => {
  const source = must(opaque);
  const allocation = source.allocate(buffer(65537), 'o');
  const fd = fdOf(allocation);
  t.equal(isDmaBuf(fd), false);
  t.ok(fstatSync(fd));
  t.match(allocation, { handleType: 'opaque_fd', exporter: null });
  source.free(allocation.key);
  closeSync(fd);
  t.strictSame(source.formats(), []);
  t.match(refusal(source, image(64, 64)), { code: 'unsupported_handle_type' });
  t.throws(() => source.free(allocation.key), { code: 'internal' }, 'freed once only');
});

t.test('close', async () => {
  for (const source of probe.sources) source.close();
});

expectNoValidationMessages(t, validation);
