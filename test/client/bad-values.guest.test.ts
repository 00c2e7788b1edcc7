/**
 * Values that no client should send, with real sources: each has an error of its own, and leaves no fd
 * here or in the daemon, no memory in the kernel and no buffer in the registry.
 */
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import { type Client, connect, type ImportedMemory } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import { fourcc } from '../../src/memory/fourcc.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { probeHeaps } from '../../src/native/sources/probe.js';
import { eventually, TestDaemon } from '../support/daemon.js';
import { rejected } from '../support/refused.js';

t.setTimeout(180_000);

const daemon = await TestDaemon.start();
t.teardown(() => daemon.stop('SIGKILL'));
const client = await connect({ socket: daemon.clientSocket });

/** dma_bufs that exist in this kernel (Documentation/driver-api/dma-buf.rst: bufinfo). */
function dmaBufs(): number {
  const text = readFileSync('/sys/kernel/debug/dma_buf/bufinfo', 'utf8');
  return Number(/^Total (\d+) objects/m.exec(text)?.[1]);
}

const [heap] = probeHeaps().sources;
if (heap === undefined) throw new Error('there is no DMA heap in the guest');
const small = heap.allocate(
  checked({
    kind: 'image',
    width: 64,
    height: 64,
    format: fourcc('XR24'),
    modifiers: [0n],
    usage: 4,
  }),
  'small',
);
const [plane] = small.planes.map(({ fd, offset, stride }) => ({ fd, offset, stride }));
if (plane === undefined) throw new Error('no plane');
const memfd = sealedMemfd('no dma_buf', 65_536);
const zero = openSync('/dev/zero', 'r+');
t.teardown(() => {
  for (const fd of [plane.fd, memfd, zero]) closeSync(fd);
  heap.free(small.key);
  heap.close();
});

interface Counts {
  readonly here: number;
  readonly daemon: number;
  readonly kernel: number;
}
const counts = (): Counts => ({
  here: readdirSync('/proc/self/fd').length,
  daemon: daemon.openFds(),
  kernel: dmaBufs(),
});
const before = await (async () => {
  // The first answer over REST opens the connection that is kept.
  await daemon.buffers();
  return counts();
})();

/** What one bad value must leave. */
async function nothingIsLeft(t: Test, what: string): Promise<void> {
  let now = before;
  const same = () => {
    now = counts();
    return JSON.stringify(now) === JSON.stringify(before);
  };
  await eventually(same, () => `${what}: ${JSON.stringify(now)}, not ${JSON.stringify(before)}`);
  t.same(await daemon.buffers(), [], `${what}: the registry is empty`);
}

const image = { kind: 'image', width: 64, height: 64, format: 'XR24' } as const;
const linear = { kind: 'buffer', size: 4096 } as const;
const INTEL_X_TILED = 0x0100_0000_0000_0001n;
const vast = { ...image, width: 65_536, height: 65_536 } as const;

const allocations: [string, Parameters<Client['allocate']>[0], object][] = [
  ['no bytes', { ...linear, size: 0 }, { constraint: 'size' }],
  ['no width', { ...image, width: 0 }, { constraint: 'width' }],
  ['no height', { ...image, height: 0 }, { constraint: 'height' }],
  [
    'the widest',
    { ...image, width: 2 ** 32 - 1 },
    { constraint: 'width', possible: { max: 65_536 } },
  ],
  ['8 PiB', { ...linear, size: 2 ** 53 - 1 }, { code: 'limit_exceeded' }],
  ['32 GiB of pixels', { ...vast, format: 'AB4H' }, { code: /limit_exceeded|too_large/ }],
  ['12 GiB in three planes', { ...vast, format: 'YU24' }, { code: /limit_exceeded|too_large/ }],
  ['an unknown fourcc', { ...image, format: 'ZZZZ' }, { code: 'unsupported_format' }],
  [
    'another vendor’s modifier',
    { ...image, modifiers: [INTEL_X_TILED] },
    { code: 'unsupported_modifier', requested: ['0x0100000000000001'] },
  ],
  [
    'a dictated stride that is too small',
    { ...image, layout: [{ offset: 0, stride: 252 }] },
    { constraint: 'layout.0.stride', possible: { min: 256 } },
  ],
  [
    'an alignment that is no power of two',
    { ...image, alignment: { stride: 100 } },
    { constraint: 'alignment.stride' },
  ],
];

const imports: [string, ImportedMemory, object][] = [
  ['a memfd', { ...image, planes: [{ ...plane, fd: memfd }] }, { constraint: 'planes.0.fd' }],
  ['a device', { ...image, planes: [{ ...plane, fd: zero }] }, { constraint: 'planes.0.fd' }],
  ['too short', { ...image, height: 4096, planes: [plane] }, { constraint: 'planes.0' }],
  [
    'a stride that is too small',
    { ...image, planes: [{ ...plane, stride: 252 }] },
    { constraint: 'planes.0.stride', possible: { min: 256 } },
  ],
  [
    'an offset behind the end',
    { ...image, planes: [{ ...plane, offset: 2 ** 31 }] },
    { constraint: 'planes.0' },
  ],
  ['a plane too many', { ...image, planes: [plane, plane] }, { constraint: 'planes', possible: 1 }],
  ['a plane too few', { ...image, format: 'NV12', planes: [plane] }, { constraint: 'planes' }],
];

t.test('allocations', async (t) => {
  const answers = new Set<string>();
  for (const [what, request, expected] of allocations) {
    const { code, message, refusal } = await rejected(client.allocate(request));
    t.match({ code, ...refusal }, expected, what);
    answers.add(inspect({ message, refusal }));
    await nothingIsLeft(t, what);
  }
  t.equal(answers.size, allocations.length, 'each has an error of its own');
});

t.test('imports', async (t) => {
  for (const [what, memory, expected] of imports) {
    const { code, refusal } = await rejected(client.import(memory));
    t.match({ code, ...refusal }, expected, what);
    await nothingIsLeft(t, what);
  }
});

t.test('64 planes, which are not sent', async (t) => {
  const planes = Array.from({ length: 64 }, () => plane);
  await t.rejects(client.import({ ...image, planes }), { message: /^planes must have 1 to 4/ });
  await nothingIsLeft(t, '64 planes');
  t.equal((await client.import({ ...image, planes: [plane] })).source, 'import');
});

t.test('the end', async (t) => {
  client.close();
  t.same(daemon.errors, []);
  t.equal(await daemon.stop(), 0);
});
