/**
 * Does a GPU's memory outlive the daemon? Buffers as opaque_fd, filled through the daemon; it is killed; the next
 * one has their fds from whoever kept them, imports them, and reads what was written, as does another process.
 * And what the death of the one that exported them leaves of the device's memory, with fds kept and without.
 * Ends with status 1 where anything is wrong.
 *
 *   node dist/bench/gpu-restart.js [--max=<MiB>] [--cuda] [--both]
 *
 * Of the source vulkan, or with `--cuda` of cuda; with `--both` as a dma_buf of cuda's, too.
 */
import { execFileSync } from 'node:child_process';
import { connect } from '../src/client/index.js';
import { eventually } from '../test/support/daemon.js';
import { ServiceManager } from '../test/support/service-manager.js';
import { figure, header, option, table } from './support/report.js';

const MIB = 1024 * 1024;
const MAX = option('max', 1024);
const SIZES = [1, 16, 256, 1024].filter((mib) => mib <= MAX);
const CHECKED = 4096;
const IS_BOTH = process.argv.includes('--both');
const SOURCE = IS_BOTH || process.argv.includes('--cuda') ? 'cuda' : 'vulkan';

header('gpu-restart', 'Memory of a device over a restart of the daemon');
const ends: (() => void)[] = [];
const manager = new ServiceManager({ teardown: (end: () => void) => ends.push(end) });
let wrong = 0;
const now = () => Number(process.hrtime.bigint()) / 1e6;

/** MiB of all GPUs in use by all processes; null where NVIDIA's tool is not there. */
function inUse(): number | null {
  try {
    const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits'];
    const text = execFileSync('nvidia-smi', query, { encoding: 'utf8' });
    return text
      .trim()
      .split('\n')
      .map(Number)
      .reduce((sum, used) => sum + used, 0);
  } catch {
    return null;
  }
}

function is(content: Buffer, value: number): string {
  for (let at = 0; at < content.length; at += 4) {
    if (content.readUInt32LE(at) !== value) {
      wrong++;
      return `0x${content.readUInt32LE(at).toString(16)} at ${at}`;
    }
  }
  return 'as written';
}

async function both(path: string, token: string, size: number, value: number): Promise<string> {
  const client = await connect({ socket: path });
  try {
    const buffer = await client.redeem(token);
    const first = await buffer.read({ offset: 0, size: CHECKED });
    const last = await buffer.read({ offset: size - CHECKED, size: CHECKED });
    await buffer.close();
    return [is(first.bytes, value), is(last.bytes, value)].every((each) => each === 'as written')
      ? `as written (${first.path})`
      : `${is(first.bytes, value)}, ${is(last.bytes, value)}`;
  } finally {
    client.close();
  }
}

let daemon = await manager.start();
process.once('exit', () => daemon.process.kill('SIGKILL'));
const [device] = (await daemon.rest('GET', '/v1/devices')).body;
if (device === undefined) throw new Error('there is no device');
const { name: driver, info } = device.driver ?? { name: 'CUDA alone', info: '' };
console.log(`device   ${device.name}, ${driver} ${info}\n`);
const rows: string[][] = [];
for (const mib of SIZES) {
  const size = mib * MIB;
  const idle = inUse();
  const client = await connect({ socket: daemon.clientSocket });
  const buffer = await client.allocate({
    ...{ kind: 'buffer', size, source: SOURCE, allHandleTypes: IS_BOTH },
    handleTypes: IS_BOTH ? ['dma_buf', 'opaque_fd'] : ['opaque_fd'],
    lifetime: 'until_released',
    placement: 'device_local',
  });
  const value = 0x1000000 + mib;
  await buffer.fill(value);
  const token = await buffer.share({ uses: 100 });
  const { id } = buffer;
  client.close();
  await buffer.close();
  const made = inUse();
  const before = await both(daemon.clientSocket, token, size, value);
  const began = now();
  await daemon.end('SIGKILL');
  const dead = inUse();
  daemon = await manager.start();
  const down = now() - began;
  const started = now();
  const after = await both(daemon.clientSocket, token, size, value);
  const took = now() - started;
  await daemon.rest('DELETE', `/v1/buffers/${id}`);
  await eventually(() => manager.names.length === 0, 'its fd has left the store');
  const free = inUse();
  const use = [idle, made, dead, free]
    .map((each) => (each === null ? '–' : figure(each)))
    .join(' → ');
  rows.push([`${mib} MiB`, before, after, figure(down), figure(took), use]);
}
table(
  [
    'memory',
    'before',
    'after kill -9',
    'down, ms',
    'redeem and read twice, ms',
    'in use, MiB: idle → allocated → daemon dead → released',
  ],
  rows,
);
await daemon.end();
for (const end of ends) end();
process.exitCode = wrong > 0 ? 1 : 0;
