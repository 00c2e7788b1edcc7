/**
 * What becomes of the Vulkan source's memory, objects and fds: over many cycles, when something fails, when
 * a limit is reached, when the source is closed; and that memory is zero on every path.
 */
import { closeSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import type { CheckedSpec } from '../../../src/memory/source.js';
import { info } from '../../../src/native/dmabuf.js';
import { isDmaBuf } from '../../../src/native/kind.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import type { Zeroing } from '../../../src/native/vulkan/zero.js';
import {
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
  refusal,
  validation,
} from './source-helpers.js';
import { expectNoValidationMessages, inGuest } from './validation.js';

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
      const specs: CheckedSpec[] = [buffer(1), buffer(65537), buffer(MIB)];
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
});

expectNoValidationMessages(t, validation);
