/** The linear source over exporters that fail: what a client is told, and that no fd is left. */
import { closeSync, fstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, totalmem } from 'node:os';
import t from 'tap';
import { checked } from '../../../src/memory/check-spec.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { ImageSpec } from '../../../src/memory/source.js';
import { isCounted, regionMemory, regionOf } from '../../../src/native/cma-regions.js';
import { SystemError } from '../../../src/native/libc/errno.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { type Exporter, LinearSource, memoryName } from '../../../src/native/sources/linear.js';
import { MemfdSource } from '../../../src/native/sources/memfd.js';
import { probeHeaps } from '../../../src/native/sources/probe.js';
import { udmabufLimits } from '../../../src/native/udmabuf-limits.js';
import { refused } from '../../support/refused.js';

const fds = () => readdirSync('/proc/self/fd').length;
const buffer = (size: number) => checked({ kind: 'buffer', size, usage: 4 });
const yuv = checked<ImageSpec>({
  kind: 'image',
  width: 64,
  height: 64,
  format: fourcc('YU12'),
  modifiers: [5n, MOD_LINEAR],
  usage: 4,
  separatePlanes: true,
});

type Create = (bytes: number, name: string) => number;

/** An exporter of memfds, with another behaviour here and there. */
const exporter = ({
  create = sealed,
  ...changes
}: Partial<Omit<Exporter, 'create'>> & { create?: Create } = {}): Exporter => ({
  name: 'udmabuf',
  handleType: 'dma_buf',
  exporter: 'udmabuf',
  committed: false,
  limit: () => null,
  // biome-ignore lint/correctness/useYield: it makes no call that takes long
  create: function* (bytes, name) {
    return create(bytes, name);
  },
  close: () => {},
  ...changes,
});
const sealed: Create = (bytes, name) => sealedMemfd(name, bytes);

t.test('three planes, three memories, three names', async (t) => {
  const made: string[] = [];
  const source = new LinearSource(
    exporter({
      create: (bytes, name) => {
        made.push(name);
        return sealedMemfd(name, bytes);
      },
    }),
  );
  const { planes, size } = source.allocate(yuv, 'abc');
  t.strictSame(made, ['dmabroker:abc', 'dmabroker:abc.1', 'dmabroker:abc.2']);
  t.equal(new Set(planes.map(({ fd }) => fd)).size, 3);
  t.equal(size, 128 * 64 + 4096 + 4096);
  for (const { fd } of planes) {
    t.equal(fstatSync(fd).size % 4096, 0);
    closeSync(fd);
  }
  t.ok(memoryName('a234567b34567', 3).length <= 31, 'DMA_BUF_SET_NAME takes it');
});

t.test('a failure half-way leaves nothing', async (t) => {
  const cases: [number, string, RegExp][] = [
    [constants.errno.EMFILE, 'limit_exceeded', /out of file descriptors/],
    [constants.errno.ENFILE, 'limit_exceeded', /out of file descriptors/],
    [constants.errno.ENOMEM, 'out_of_memory', /udmabuf has no 16384 bytes: ioctl: ENOMEM/],
  ];
  for (const [errno, code, message] of cases) {
    let left = 2;
    const source = new LinearSource(
      exporter({
        create: (bytes, name) => {
          if (left-- === 0) throw new SystemError('ioctl', errno);
          return sealedMemfd(name, bytes);
        },
      }),
    );
    const before = fds();
    t.match(
      refused(() => source.allocate(yuv, 'x')),
      { code, message },
    );
    t.equal(fds(), before);
  }
  const broken = new LinearSource(
    exporter({
      create: () => {
        throw new TypeError('a defect');
      },
    }),
  );
  t.throws(() => broken.allocate(buffer(1), 'x'), TypeError, 'a defect stays one');
});

t.test('limits', async (t) => {
  const limited = new LinearSource(exporter({ limit: () => ({ bytes: 8192, reason: 'so' }) }));
  t.match(
    refused(() => limited.allocate(buffer(8193), 'x')),
    {
      code: 'too_large',
      message: /at most 8192 bytes at once: so/,
      refusal: { constraint: 'size', requested: 12_288, possible: { max: 8192 } },
    },
  );
  const { planes } = limited.allocate(yuv, 'each');
  t.equal(planes.length, 3, 'the limit is for each memory');
  for (const { fd } of planes) closeSync(fd);

  const memfd = new MemfdSource();
  t.match(
    refused(() => memfd.allocate(buffer(2 ** 50), 'x')),
    {
      code: 'too_large',
      refusal: { possible: { max: Number } },
    },
  );
  const committed = new LinearSource(exporter({ committed: true }));
  const { code } = refused(() => committed.allocate(buffer(totalmem() - 2 ** 20), 'x'));
  t.match(code, /out_of_memory|too_large/, 'more than is available now');
});

t.test('what it cannot lay out', async (t) => {
  const source = new MemfdSource();
  t.match(
    refused(() => source.allocate({ ...yuv, modifiers: [5n] }, 'x')),
    {
      code: 'unsupported_modifier',
      refusal: { requested: ['0x0000000000000005'], possible: ['0x0000000000000000'] },
    },
  );
  t.match(
    refused(() => source.allocate({ ...yuv, format: fourcc('ABCD') }, 'x')),
    {
      code: 'unsupported_format',
      refusal: { constraint: 'format', requested: 'ABCD' },
    },
  );
});

t.test('heaps are found by their nodes, system first', async (t) => {
  const folder = t.testdir({ reserved: '', system: '', broken: {} });
  const { states, sources } = probeHeaps(folder);
  t.strictSame(
    states.map(({ name, usable }) => [name, usable]),
    [
      ['dma-heap:system', false],
      ['dma-heap:broken', false],
      ['dma-heap:reserved', false],
    ],
  );
  t.match(states[0]?.reason, /trial allocation failed: ioctl: ENOTTY \(DMA_HEAP_IOCTL_ALLOC\)/);
  t.strictSame(sources, []);
  mkdirSync(`${folder}/none`);
  t.match(probeHeaps(`${folder}/none`).states, [{ name: 'dma-heap', reason: /is empty/ }]);
});

t.test('two nodes of the default region are one source', async (t) => {
  const names = (...heaps: string[]) => {
    const nodes = Object.fromEntries(heaps.map((heap) => [heap, '']));
    const folder = t.testdir({ nodes, regions: {} });
    const { states } = probeHeaps(`${folder}/nodes`, `${folder}/regions`);
    return states.map(({ name, aliases = [] }) => [name.slice(9), ...aliases].join(' = '));
  };
  const one = 'default_cma_region = dma-heap:reserved';
  t.same(names('default_cma_region', 'reserved', 'system'), ['system', one]);
  // Before Linux 6.17 it had its own name alone; of two that it may have had none is known to be it.
  t.same(names('reserved', 'system'), ['system', 'reserved']);
  t.same(names('default_cma_region', 'video@42000000'), ['default_cma_region', 'video@42000000']);
  const both = ['default-pool', 'default_cma_region', 'linux,cma'];
  t.same(names(...both), both);
});

t.test('the region of an allocation, by what the kernel counts', async (t) => {
  const regions = t.testdir({
    reserved: { alloc_pages_success: '7\n', alloc_pages_fail: '0\n' },
    video: { alloc_pages_success: '9\n', alloc_pages_fail: '0\n', total_pages: '16\n' },
  });
  const count = (file: string) => {
    const path = `${regions}/${file}`;
    writeFileSync(path, `${Number(readFileSync(path, 'utf8')) + 1}\n`);
  };
  t.equal(
    regionOf(() => count('video/alloc_pages_success'), regions),
    'video',
  );
  t.equal(
    regionOf(() => count('reserved/alloc_pages_fail'), regions),
    'reserved',
    'one that fails, too',
  );
  let others = 3;
  const busy = () => {
    count('reserved/alloc_pages_success');
    if (others-- > 0) count('video/alloc_pages_success');
  };
  t.equal(regionOf(busy, regions), 'reserved', 'others allocated from another one meanwhile');
  others = 1000;
  t.equal(regionOf(busy, regions), null, 'and do so always');
  t.equal(
    regionOf(() => t.fail('for nothing'), `${regions}/none`),
    null,
  );
  t.equal(regionMemory('video', regions), null, 'an older kernel says nothing of it');
  writeFileSync(`${regions}/video/available_pages`, '4\n');
  t.same(regionMemory('video', regions), { size: 65536, available: 16384 });
  t.equal(regionMemory('../video', `${regions}/video`), null);
  t.same([isCounted('video', regions), isCounted('system', regions)], [true, false]);
});

t.test('what is left of memory set apart bounds what is asked of it', async (t) => {
  const room = () => ({ bytes: 8192, reason: 'of its 65536 bytes 8192 are free' });
  const source = new LinearSource(exporter({ room }));
  t.match(
    refused(() => source.plan(buffer(8193))),
    {
      code: 'out_of_memory',
      message: 'udmabuf has no 12288 bytes: of its 65536 bytes 8192 are free',
    },
  );
  t.same(source.plan(buffer(8192)).memories, [8192]);
});

t.test("udmabuf's parameters", async (t) => {
  const folder = t.testdir({ size_limit_mb: '64\n' });
  t.equal(udmabufLimits(folder), null, 'one of them is missing');
  writeFileSync(`${folder}/list_limit`, '1024\n');
  t.strictSame(udmabufLimits(folder), { size: 2 ** 26, list: 1024 });
});
