/**
 * The Vulkan source against a real device, with the validation layer on. What needs a dma_buf runs in
 * the guest (test/vm) and says elsewhere why it does not; opaque fds do for the rest.
 */
import {
  closeSync,
  fstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import t, { type Test } from 'tap';
import { BrokerError } from '../../../src/broker/errors.js';
import { formatInfo, fourcc, MOD_INVALID, MOD_LINEAR } from '../../../src/broker/fourcc.js';
import { type Allocation, type MemorySpec, Usage } from '../../../src/broker/source.js';
import { info, isDmaBuf, sync } from '../../../src/native/dmabuf.js';
import { callInt, callLong, symbol, viewOf } from '../../../src/native/ffi.js';
import { probeVulkan, type VulkanSource } from '../../../src/native/sources/vulkan.js';
import type { Zeroing } from '../../../src/native/vulkan/zero.js';
import { enableValidation, expectNoValidationMessages, inGuest } from '../vulkan/validation.js';

const MIB = 1024 * 1024;
const AR24 = fourcc('AR24');

// Under TCG, with validation, everything takes ten times as long.
if (inGuest) t.setTimeout(300_000);

const validation = enableValidation();
const fdsBefore = openFds();
const probe = probeVulkan();
const dmaBuf = sourceOf('dma_buf');
const opaque = sourceOf('opaque_fd');
const needs = (type: 'dma_buf' | 'opaque_fd') => ({
  skip: !inGuest && !sourceOf(type) && reasonOf(type),
});

function sourceOf(type: string): VulkanSource | undefined {
  return probe.sources.find((source) => source.handleType === type);
}

function reasonOf(type: string): string {
  return probe.states.find((state) => state.handleType === type)?.reason ?? '';
}

function must(source: VulkanSource | undefined): VulkanSource {
  if (!source) throw new Error(probe.states.map((state) => state.reason).join('; '));
  return source;
}

function openFds(): number {
  return readdirSync('/proc/self/fd').length;
}

const image = (width: number, height: number, more: object = {}): MemorySpec => ({
  kind: 'image',
  width,
  height,
  format: AR24,
  modifiers: [MOD_LINEAR],
  usage: Usage.sample | Usage.render | Usage.transfer,
  ...more,
});
const buffer = (size: number, usage: number = Usage.transfer): MemorySpec => ({
  kind: 'buffer',
  size,
  usage,
});

function fdOf(allocation: Allocation): number {
  const fd = allocation.planes[0]?.fd ?? -1;
  if (allocation.planes.some((plane) => plane.fd !== fd)) throw new Error('several fds');
  return fd;
}

function refusal(source: VulkanSource, spec: MemorySpec): BrokerError {
  try {
    source.allocate(spec, 'refused');
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

/** Runs `body` over the memory of a dma_buf. */
function mapped<T>(fd: number, size: number, body: (bytes: Buffer) => T): T {
  const at = callLong(symbol('mmap'), 0, size, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (at <= 0) throw new Error(`mmap: ${at}`);
  sync(fd, 'start', { read: true, write: true });
  try {
    return body(viewOf(at, size));
  } finally {
    sync(fd, 'end', { read: true, write: true });
    callInt(symbol('munmap'), at, size);
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(Buffer.alloc(bytes.length));
}

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
      api_version: /^1\.\d+\.\d+$/,
      device_uuid: /^[0-9a-f]{32}$/,
      driver_uuid: /^[0-9a-f]{32}$/,
      driver: { name: /./, info: String },
    });
    t.equal(device.extensions.length, 7);
    for (const extension of device.extensions) t.ok(extension.reason, extension.name);
    t.ok(device.heaps.length > 0 && device.memory_types.length > 0);
    t.ok(device.memory_types.some((type) => type.flags.includes('device_local')));
    t.ok(device.limits.max_allocations >= 4096, 'the least that the specification allows');
    t.ok(device.limits.max_image_dimension_2d >= 4096);
  },
);

t.test('buffers of any size', needs('dma_buf'), async (t) => {
  const source = must(dmaBuf);
  for (const size of [1, 4096, 65537, 32 * MIB]) {
    const allocation = source.allocate(buffer(size, Usage.storage), `b${size}`);
    const fd = fdOf(allocation);
    t.match(allocation, { source: 'vulkan', handleType: 'dma_buf', modifier: null });
    t.strictSame(allocation.planes, [{ fd, offset: 0, stride: 0 }]);
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
    t.ok((plane?.stride ?? 0) >= 1920 * (formatInfo(format)?.bytesPerPixel ?? 0));
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
  const most = probe.device?.limits.max_image_dimension_2d ?? 0;
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
  t.match(refusal(source, image(64, 64, { usage: 64 })), { code: 'invalid_argument' });
});

t.test(
  'more than udmabuf takes is refused with its limit, and loses no fd',
  {
    skip: !inGuest && 'changes a kernel parameter: in the guest only',
  },
  async (t) => {
    const source = must(dmaBuf);
    const file = '/sys/module/udmabuf/parameters/size_limit_mb';
    const limit = readFileSync(file, 'utf8');
    t.teardown(() => writeFileSync(file, limit));
    writeFileSync(file, '64');
    const before = openFds();
    for (const spec of [buffer(64 * MIB + 1), image(8192, 8192)]) {
      t.match(refusal(source, spec), {
        code: 'too_large',
        message: /size_limit_mb \(now 64\)/,
        refusal: { constraint: 'size', possible: 64 * MIB },
      });
    }
    t.equal(openFds(), before);
    const most = source.allocate(buffer(64 * MIB), 'most');
    source.free(most.key);
    closeSync(fdOf(most));
  },
);

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

  t.test(`${type}: 500 cycles leave nothing behind`, needs(type), async (t) => {
    const one = must(source);
    const before = { fds: openFds(), memory: one.device.liveAllocations, kept: one.live };
    for (let i = 0; i < 500; i++) {
      const spec = i % 2 === 0 && type === 'dma_buf' ? image(64, 64) : buffer(4096);
      const allocation = one.allocate(spec, `c${i}`);
      one.free(allocation.key);
      closeSync(fdOf(allocation));
      if (i % 50 === 0) refusal(one, buffer(2 ** 50));
    }
    const after = { fds: openFds(), memory: one.device.liveAllocations, kept: one.live };
    t.strictSame(after, before);
  });

  for (const zeroing of ['auto', 'map', 'fill'] satisfies Zeroing[]) {
    t.test(`${type}: zeroing by ${zeroing}`, needs(type), async (t) => {
      must(source);
      const { sources } = probeVulkan(undefined, { zeroing });
      t.teardown(() => {
        for (const each of sources) each.close();
      });
      const one = must(sources.find((each) => each.handleType === type));
      const specs = [buffer(1), buffer(65537), buffer(MIB)];
      if (type === 'dma_buf') specs.push(image(640, 480));
      // Its memory is no whole number of pages: a mapping would leave the last one's end.
      if (type === 'dma_buf' && zeroing !== 'map') specs.push(image(33, 17));
      for (const spec of specs) {
        const allocation = one.allocate(spec, 'zero');
        if (zeroing !== 'auto') t.equal(one.lastZeroPath, zeroing);
        const fd = fdOf(allocation);
        if (type === 'dma_buf') t.ok(mapped(fd, allocation.size, isZero));
        one.free(allocation.key);
        closeSync(fd);
      }
    });
  }
}

t.test('a failure after the export leaves nothing behind', needs('dma_buf'), async (t) => {
  must(dmaBuf);
  const { sources } = probeVulkan(undefined, { zeroing: 'map' });
  const one = must(sources.find((each) => each.handleType === 'dma_buf'));
  const before = { fds: openFds(), memory: one.device.liveAllocations, kept: one.live };
  const error = refusal(one, image(33, 17));
  t.match(error, { code: 'internal', message: /cannot map all/ }, 'clearing is the last step');
  const after = { fds: openFds(), memory: one.device.liveAllocations, kept: one.live };
  t.strictSame(after, before);
  for (const each of sources) each.close();
});

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

t.test('the number of allocations has a limit', needs('opaque_fd'), async (t) => {
  const source = must(opaque);
  const { limits } = source.device.physical;
  const { maxAllocations } = limits;
  t.teardown(() => Object.assign(limits, { maxAllocations }));
  Object.assign(limits, { maxAllocations: source.device.liveAllocations });
  t.match(refusal(source, buffer(4096)), {
    code: 'out_of_memory',
    refusal: { constraint: 'max_allocations', possible: source.device.liveAllocations },
  });
});

t.test('closing frees everything', async (t) => {
  const kept = probe.sources.map((source) => source.allocate(buffer(4096), 'left'));
  for (const source of probe.sources) source.close();
  for (const allocation of kept) {
    const fd = fdOf(allocation);
    if (isDmaBuf(fd)) t.equal(info(fd)?.count, 1, 'the fd outlives its source');
    closeSync(fd);
  }
  // The driver keeps fds of its own (shader cache, render node) for the life of the process.
  t.comment(`${fdsBefore} fds before, ${openFds()} after`);
});

expectNoValidationMessages(t, validation);
