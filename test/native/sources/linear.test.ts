/** The linear source over exporters that fail: what a client is told, and that no fd is left. */
import { closeSync, fstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { constants, totalmem } from 'node:os';
import t from 'tap';
import { checked } from '../../../src/memory/check-spec.js';
import { fourcc, MOD_LINEAR } from '../../../src/memory/fourcc.js';
import type { ImageSpec } from '../../../src/memory/source.js';
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

t.test("udmabuf's parameters", async (t) => {
  const folder = t.testdir({ size_limit_mb: '64\n' });
  t.equal(udmabufLimits(folder), null, 'one of them is missing');
  writeFileSync(`${folder}/list_limit`, '1024\n');
  t.strictSame(udmabufLimits(folder), { size: 2 ** 26, list: 1024 });
});
