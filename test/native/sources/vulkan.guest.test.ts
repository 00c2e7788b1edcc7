/**
 * The Vulkan source against a real device, with the validation layer on: what it says of the device, what
 * it allocates, what it refuses. What needs a dma_buf runs in the guest (test/vm) and says elsewhere why it
 * does not. How long things live: ../vulkan/source-lifetime.test.ts.
 */
import { closeSync, fstatSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import t, { type Test } from 'tap';
import {
  differs,
  opaqueModifiers,
  picture,
  writePicture,
} from '../../../bench/support/vulkan-image.js';
import { checked } from '../../../src/memory/check-spec.js';
import { formatInfo } from '../../../src/memory/formats.js';
import { fourcc, MOD_INVALID, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import { type Allocation, Usage } from '../../../src/memory/source.js';
import { toEnd } from '../../../src/memory/steps.js';
import { planRead, referenceTo } from '../../../src/memory/work.js';
import { info } from '../../../src/native/dmabuf.js';
import { isDmaBuf } from '../../../src/native/kind.js';
import { CudaDevices } from '../../../src/native/sources/cuda-devices.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import { inPieces } from '../../../src/native/transfer/pieces.js';
import { Transfers } from '../../../src/native/transfer/transfers.js';
import {
  type BindableImages,
  bindableImages,
  NotTried,
} from '../../../src/native/vulkan/bindable.js';
import { memoryProperties } from '../../../src/native/vulkan/memory-properties.js';
import { refused } from '../../support/refused.js';
import { CudaDouble, driverOf, library, NOTHING } from '../cuda/double.js';
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

/** What is open, without what it is looked for by, and without the validation layer's logs: one stays of each instance. */
const files = () =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    })
    .filter((link) => link !== '' && !/\/dmabroker-validation-\w+\/log$/.test(link))
    .sort();

t.test('images of CUDA’s memory, by its double', needs('opaque_fd'), async (t) => {
  const { device } = must(opaque);
  const { deviceUuid: uuid } = device.physical;
  const sample = must(opaque).allocate(buffer(4096), 'sample');
  const driver = driverOf(fdOf(sample));
  must(opaque).free(sample.key);
  closeSync(fdOf(sample));
  const bindable = bindableImages(device);
  const spec = checked(image(333, 77));
  const layout = bindable.layout(spec);
  if (typeof layout === 'string') throw new Error(layout);
  t.ok(layout.size >= 333 * 77 * 4);
  const planar = checked(image(64, 32, { format: fourcc('NV12'), usage: Usage.transfer }));
  t.equal(bindable.layout(planar), 'NV12 has several planes', 'which are the broker’s to lay out');

  for (const [how, id] of Object.entries({ bound: driver, 'not bound': '' })) {
    const before = files();
    const double = new CudaDouble();
    Object.assign(process.env, double.variables({ uuid, driver: id }));
    let changes = 0;
    const events = { lost: () => {}, renewed: () => {}, changed: () => void changes++ };
    let hasRunOut = false;
    let tried = 0;
    const images: BindableImages = {
      layout: (...asked) => bindable.layout(...asked),
      problem: (...asked) => {
        tried++;
        if (hasRunOut) throw new NotTried('the device allows 4096 allocations at once');
        return bindable.problem(...asked);
      },
    };
    const vulkan = { placeOf: () => ({ heap: 0, memoryType: 0 }), imagesOf: () => images };
    const cuda = new CudaDevices(events, vulkan, library);
    const source = cuda.source(undefined, 'dma_buf', null);
    const made = toEnd(source.allocating(spec, 'i', ['opaque_fd']));
    const [plane] = made.planes;
    const [{ reason = '' } = {}] = cuda.mainStates(uuid);
    if (plane === undefined) throw new Error('it has no plane');
    const { offset, stride } = plane;
    const [opaqueFd = -1] = made.faces?.[0]?.fds ?? [];
    if (how === 'bound') {
      t.same([{ offset, stride }], layout.planes, 'as Vulkan lays it out');
      t.same(made.vulkan, layout.terms);
      t.equal(reason, 'Double 0');
      const { size } = made;
      const shared = {
        fd: opaqueFd,
        size,
        width: 333,
        height: 77,
        offset,
        stride,
        ...layout.terms,
      };
      const wanted = picture(shared, 5);
      writePicture(uuid, shared, wanted);
      t.comment(`modifiers that are imported as OPAQUE_FD: ${opaqueModifiers(uuid)}`);
      const whole = { offset: 0n, size: BigInt(size) };
      const planned = planRead({ spec, allocation: made }, whole);
      const work = {
        kind: 'read',
        source: referenceTo({ spec, allocation: made }),
        ...planned,
      } as const;
      const done = toEnd(inPieces(work, (body) => body(new Transfers(null, null, cuda))));
      const fd = done.content?.fd ?? -1;
      const bytes = Buffer.alloc(size);
      readSync(fd, bytes, 0, size, 0);
      closeSync(fd);
      t.equal(differs(bytes, shared, wanted), null, 'what Vulkan has written CUDA reads');
      const row = bytes.subarray(offset + 333 * 4, offset + stride);
      t.ok(row.equals(Buffer.alloc(row.length)), 'and nothing beside it');
      for (const ranOut of [true, false]) {
        hasRunOut = ranOut;
        const other = toEnd(source.allocating(spec, 'other'));
        source.free(other.key);
        for (const { fd } of other.planes) closeSync(fd);
        const [its] = other.planes;
        t.ok(its !== undefined && its.stride >= 333 * 4, 'it is had in any case');
      }
      t.equal(tried, 3, 'that something has run out unbinds no later images');
      t.equal(changes, 0);
      t.equal(cuda.mainStates(uuid)[0]?.reason, 'Double 0');
    } else {
      t.match(reason, /^Double 0; images are not Vulkan's: .*INVALID_EXTERNAL_HANDLE/);
      t.equal(changes, 1);
      t.match(made, { source: 'cuda', memories: [2 * MIB], vulkan: { dedicated: false } });
      const again = toEnd(source.allocating(spec, 'again'));
      source.free(again.key);
      closeSync(again.planes[0]?.fd ?? -1);
      t.equal(changes, 1, 'it is not tried again');
    }
    source.free(made.key);
    closeSync(plane.fd);
    closeSync(opaqueFd);
    cuda.close();
    t.same([double.live, double.complaints], [NOTHING, '']);
    t.same(files(), before, 'no fd is left');
  }
});

t.test('close', async () => {
  for (const source of probe.sources) source.close();
});

expectNoValidationMessages(t, validation);
