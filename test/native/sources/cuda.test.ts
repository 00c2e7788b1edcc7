/**
 * The cuda source over the double of libcuda: what it says of the machine, what it allocates as POSIX file descriptors
 * (dma_bufs are the guest's), transfers, and what is left after failures and losses.
 */
import { fstatSync, readSync, writeSync } from 'node:fs';
import t, { type Test } from 'tap';
import { checked } from '../../../src/memory/check-spec.js';
import { PIECE_BYTES } from '../../../src/memory/limits.js';
import { type Allocation, type LostAllocation, Usage } from '../../../src/memory/source.js';
import { type Steps, toEnd } from '../../../src/memory/steps.js';
import { referenceTo, type Work } from '../../../src/memory/work.js';
import { Pace } from '../../../src/native/cuda/device.js';
import { close, isCloexec } from '../../../src/native/libc/fd.js';
import { sealedMemfd } from '../../../src/native/libc/memory.js';
import { CudaDevices } from '../../../src/native/sources/cuda-devices.js';
import { inPieces } from '../../../src/native/transfer/pieces.js';
import { Transfers } from '../../../src/native/transfer/transfers.js';
import { eventually } from '../../support/daemon.js';
import { withoutLeaks } from '../../support/fds.js';
import { withFewFds } from '../../support/few-fds.js';
import { refused } from '../../support/refused.js';
import {
  CudaDouble,
  type DoubleOptions,
  ILLEGAL_ADDRESS,
  library,
  NOTHING,
  OUT_OF_MEMORY,
} from '../cuda/double.js';

const MIB = 2 ** 20;
const UUID = 'ab'.repeat(16);

class Setup {
  readonly double = new CudaDouble();
  readonly lost: (readonly LostAllocation[])[] = [];
  readonly renewed: (string | null)[] = [];
  readonly cuda: CudaDevices;

  constructor(options: DoubleOptions = {}) {
    Object.assign(process.env, this.double.variables({ uuid: UUID, ...options }));
    const events = {
      lost: (_: string, __: string, allocations: readonly LostAllocation[]) => {
        this.lost.push(allocations);
      },
      renewed: (_: string, problem: string | null) => {
        this.renewed.push(problem);
      },
    };
    const placeOf = (uuid: string) => (uuid === UUID ? { heap: 1, memoryType: 3 } : null);
    this.cuda = new CudaDevices(events, { placeOf, imagesOf: () => null }, library);
  }

  close(t: Test): void {
    this.cuda.close();
    t.same(this.double.live, NOTHING, 'nothing is left of it');
    t.equal(this.double.complaints, '', 'it was called as cuda.h wants it');
  }

  get source() {
    return this.cuda.source(undefined, 'opaque_fd', null);
  }

  readonly run = (work: Work) =>
    toEnd(inPieces(work, (body) => body(new Transfers(null, null, this.cuda))));
}

const test = (
  name: string,
  options: DoubleOptions,
  body: (t: Test, setup: Setup) => Promise<void>,
): Promise<void> =>
  withoutLeaks(t, name, async (t) => {
    const setup = new Setup(options);
    await body(t, setup);
    setup.close(t);
  });

const linear = (size: number, usage: number = Usage.transfer) =>
  checked({ kind: 'buffer', size, usage });
const fdOf = ({ planes }: Allocation) => planes[0]?.fd ?? -1;
/** The double's memory is a memfd. */
const content = (fd: number, size: number) => {
  const bytes = Buffer.alloc(size);
  readSync(fd, bytes, 0, size, 0);
  return bytes;
};
const isZero = (bytes: Buffer) => bytes.equals(Buffer.alloc(bytes.length));

t.test('without the library, or devices', async (t) => {
  const events = { lost: () => {}, renewed: () => {} };
  const nowhere = { placeOf: () => null, imagesOf: () => null };
  const none = new CudaDevices(events, nowhere, 'libcuda-that-is-not.so.1');
  t.same(none.mainStates(null), [
    {
      ...{ name: 'cuda', handleType: 'dma_buf', usable: false },
      reason: "libcuda-that-is-not.so.1 is not installed (it comes with NVIDIA's driver)",
    },
  ]);
  t.same(none.beside([]), []);
  none.close();
});

await test('without devices', { devices: 0 }, async (t, { cuda }) => {
  t.match(cuda.mainStates(null), [{ usable: false, reason: 'cuInit: CUDA_ERROR_NO_DEVICE' }]);
});

await test("the memory of a GPU is its own, or the machine's", {}, async (t, { cuda }) => {
  t.match(cuda.beside([]), [{ uuid: UUID, ownBytes: 2 ** 30 }]);
  t.equal(cuda.mainBytes(null), 2 ** 30);
});

await test('a GPU that is part of the processor', { integrated: true }, async (t, { cuda }) => {
  t.match(cuda.beside([]), [{ uuid: UUID, ownBytes: 0 }]);
  t.equal(cuda.mainBytes(null), 0);
});

await test('a device without dma_bufs', { lacks: [124] }, async (t, { cuda }) => {
  t.same(cuda.states(UUID), [
    {
      ...{ name: 'cuda', handleType: 'dma_buf', usable: false },
      reason: 'Double 0: CUDA says DMA_BUF_SUPPORTED is 0',
    },
    { name: 'cuda', handleType: 'opaque_fd', usable: true, reason: 'Double 0' },
  ]);
});

await test('a device of which nothing can be exported', { lacks: [102] }, async (t, { cuda }) => {
  t.match(cuda.states(UUID), [{ usable: false }, { usable: false }]);
  t.match(
    refused(() => cuda.source(undefined, 'opaque_fd', null).plan(linear(1))),
    {
      code: 'device_lost',
      message: /VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED is 0/,
    },
  );
});

await test('several devices', { devices: 2 }, async (t, { cuda, double }) => {
  const second = `${'ab'.repeat(15)}ac`;
  t.match(cuda.beside([UUID]), [{ uuid: second, name: 'Double 1', problem: null }]);
  t.match(cuda.source(undefined, 'opaque_fd', second).plan(linear(1)), { device: second });
  t.match(cuda.source(undefined, 'opaque_fd', 'f'.repeat(32)).plan(linear(1)), { device: UUID });
  t.equal(double.live.contexts, 0, 'nobody has asked for memory');
  const source = cuda.source(second, 'opaque_fd', null);
  const made = source.allocate(linear(1), 'one');
  t.match(made, { device: second });
  t.equal(double.live.contexts, 1, 'of that device alone');
  t.notOk('heaps' in made || 'vulkan' in made, 'Vulkan does not have it');
  close(fdOf(made));
  source.free(made.key);
});

await test('an allocation', {}, async (t, { source, cuda, double }) => {
  t.same(source.plan(linear(5000)), {
    ...{ source: 'cuda', handleType: 'opaque_fd', device: UUID, memories: [2 * MIB] },
    ...{ modifier: null, placement: ['device_local'], heaps: [{ index: 1, bytes: 2 * MIB }] },
    planes: [{ memory: 0, offset: 0, stride: 0 }],
  });
  t.match(cuda.describe(UUID), { total: 2 ** 30, free: null, allocated: 0 });
  t.same(double.live, NOTHING, 'a plan makes no context');
  const made = source.allocate(linear(5000), 'id');
  t.match(made, {
    ...{ source: 'cuda', handleType: 'opaque_fd', device: UUID, memories: [2 * MIB] },
    ...{ size: 2 * MIB, exporter: null, vulkan: { memoryType: 3, dedicated: false } },
  });
  t.ok(isCloexec(fdOf(made)));
  t.equal(fstatSync(fdOf(made)).size, 2 * MIB);
  t.ok(isZero(content(fdOf(made), 2 * MIB)), 'all of it is zeroed');
  t.match(cuda.describe(UUID), { free: 2 ** 30 - 2 * MIB, allocated: 2 * MIB });
  const large = source.allocate(linear(128 * MIB), 'large');
  t.ok(isZero(content(fdOf(large), 128 * MIB)));
  for (const each of [made, large]) {
    source.free(each.key);
    close(fdOf(each));
  }
  t.match(double.live, { ...NOTHING, contexts: 1 });
});

await test('what cannot be', { total: 16 * MIB }, async (t, { source, double }) => {
  const refusal = (...args: Parameters<typeof linear>) =>
    refused(() => source.allocate(linear(...args), 'id'));
  t.match(refusal(4096, Usage.cpuRead), {
    code: 'unsupported_usage',
    refusal: { constraint: 'usage', requested: ['cpu_read'] },
  });
  t.match(
    refused(() => source.plan(checked({ ...linear(1), placement: 'host_visible' }))),
    { code: 'unsupported_placement', refusal: { possible: ['any', 'device_local'] } },
  );
  t.match(refusal(17 * MIB), { code: 'too_large', refusal: { possible: { max: 16 * MIB } } });
  const made = source.allocate(linear(11 * MIB), 'id');
  t.match(refusal(5 * MIB), {
    code: 'out_of_memory',
    refusal: { constraint: 'size', requested: 6 * MIB, possible: { max: 4 * MIB } },
  });
  // Somebody else was faster.
  double.at('cuMemCreate', OUT_OF_MEMORY);
  t.match(refusal(4 * MIB), {
    code: 'out_of_memory',
    message: 'cuMemCreate: CUDA_ERROR_OUT_OF_MEMORY',
  });
  close(fdOf(made));
  source.free(made.key);
});

await test('no step that fails leaves anything', {}, async (t, { source, double }) => {
  const calls = ['cuMemCreate', 'cuMemAddressReserve', 'cuMemMap', 'cuMemSetAccess'];
  for (const call of [...calls, 'cuMemsetD8_v2', 'cuMemExportToShareableHandle']) {
    double.at(call, 1);
    t.match(
      refused(() => source.allocate(linear(1), 'id')),
      { code: 'internal', message: `${call}: CUDA_ERROR_INVALID_VALUE` },
    );
    t.match(double.live, { ...NOTHING, contexts: 1 }, call);
  }
});

await test('no fd left', {}, async (t, { source, double }) => {
  // The double needs one for its memory, the export another.
  const made = withFewFds(2, () => source.allocate(linear(1), 'id'));
  close(fdOf(made));
  source.free(made.key);
  const none = withFewFds(1, () => refused(() => source.allocate(linear(1), 'id')));
  t.match(none, { code: 'limit_exceeded', refusal: { constraint: 'fds' } });
  t.match(double.live, { ...NOTHING, contexts: 1 });
});

await test('fill, read and copy', {}, async (t, { source, run }) => {
  const spec = linear(3 * MIB);
  const [a, b] = [source.allocate(spec, 'a'), source.allocate(spec, 'b')];
  const [refA, refB] = [a, b].map((allocation) => referenceTo({ spec, allocation }));
  if (refA === undefined || refB === undefined) throw new Error('no reference');
  const pattern = Buffer.alloc(3 * MIB, 'some bytes that are no words');
  const memfd = sealedMemfd('memory', pattern.length);
  writeSync(memfd, pattern, 0, pattern.length, 0);
  const shared = {
    ...({ origin: 'memfd', handleType: 'memfd', key: 0, device: null } as const),
    ...{ fds: [memfd], size: pattern.length },
  };
  const all = [
    {
      source: { plane: 0, offset: 0, stride: 0 },
      destination: { plane: 0, offset: 0, stride: 0 },
      ...{ bytes: pattern.length, rows: 1 },
    },
  ];
  const bytes = (allocation: Allocation) => content(fdOf(allocation), pattern.length);
  t.same(run({ kind: 'copy', source: shared, destination: refA, plan: all }).path, 'device');
  t.ok(bytes(a).equals(pattern), 'from memory that the CPU maps');
  run({ kind: 'copy', source: refA, destination: refB, plan: all });
  t.ok(bytes(b).equals(pattern), "to CUDA's own");
  const extent = { offset: 4, size: 8 };
  run({ kind: 'fill', destination: refB, extent, value: 0x0102_0304 });
  t.same(
    [...bytes(b).subarray(0, 16)],
    [...pattern.subarray(0, 4), ...[4, 3, 2, 1, 4, 3, 2, 1], ...pattern.subarray(12, 16)],
  );
  run({ kind: 'copy', source: refB, destination: shared, plan: all });
  t.ok(content(memfd, pattern.length).equals(bytes(b)), 'back');
  const read = run({ kind: 'read', source: refB, extent: { offset: 3, size: MIB }, size: MIB });
  t.ok(content(read.content?.fd ?? -1, MIB).equals(bytes(b).subarray(3, 3 + MIB)));
  close(read.content?.fd ?? -1);

  // The same memory as a later daemon finds it.
  const again = { ...refA, key: 0 };
  run({ kind: 'fill', destination: again, extent: { offset: 0, size: 4 }, value: 0 });
  t.equal(bytes(a).readUInt32LE(0), 0, 'imported');
  run({ kind: 'copy', source: again, destination: { ...refB, key: 0 }, plan: all });
  t.ok(bytes(b).equals(bytes(a)), 'and told from another such memory');
  t.match(
    refused(() => run({ kind: 'fill', destination: { ...refA, key: 1e9 }, extent, value: 0 })),
    { code: 'unsupported_handle_type' },
  );
  for (const each of [a, b]) {
    source.free(each.key);
    close(fdOf(each));
  }
  close(memfd);
});

await test('work that fails is waited for, as far as it was begun', {}, async (t, setup) => {
  const { source, double, run } = setup;
  const spec = linear(4 * MIB);
  const [a, b] = [source.allocate(spec, 'a'), source.allocate(spec, 'b')];
  const [from, to] = [a, b].map((allocation) => referenceTo({ spec, allocation }));
  if (from === undefined || to === undefined) throw new Error('no reference');
  double.at('cuMemcpyDtoD_v2', 1, 2);
  const place = (stride: number) => ({ plane: 0, offset: 0, stride });
  const plan = [{ source: place(8192), destination: place(16384), bytes: 4096, rows: 2 }];
  const copy = () => run({ kind: 'copy', source: from, destination: to, plan });
  t.match(refused(copy), { code: 'internal', message: /^cuMemcpyDtoD_v2: / });
  for (const each of [a, b]) {
    source.free(each.key);
    close(fdOf(each));
  }
  t.equal(double.complaints, '', 'nothing is on its way when its memory goes');
});

t.test('how much is cleared at once follows what it takes', async (t) => {
  const pace = new Pace();
  const { bytes } = pace;
  pace.took(bytes, 0.1);
  t.equal(pace.bytes, 2 * bytes);
  pace.took(bytes, 0.1);
  t.equal(pace.bytes, 2 * bytes, 'of a smaller one nothing follows');
  pace.took(2 * bytes, 1);
  t.equal(pace.bytes, 2 * bytes);
  pace.took(2 * bytes, 5);
  t.equal(pace.bytes, bytes, 'others compute, too');
  for (let i = 0; i < 40; i++) pace.took(pace.bytes, 1000);
  t.equal(pace.bytes, PIECE_BYTES, 'as little as the CPU does at once');
});

await test('lost at each step', {}, async (t, setup) => {
  const { source, double, cuda, run } = setup;
  const calls = ['cuMemCreate', 'cuMemMap', 'cuMemsetD8_v2', 'cuCtxSynchronize', 'cuCtxSetCurrent'];
  for (const call of [...calls, 'cuMemExportToShareableHandle']) {
    const spec = linear(4096);
    const before = source.allocate(spec, 'before');
    const reference = referenceTo({ spec, allocation: before });
    double.at(call, ILLEGAL_ADDRESS);
    const after = source.allocate(linear(1), 'after');
    t.ok(double.happened(call), `lost at ${call}, and allocated all the same`);
    t.ok(isZero(content(fdOf(after), 2 * MIB)));
    t.same(setup.lost.splice(0), [[{ source: 'cuda', handleType: 'opaque_fd', key: before.key }]]);
    t.same(setup.renewed.splice(0), [null]);
    t.ok(cuda.hasLost(before.key));
    t.match(double.live, { contexts: 1, handles: 1, mappings: 1, reservations: 1 });
    t.match(
      refused(() =>
        run({ kind: 'fill', destination: reference, extent: { offset: 0, size: 4 }, value: 0 }),
      ),
      { code: 'unsupported_handle_type' },
      'its key means nothing any more',
    );
    source.free(before.key);
    source.free(after.key);
    for (const each of [before, after]) close(fdOf(each));
  }
  t.match(cuda.describe(UUID), { losses: 6 });
});

await test('lost by work, and while memory is cleared', {}, async (t, setup) => {
  const { source, double, run } = setup;
  const spec = linear(4096);
  const made = source.allocate(spec, 'made');
  const destination = referenceTo({ spec, allocation: made });
  double.at('cuMemsetD32_v2', ILLEGAL_ADDRESS);
  t.match(
    refused(() => run({ kind: 'fill', destination, extent: { offset: 0, size: 4 }, value: 1 })),
    { code: 'device_lost' },
  );
  t.match(setup.lost.splice(0), [[{ key: made.key }]]);
  close(fdOf(made));
  source.free(made.key);
  const [a, b] = [source.allocate(spec, 'a'), source.allocate(spec, 'b')];
  double.at('cuMemcpyDtoD_v2', ILLEGAL_ADDRESS);
  const [from, to] = [a, b].map((allocation) => referenceTo({ spec, allocation }));
  if (from === undefined || to === undefined) throw new Error('no reference');
  t.match(
    refused(() => run({ kind: 'copy', source: from, destination: to, plan: 'memories' })),
    { code: 'device_lost' },
  );
  t.match(setup.lost.splice(0), [[{ key: a.key }, { key: b.key }]], 'once, with both');
  for (const each of [a, b]) {
    close(fdOf(each));
    source.free(each.key);
  }

  const clearing = source.allocating(linear(300 * MIB), 'large');
  t.notOk(clearing.next().done, 'it takes more than one piece');
  double.at('cuMemCreate', ILLEGAL_ADDRESS);
  const other = source.allocate(spec, 'other');
  t.equal(setup.lost.length, 1);
  const large = toEnd(rest(clearing));
  t.equal(setup.lost.length, 1, 'it was not lost again');
  for (const each of [other, large]) {
    close(fdOf(each));
    source.free(each.key);
  }
});

await test('gone, and there again', {}, async (t, setup) => {
  const { source, double, cuda } = setup;
  const made = source.allocate(linear(1), 'made');
  double.gone(true);
  t.match(
    refused(() => source.allocate(linear(1), 'id')),
    { code: 'device_lost' },
  );
  t.match(setup.renewed, [/cannot be used again: cuDevicePrimaryCtxRetain: CUDA_ERROR_UNKNOWN/]);
  t.match(cuda.states(UUID), [{ usable: false }, { usable: false }]);
  t.same(double.live, NOTHING);
  t.match(cuda.describe(UUID), { free: null, allocated: 0, losses: 1 });
  double.gone(false);
  await eventually(() => setup.renewed.length > 1, 'it is looked for again');
  t.equal(setup.renewed[1], null);
  t.match(cuda.states(UUID), [{ usable: true }, { usable: true }]);
  const again = source.allocate(linear(1), 'id');
  for (const each of [made, again]) {
    close(fdOf(each));
    source.free(each.key);
  }
});

/** What is left of it. */
function* rest<T>(steps: Steps<T>): Steps<T> {
  return yield* steps;
}
