/**
 * Does memory of a real GPU really reach other processes? Through the daemon, as opaque_fd of the
 * device's own memory: this process imports it into a Vulkan device of its own, a second process into
 * another and, where libcuda.so.1 is, a third into CUDA. Each checks what the one before wrote (zeros
 * at first) at both ends and in the middle, and writes. Ends with status 1 where anything is wrong.
 *
 *   node dist/bench/hardware.js [--max=<MiB>]
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connect } from '../src/client/index.js';
import { messageOf } from '../src/memory/errors.js';
import { Library } from '../src/native/ffi.js';
import { packageRoot } from '../src/package-root.js';
import { mismatch } from './support/importer.js';
import { startDaemon } from './support/programs.js';
import { figure, header, option, table } from './support/report.js';
import { importByVulkan } from './support/vulkan-importer.js';

const KIB = 1024;
const MIB = KIB * KIB;
const MAX = option('max', 8 * KIB) * MIB;
const SIZES = [4 * KIB, 64 * KIB, MIB, 16 * MIB, 256 * MIB, 1024 * MIB, 4096 * MIB, 8192 * MIB];

const sizeText = (bytes: number) =>
  bytes < MIB
    ? `${bytes / KIB} KiB`
    : bytes < KIB * MIB
      ? `${bytes / MIB} MiB`
      : `${bytes / MIB / KIB} GiB`;
const now = () => Number(process.hrtime.bigint()) / 1000;

function cudaProblem(): string | null {
  try {
    Library.open('libcuda.so.1');
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

header('hardware', 'Memory of a device in other processes, as opaque_fd');
const daemon = await startDaemon(process.env);
const { device } = (await daemon.rest('GET', '/v1/device')).body;
if (device === null) throw new Error('there is no Vulkan device');
console.log(`device   ${device.name}, ${device.driver.name} ${device.driver.info}`);
const noCuda = cudaProblem();
console.log(`CUDA     ${noCuda ?? 'libcuda.so.1'}`);
console.log('');
const client = await connect({ socket: daemon.clientSocket });

/** Runs the second process; its last line of output (a layer may have said something before). */
function peer(token: string, how: string, expected: number, value: number): string {
  const program = join(packageRoot, 'dist', 'bench', 'hardware-peer.js');
  const values = [expected, value].map(String);
  const args = [program, daemon.clientSocket, token, how, device.device_uuid, ...values];
  const lines = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n');
  return lines.at(-1) ?? '';
}

const rows: string[][] = [];
let value = 0;
for (const size of SIZES.filter((each) => each <= MAX)) {
  const begin = now();
  const buffer = await client.allocate({
    kind: 'buffer',
    size,
    handleTypes: ['opaque_fd'],
    usage: ['transfer'],
  });
  const allocated = now();
  const type = device.memory_types[buffer.vulkan?.memoryType ?? -1];
  const local: boolean = device.heaps[type.heap].device_local;
  const memory = importByVulkan(buffer, device.device_uuid);
  const imported = now();
  const times: string[] = [];
  let expected = 0;
  for (const how of noCuda === null ? ['vulkan', 'cuda'] : ['vulkan']) {
    const here = mismatch(memory, buffer.size, expected);
    if (here !== null) throw new Error(`${sizeText(size)}, before ${how}: ${here}`);
    const mine = ++value;
    memory.fill(mine);
    const theirs = ++value;
    times.push(peer(await buffer.share(), how, mine, theirs));
    expected = theirs;
  }
  const last = mismatch(memory, buffer.size, expected);
  if (last !== null) throw new Error(`${sizeText(size)}, at the end: ${last}`);
  memory.close();
  await buffer.release();
  rows.push([
    sizeText(size),
    `${buffer.vulkan?.memoryType}, ${local ? 'device' : 'host'} heap`,
    figure(allocated - begin),
    figure(imported - allocated),
    times[0] ?? '–',
    times[1] ?? '–',
    'right',
  ]);
}
table(
  ['size', 'memory type', 'allocate µs', 'open and import µs', '2nd Vulkan µs', 'CUDA µs', 'bytes'],
  rows,
);
console.log('Imports include opening the device (or CUDA context) of the process: one run each.');
client.close();
await daemon.stop();
