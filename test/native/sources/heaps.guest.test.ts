/**
 * Linear memory where there are exporters: the system heap, udmabuf, and Vulkan's buffers for what
 * lavapipe has no image of. Every format, in one dma_buf and in several; what is left behind.
 */
import { closeSync, existsSync, fstatSync, readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { checked } from '../../../src/memory/check-spec.js';
import { formats } from '../../../src/memory/formats.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import { linearLayout } from '../../../src/memory/layout.js';
import {
  type Allocation,
  type ImageSpec,
  type MemorySource,
  Usage,
} from '../../../src/memory/source.js';
import { toEnd } from '../../../src/memory/steps.js';
import { info } from '../../../src/native/dmabuf.js';
import { isDmaBuf } from '../../../src/native/kind.js';
import { isCloexec } from '../../../src/native/libc/fd.js';
import { clear } from '../../../src/native/sources/dma-heap.js';
import { probeHeaps, probeUdmabuf } from '../../../src/native/sources/probe.js';
import { udmabufLimits } from '../../../src/native/udmabuf-limits.js';
import { refused } from '../../support/refused.js';
import { isZero, mapped, probe, validation, dmaBuf as vulkan } from '../vulkan/source-helpers.js';
import { expectNoValidationMessages } from '../vulkan/validation.js';

const MIB = 2 ** 20;
const heaps = probeHeaps();
const udmabuf = probeUdmabuf();
const fds = () => readdirSync('/proc/self/fd').length;

const image = (name: string, more: Partial<ImageSpec> = {}) =>
  checked<ImageSpec>({
    kind: 'image',
    width: 1920,
    height: 1080,
    format: fourcc(name),
    modifiers: [MOD_LINEAR],
    usage: Usage.transfer,
    ...more,
  });

function drop(source: MemorySource, allocation: Allocation): void {
  source.free(allocation.key);
  for (const fd of new Set(allocation.planes.map((plane) => plane.fd))) closeSync(fd);
}

/** What each memory of an allocation must be. */
function checkMemories(t: Test, allocation: Allocation, id: string): void {
  const memories = [...new Set(allocation.planes.map((plane) => plane.fd))];
  let total = 0;
  for (const [index, fd] of memories.entries()) {
    t.ok(isDmaBuf(fd), 'a dma_buf');
    t.ok(isCloexec(fd), 'close-on-exec');
    const found = info(fd);
    const name = index === 0 ? `dmabroker:${id}` : `dmabroker:${id}.${index}`;
    t.match(found, { exporter: allocation.exporter, name });
    const { size } = fstatSync(fd);
    t.equal(found?.size, size);
    t.ok(mapped(fd, size, isZero), 'all of it is zero');
    total += size;
  }
  t.equal(allocation.size, total, 'what is charged is what the kernel says');
}

const [system] = heaps.sources;
const [direct] = udmabuf.sources;
const sources: [string, string, MemorySource | undefined][] = [
  ['the system heap', 'system', system],
  ['udmabuf', 'udmabuf', direct],
  ['vulkan', 'udmabuf', vulkan],
];

t.test('both exporters of the kernel are there, and say what they are', async (t) => {
  t.match(heaps.states[0], { name: 'dma-heap:system', handleType: 'dma_buf', usable: true });
  t.match(udmabuf.states, [{ name: 'udmabuf', usable: true, reason: /size_limit_mb.*list_limit/ }]);
});

for (const [title, exporter, source] of sources) {
  t.test(title, { skip: source === undefined && 'not usable' }, async (t) => {
    if (source === undefined) return;
    const before = fds();

    await t.test('linear memory', async (t) => {
      for (const size of [1, 4096, 4097, 3 * MIB]) {
        const spec = checked({ kind: 'buffer', size, usage: Usage.cpuRead });
        const allocation = source.allocate(spec, 'b');
        t.equal(allocation.exporter, exporter);
        t.equal(allocation.size, Math.ceil(size / 4096) * 4096);
        checkMemories(t, allocation, 'b');
        drop(source, allocation);
      }
      const spec = checked({ kind: 'buffer', size: 5, usage: 4, alignment: { size: 65_536 } });
      const aligned = source.allocate(spec, 'a');
      t.equal(aligned.size, 65_536);
      drop(source, aligned);
    });

    await t.test('NV12 in one dma_buf', async (t) => {
      const allocation = source.allocate(image('NV12'), 'n');
      const [luma, chroma] = allocation.planes;
      t.match(allocation, { modifier: MOD_LINEAR, size: 3_112_960 });
      t.match(luma, { offset: 0, stride: 1920 });
      t.match(chroma, { fd: luma?.fd, offset: 1920 * 1080, stride: 1920 });
      checkMemories(t, allocation, 'n');
      drop(source, allocation);
    });

    await t.test('NV12 in two dma_bufs', async (t) => {
      const allocation = source.allocate(image('NV12', { separatePlanes: true }), 's');
      const [luma, chroma] = allocation.planes;
      t.not(luma?.fd, chroma?.fd);
      t.match(
        [luma, chroma],
        [
          { offset: 0, stride: 1920 },
          { offset: 0, stride: 1920 },
        ],
      );
      checkMemories(t, allocation, 's');
      t.equal(fstatSync(chroma?.fd ?? -1).size, 1_040_384);
      drop(source, allocation);
    });

    await t.test('NV12 for a codec', async (t) => {
      const alignment = { stride: 256, height: 16 };
      const allocation = source.allocate(image('NV12', { alignment }), 'c');
      t.match(allocation.planes, [
        { offset: 0, stride: 2048 },
        { offset: 2048 * 1088, stride: 2048 },
      ]);
      t.equal(allocation.size, 3_342_336);
      drop(source, allocation);
    });

    await t.test('every format that is offered, of odd dimensions', async (t) => {
      const offers = source.formats().filter(({ modifier }) => modifier === MOD_LINEAR);
      t.strictSame(offers.map(({ format }) => format).sort(), formats.map((f) => f.code).sort());
      for (const { format, planes, made } of offers) {
        const info = formats.find(({ code }) => code === format);
        if (info === undefined) throw new Error(`an offer of ${format}`);
        const extent = { width: 101, height: 67 };
        const spec = image(info.name, { ...extent, usage: Usage.cpuRead });
        const allocation = source.allocate(spec, 'f');
        t.equal(allocation.planes.length, planes, info.name);
        if (made === 'layout') {
          const wanted = linearLayout(info, extent);
          const strip = ({ offset, stride }: { offset: number; stride: number }) => [
            offset,
            stride,
          ];
          t.strictSame(allocation.planes.map(strip), wanted.planes.map(strip), info.name);
        }
        drop(source, allocation);
      }
    });

    t.equal(fds(), before, 'no fd is left');
  });
}

t.test("a driver's image, unless its layout does not do", { skip: !vulkan }, async (t) => {
  if (vulkan === undefined) return;
  const small = { width: 1366, height: 768 };
  const own = vulkan.allocate(image('AR24', { ...small, alignment: { stride: 128 } }), 'i');
  t.match(own.planes, [{ stride: 5504 }], "the driver's stride is a multiple of 128");
  drop(vulkan, own);
  const other = vulkan.allocate(image('AR24', { ...small, alignment: { stride: 256 } }), 'l');
  t.match(other, { planes: [{ stride: 5632 }], size: 5632 * 768 });
  drop(vulkan, other);
  t.equal(vulkan.live, 0);
});

t.test('more than udmabuf makes at once is refused', { skip: !direct }, async (t) => {
  const limit = udmabufLimits()?.size ?? 0;
  t.ok(limit >= 64 * MIB);
  const before = fds();
  const spec = checked({ kind: 'buffer', size: limit + 1, usage: 4 });
  t.match(
    refused(() => direct?.allocate(spec, 'x')),
    {
      code: 'too_large',
      message: /size_limit_mb/,
      refusal: { constraint: 'size', requested: limit + 4096, possible: { max: limit } },
    },
  );
  t.equal(fds(), before);
});

t.test('more than the machine has is refused', { skip: !system }, async (t) => {
  const spec = checked({ kind: 'buffer', size: 2 ** 45, usage: 4 });
  t.match(
    refused(() => system?.allocate(spec, 'x')),
    {
      code: 'too_large',
      refusal: { constraint: 'size', requested: 2 ** 45 },
    },
  );
});

t.test('memory of a heap that promises nothing is cleared', { skip: !system }, async (t) => {
  const allocation = system?.allocate(checked({ kind: 'buffer', size: 8192, usage: 4 }), 'd');
  const fd = allocation?.planes[0]?.fd ?? -1;
  mapped(fd, 8192, (bytes) => bytes.fill(0xa5));
  t.notOk(mapped(fd, 8192, isZero));
  toEnd(clear(fd, 8192));
  t.ok(mapped(fd, 8192, isZero));
  closeSync(fd);
});

t.test('what is missing is said', async (t) => {
  t.match(probeHeaps('/nowhere').states, [
    { name: 'dma-heap', usable: false, reason: /ENOENT.*nowhere/ },
  ]);
  t.match(probeUdmabuf('/dev/nowhere').states, [{ usable: false, reason: /ENOENT/ }]);
  t.match(probeUdmabuf('/dev/null').states, [
    { usable: false, reason: /trial allocation failed: ioctl: ENOTTY \(UDMABUF_CREATE\)/ },
  ]);
  t.ok(existsSync('/dev/udmabuf'));
});

t.test('close', async () => {
  for (const source of [...heaps.sources, ...udmabuf.sources, ...probe.sources]) source.close();
});

expectNoValidationMessages(t, validation);
