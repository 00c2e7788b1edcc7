/**
 * Does memory of a real GPU reach other processes as a real dma_buf, and as CUDA's file descriptor? Through the daemon, by
 * its source `cuda`: the dma_buf is looked at as the kernel tells it, filled and read by way of the daemon from another
 * process; the POSIX file descriptor is imported by a Vulkan device and by CUDA of other processes. Each checks what the
 * one before wrote (zeros at first) at both ends and in the middle, and writes. And what it costs, beside a plain CUDA
 * program that makes the same calls, in turns, when the daemon has run for a while. Ends with status 1 where anything is wrong.
 *
 * An image of it is bound by Vulkan of another process, which writes a picture that the daemon's CUDA then reads, byte for
 * byte; where the daemon's Vulkan device has not bound it, it says why.
 *
 * All of it on each GPU that CUDA has, or on as many as --gpus says; with two of them memory is also copied from one to the
 * other. The largest size is --max, 8 GiB if none is said.
 *
 *   node dist/bench/cuda-hardware.js [--gpus=<n>] [--max=<MiB>] [--rounds=<n>] [--warm=<n>]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError, type ClientBuffer, connect } from '../src/client/index.js';
import { info } from '../src/native/dmabuf.js';
import { close, duplicate, isCloexec } from '../src/native/libc/fd.js';
import { map } from '../src/native/libc/memory.js';
import { packageRoot } from '../src/package-root.js';
import type { ListedDeviceInfo } from '../src/rest/contract.js';
import { eventually } from '../test/support/daemon.js';
import { mismatchByBroker } from './support/broker-importer.js';
import { type Plain, startPlain, warmUp } from './support/plain-cuda.js';
import { startDaemon, temporaryFolder } from './support/programs.js';
import { figure, header, median, option, table } from './support/report.js';
import { differs, picture } from './support/vulkan-image.js';

const MIB = 2 ** 20;
const MAX = option('max', 8192) * MIB;
const ROUNDS = option('rounds', 9);
const GPUS = option('gpus', 64);
const SIZES = [2, 8, 64, 512, 1024, 4096, 8192, 16_384, 65_536].map((mib) => mib * MIB);

const sizeText = (bytes: number) =>
  bytes < 1024 * MIB ? `${bytes / MIB} MiB` : `${bytes / MIB / 1024} GiB`;
const now = () => Number(process.hrtime.bigint()) / 1000;
function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not so: ${what}`);
}

header('cuda-hardware', "A GPU's memory by CUDA, as dma_buf and as POSIX file descriptor");
// Nobody else has what is released here; of a POSIX file descriptor the kernel does not tell that.
const config = join(temporaryFolder(), 'cuda.toml');
// Twice the largest size is asked for, which is more than what is shared out by default.
const toml = '[quotas]\nreserve = 0\n[pool]\nbytes = 0\n[accounting]\nunknown_grace_seconds = 0\n';
writeFileSync(config, toml);
const started = now();
const daemon = await startDaemon(process.env, ['--config', config]);
console.log(`daemon   ready after ${figure((now() - started) / 1000)} ms`);
const devices: ListedDeviceInfo[] = (await daemon.rest('GET', '/v1/devices')).body;
const report = (await daemon.rest('GET', '/v1/device')).body;
for (const { name, handle_type: type, usable, reason } of report.sources) {
  console.log(`source   ${name} ${type}: ${usable ? 'yes' : 'no'}, ${reason}`);
}
const client = await connect({ socket: daemon.clientSocket });

/** A GPU, with what is asked of it and of the plain program that is beside it. */
interface Gpu {
  readonly uuid: string;
  readonly name: string;
  /** Whether Vulkan's memory of it can be had as an opaque_fd: vkAllocateMemory, by way of the daemon. */
  readonly hasVulkan: boolean;
  readonly common: {
    readonly kind: 'buffer';
    readonly source: 'cuda';
    readonly placement: 'device_local';
    readonly device: string;
  };
  readonly plain: Awaited<ReturnType<typeof startPlain>>;
}

/** Makes its context, in the daemon and in a plain program. */
async function begin(listed: ListedDeviceInfo): Promise<Gpu> {
  const { device_uuid: uuid, name, cuda } = listed;
  const common = {
    ...({ kind: 'buffer', source: 'cuda', placement: 'device_local' } as const),
    device: uuid,
  };
  console.log(`device   ${name}, UUID ${uuid}`);
  console.log(`cuda     ${JSON.stringify(cuda)}, before anybody asked`);
  const first = now();
  const opener = await client.allocate({ ...common, size: 2 * MIB });
  must(opener.device === uuid, `memory of ${uuid}: ${opener.device}`);
  console.log(`first    allocation ${figure((now() - first) / 1000)} ms, with the context`);
  await opener.release();
  // Vulkan's devices are opened when they are first named.
  const opened: ListedDeviceInfo[] = (await daemon.rest('GET', '/v1/devices')).body;
  const hasVulkan = opened.some(
    ({ device_uuid, sources }) =>
      device_uuid === uuid &&
      sources.some(
        (each) => each.name === 'vulkan' && each.handle_type === 'opaque_fd' && each.usable,
      ),
  );
  const plain = await startPlain(uuid);
  console.log(`plain    context ${figure(plain.context / 1000)} ms`);
  await warmUp(client, common);
  return { uuid, name, hasVulkan, common, plain };
}

/** Runs another process that imports; its last line of output. */
function peer(uuid: string, token: string, how: string, expected: number, value: number): string {
  const program = join(packageRoot, 'dist', 'bench', 'hardware-peer.js');
  const values = [expected, value].map(String);
  const args = [program, daemon.clientSocket, token, how, uuid, ...values];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  return lines.at(-1) ?? '';
}

function checkDmaBuf(buffer: ClientBuffer, size: number): void {
  const fd = buffer.planes[0]?.fd ?? -1;
  must(buffer.source === 'cuda' && buffer.handleType === 'dma_buf', 'a dma_buf of cuda');
  const told = info(fd);
  must(told?.exporter === 'nv_dmabuf', `its exporter is nv_dmabuf: ${told?.exporter}`);
  must(told?.size === size && buffer.size === size, `its size is ${size}: ${told?.size}`);
  must(told?.name === `dmabroker:${buffer.id}`, `its name: ${told?.name}`);
  must(isCloexec(fd), 'CLOEXEC');
  try {
    map(fd, 4096, { write: false }).release();
    throw new Error('not so: the CPU cannot map it');
  } catch (error) {
    must(error instanceof Error && /mmap/.test(error.message), `mmap is refused: ${error}`);
  }
}

/** Of memory that a driver does not make in one piece; a defect stays one. */
function refusalOf(error: unknown): string {
  if (error instanceof BrokerError) return error.code;
  throw error;
}

let value = 0;
const shown: string[][] = [];
const costs: string[][] = [];

/**
 * The same by vkAllocateMemory. By itself: what Vulkan has let go of, the driver clears for whoever gets it next, and
 * makes them wait.
 */
async function measureVulkan(common: Gpu['common'], size: number): Promise<string> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const asked = now();
    const made = await client
      .allocate({ ...common, size, source: 'vulkan', handleTypes: ['opaque_fd'] })
      .catch(refusalOf);
    if (typeof made === 'string') return made;
    took.push(now() - asked);
    await made.release();
  }
  return figure(median(took));
}

async function measure(number: number, { uuid, hasVulkan, common, plain }: Gpu): Promise<void> {
  for (const size of SIZES.filter((each) => each <= MAX)) {
    // Which source a request for a dma_buf gets that says nothing else, on a device whose Vulkan exports none.
    const asked = await client.allocate({
      kind: 'buffer',
      size,
      usage: ['transfer'],
      device: uuid,
    });
    const unnamed = asked.source;
    await asked.release();

    const buffer = await client.allocate({ ...common, size });
    checkDmaBuf(buffer, size);
    const zero = await mismatchByBroker(buffer, 0);
    if (zero !== null) throw new Error(`${sizeText(size)}, new: ${zero}`);
    const filling = now();
    await buffer.fill(++value);
    const filled = now() - filling;
    const other = await connect({ socket: daemon.clientSocket });
    const redeemed = await other.redeem(await buffer.share());
    const wrong = await mismatchByBroker(redeemed, value);
    if (wrong !== null) throw new Error(`${sizeText(size)}, filled: ${wrong}`);
    const posix = await client.allocate({ ...common, size, handleTypes: ['opaque_fd'] });
    await posix.copyFrom(buffer);
    await redeemed.close();
    other.close();
    await buffer.release();

    const times: string[] = [];
    for (const how of ['vulkan', 'cuda-vmm']) {
      if (how === 'vulkan' && posix.vulkan === null) {
        times.push('– (no Vulkan device)');
        continue;
      }
      const theirs = value + 1;
      times.push(peer(uuid, await posix.share(), how, value, theirs));
      value = theirs;
      const here = await mismatchByBroker(posix, value);
      if (here !== null) throw new Error(`${sizeText(size)}, after ${how}: ${here}`);
    }
    await posix.release();
    shown.push([String(number), sizeText(size), unnamed, figure(filled), ...times, 'right']);

    const vulkan = hasVulkan ? await measureVulkan(common, size) : '–';
    for (const [kind, handleTypes] of [
      ['dma_buf', ['dma_buf']],
      ['posix', ['opaque_fd']],
    ] as const) {
      const ours: number[] = [];
      const released: number[] = [];
      const theirs: Plain[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        theirs.push(await plain.allocate(size, kind));
        const begin = now();
        const made = await client.allocate({ ...common, size, handleTypes: [...handleTypes] });
        ours.push(now() - begin);
        const end = now();
        await made.release();
        released.push(now() - end);
      }
      const of = (key: keyof Plain) => median(theirs.map((each) => each[key]));
      const whole = theirs.map((each) => each.make + each.clear + each.export);
      const both = ours.map((each, i) => each / (whole[i] ?? Number.NaN));
      costs.push([
        String(number),
        sizeText(size),
        kind,
        figure(median(ours)),
        figure(median(whole)),
        figure(median(both)),
        `${figure(of('make'))} + ${figure(of('clear'))} + ${figure(of('export'))}`,
        figure(median(released)),
        figure(of('letGo') + of('close')),
        vulkan,
      ]);
    }
  }
}

/** An image of CUDA's memory, written by Vulkan of another process and read by CUDA of the daemon's. */
async function checkImage({ uuid, common }: Gpu): Promise<void> {
  const [width, height] = [1920, 1080];
  const image = await client.allocate({
    ...common,
    ...({ kind: 'image', width, height, format: 'AR24', usage: ['transfer', 'sample'] } as const),
    ...({ handleTypes: ['dma_buf', 'opaque_fd'], allHandleTypes: true } as const),
  });
  const { sources } = (await daemon.rest('GET', '/v1/device')).body;
  for (const { name, handle_type: type, reason } of sources)
    if (name === 'cuda') console.log(`images   ${type}: ${reason}`);
  if (image.vulkan === null) console.log('images   no Vulkan device is that GPU: not bound');
  else {
    const program = join(packageRoot, 'dist', 'bench', 'vulkan-image-peer.js');
    const seed = ++value;
    const args = [program, daemon.clientSocket, await image.share(), uuid, String(seed)];
    const said = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
    const [plane] = image.planes;
    must(plane !== undefined, 'it has a plane');
    const { fd = -1, offset = 0, stride = 0 } = plane ?? {};
    const told = { fd, size: image.size, width, height, offset, stride, ...image.vulkan };
    const wrong = differs((await image.read()).bytes, told, picture(told, seed));
    if (wrong !== null) throw new Error(`the image that Vulkan has written: ${wrong}`);
    console.log(`images   bound and written by Vulkan at ${said}: read by CUDA, right`);
  }
  await image.release();
}

/** Memory of one GPU copied to another's: as it was written, at both ends and in the middle. */
async function copyAcross([from, to]: readonly Gpu[]): Promise<void> {
  if (from === undefined || to === undefined) return;
  const size = Math.min(1024 * MIB, MAX);
  const one = await client.allocate({ ...from.common, size });
  const other = await client.allocate({ ...to.common, size });
  must(one.device !== other.device, 'two devices');
  await one.fill(++value);
  const begun = now();
  await other.copyFrom(one);
  const took = now() - begun;
  const wrong = await mismatchByBroker(other, value);
  if (wrong !== null) throw new Error(`from one GPU to the other: ${wrong}`);
  await one.release();
  await other.release();
  console.log(`${sizeText(size)} from one GPU to the other: ${figure(took / 1000)} ms, right\n`);
}

const listed = devices.filter(({ cuda }) => cuda !== null).slice(0, GPUS);
must(listed.length > 0, 'CUDA has a GPU');
const gpus: Gpu[] = [];
for (const each of listed) gpus.push(await begin(each));
for (const gpu of gpus) await checkImage(gpu);
for (const [number, gpu] of gpus.entries()) await measure(number, gpu);
table(
  ['GPU', 'size', 'unnamed is of', 'fill µs', '2nd process: Vulkan µs', 'CUDA µs', 'bytes'],
  shown,
);
console.log('Imports include opening the device or context of the process: one run each.\n');
table(
  [
    ...['GPU', 'size', 'as', 'daemon µs', 'plain µs', 'ratio'],
    ...[
      'make + clear + export',
      'release µs',
      'let go + close µs',
      'vkAllocateMemory by the daemon µs',
    ],
  ],
  costs,
);
console.log(
  `Medians of ${ROUNDS} rounds in turns; a release is answered before the memory is gone.\n`,
);

await copyAcross(gpus);

// A dma_buf that is still held keeps the memory, and its count says when it goes.
const { uuid, common, plain } = gpus[0] as Gpu;
const memory = async () =>
  ((await daemon.rest('GET', '/v1/devices')).body as ListedDeviceInfo[]).find(
    (each) => each.device_uuid === uuid,
  )?.cuda;
const free = async () => (await memory())?.free ?? Number.NaN;
const idle = await free();
const last = await client.allocate({ ...common, size: Math.min(1024 * MIB, MAX) });
const held = await free();
const copy = duplicate(last.planes[0]?.fd ?? -1);
const { id } = last;
await last.release();
await last.close();
const stateNow = async () =>
  (await daemon.buffers()).find((each) => each.id === id)?.state ?? 'gone';
const state = await stateNow();
const kept = await free();
close(copy);
await eventually(async () => (await stateNow()) === 'gone', 'its count says that it is gone');
const after = await free();
console.log(
  `released ${state} while its fd is held: ${(held - kept) / MIB} MiB of it free; ` +
    `${(after - kept) / MIB} MiB back after close; ${(idle - after) / MIB} MiB less than before`,
);

// What no file tells of: free memory before and after the release, nobody else having it, and somebody.
for (const isHeld of [false, true]) {
  const lent = await client.allocate({
    ...{ ...common, size: Math.min(1024 * MIB, MAX) },
    handleTypes: ['opaque_fd'],
  });
  const fd = isHeld ? duplicate(lent.planes[0]?.fd ?? -1) : null;
  const { size } = lent;
  const before = (await memory())?.allocated ?? Number.NaN;
  await lent.release();
  const isLetGo = async () => (await memory())?.allocated === before - size;
  await eventually(isLetGo, 'the daemon has let go of it');
  const told = (await memory())?.last_release;
  console.log(`posix    ${isHeld ? 'held by another' : "nobody else's"}: ${JSON.stringify(told)}`);
  if (fd !== null) close(fd);
}

// Somebody else has most of the GPU: what the daemon says, and that it goes on.
const large = Math.floor(after / MIB / 4) * MIB;
await plain.allocate(3 * large, 'hold');
const refusal = await client.allocate({ ...common, size: 2 * large }).catch((error) => error);
must(refusal.code === 'out_of_memory', `out_of_memory: ${refusal}`);
console.log(
  `beside ${3 * large} bytes of another program: ${refusal.message}; possible`,
  refusal.refusal.possible,
);
await (await client.allocate({ ...common, size: 2 * MIB })).release();
for (const each of gpus) await each.plain.end();
client.close();
must(daemon.errors.length === 0, `no error in its log: ${JSON.stringify(daemon.errors)}`);
await daemon.stop();
console.log('all as it should be');
