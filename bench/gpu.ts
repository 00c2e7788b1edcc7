/**
 * What a real GPU does with our calls where no dma_buf can be had (NVIDIA without nvidia-drm, say):
 * the device and its sources, the cost of each step of an allocation as opaque_fd by size, how fast
 * memory is cleared, and the same through the daemon. It needs Node, libvulkan.so.1 with a driver,
 * and of this package bin/, dist/, openapi.yaml, package.json and node_modules/{ffi-rs,@yuuang}.
 *
 *   node dist/bench/gpu.js [--rounds=21]
 */
import { closeSync, readlinkSync } from 'node:fs';
import { connect } from '../src/client/index.js';
import { checked } from '../src/memory/check-spec.js';
import { Usage } from '../src/memory/source.js';
import { toEnd } from '../src/memory/steps.js';
import { probeVulkan } from '../src/native/sources/probe-vulkan.js';
import type { VulkanSource } from '../src/native/sources/vulkan.js';
import { exportFd } from '../src/native/vulkan/memory.js';
import { allocatePlanned, Draft, planBuffer } from '../src/native/vulkan/place.js';
import { zero } from '../src/native/vulkan/zero.js';
import { startDaemon } from './support/programs.js';
import { figure, header, median, option, ratio, table } from './support/report.js';

const ROUNDS = option('rounds', 21);
const KIB = 1024;
const MIB = KIB * KIB;
const SIZES = [4 * KIB, MIB, 8 * MIB, 64 * MIB, 512 * MIB];
const handleType = 'opaque_fd';

const sizeText = (bytes: number) => (bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`);
/** Clearing half a gigabyte 21 times proves no more than 5 times. */
const roundsOf = (size: number) => (size > 8 * MIB ? Math.min(ROUNDS, 5) : ROUNDS);
const now = () => Number(process.hrtime.bigint()) / 1000;

header('gpu', 'Memory of a Vulkan device as opaque_fd');
const probe = probeVulkan();
const { device: found } = probe;
if (found !== null) {
  const { name, type, apiVersion, driver, extensions, heaps } = found;
  console.log(`device      ${name} (${type}), Vulkan ${apiVersion}, ${driver.name} ${driver.info}`);
  const state = (on: boolean) =>
    extensions.filter(({ enabled }) => enabled === on).map((extension) => extension.name);
  console.log(`extensions  ${state(true).join(' ')}`);
  console.log(`missing     ${state(false).join(' ') || 'none'}`);
  for (const { index, size, deviceLocal } of heaps) {
    console.log(
      `heap ${index}      ${(size / MIB / KIB).toFixed(1)} GiB${deviceLocal ? ', of the device' : ''}`,
    );
  }
}
for (const { name, handleType: type, usable, reason } of probe.states) {
  console.log(`source      ${name} ${type}: ${usable ? 'usable' : 'not usable'}: ${reason}`);
}
const source = probe.sources.find((candidate) => candidate.handleType === handleType);
if (source === undefined) throw new Error(`no source exports ${handleType} here`);
console.log('');

interface Steps {
  readonly place: number;
  readonly export: number;
  readonly zero: number;
  readonly free: number;
  /** How it was cleared, in which memory, and what the fd is a link to. */
  readonly how: string;
  readonly memory: string;
  readonly link: string;
}

/** One allocation as VulkanSource makes it, step by step; microseconds. */
function steps({ device }: VulkanSource, size: number, usage: number): Steps {
  const draft = new Draft();
  const context = {
    device,
    handleType,
    offers: [],
    forceHostVisible: false,
    exporterLimit: () => null,
  } as const;
  const begin = now();
  const placed = planBuffer(context, { kind: 'buffer', size, usage }, draft);
  allocatePlanned(context, placed);
  const placedAt = now();
  const { memory } = placed.objects;
  const fd = exportFd(device, memory, handleType);
  const exportedAt = now();
  const { allocationSize } = placed;
  const exported = {
    ...placed,
    memory,
    fd,
    handleType,
    exporter: null,
    size: allocationSize,
  } as const;
  const how = toEnd(zero(device, exported, 'auto'));
  const zeroedAt = now();
  const link = readlinkSync(`/proc/self/fd/${fd}`);
  const freeing = now();
  closeSync(fd);
  draft.destroy(device);
  const end = now();
  const { heaps, types } = device.memory;
  const local = heaps[types[placed.type.index]?.heap ?? -1]?.deviceLocal;
  return {
    place: placedAt - begin,
    export: exportedAt - placedAt,
    zero: zeroedAt - exportedAt,
    free: end - freeing,
    how,
    memory: `type ${placed.type.index}, ${local ? 'device' : 'host'} heap`,
    link,
  };
}

const usages = { transfer: Usage.transfer, 'cpu_read, cpu_write': Usage.cpuRead | Usage.cpuWrite };
const rows: string[][] = [];
for (const [name, usage] of Object.entries(usages)) {
  for (const size of SIZES) {
    steps(source, size, usage);
    const all = Array.from({ length: roundsOf(size) }, () => steps(source, size, usage));
    const part = (of: (one: Steps) => number) => median(all.map(of));
    const { how = '', memory = '', link = '' } = all[0] ?? {};
    rows.push([
      name,
      sizeText(size),
      memory,
      figure(part((one) => one.place)),
      figure(part((one) => one.export)),
      `${how} ${figure(part((one) => one.zero))}`,
      how === 'fresh' ? '–' : figure(part((one) => size / one.zero / 1000)),
      figure(part((one) => one.free)),
      link,
    ]);
  }
}
const head = ['usage', 'size', 'memory', 'create, allocate, bind µs', 'export µs', 'clear µs'];
table([...head, 'clear GB/s', 'close, free µs', 'fd is'], rows);

/** Allocate and let go: by the source in this process, and through the daemon by the client. */
const daemon = await startDaemon(process.env);
const client = await connect({ socket: daemon.clientSocket });
const through: string[][] = [];
for (const size of SIZES) {
  const [alone, daemonTimes]: number[][] = [[], []];
  let link = '';
  for (let round = -1; round < roundsOf(size); round++) {
    const begin = now();
    const { planes, key } = source.allocate(
      checked({ kind: 'buffer', size, usage: Usage.transfer }),
      'bench',
    );
    for (const { fd } of planes) closeSync(fd);
    source.free(key);
    const between = now();
    const buffer = await client.allocate({ kind: 'buffer', size, handleTypes: [handleType] });
    link = readlinkSync(`/proc/self/fd/${buffer.planes[0]?.fd}`);
    await buffer.release();
    const end = now();
    if (round < 0) continue;
    alone?.push(between - begin);
    daemonTimes?.push(end - between);
  }
  const [x, y] = [daemonTimes ?? [], alone ?? []];
  through.push([sizeText(size), figure(median(y)), figure(median(x)), ratio(x, y), link]);
}
table(['size', 'source alone µs', 'daemon µs', 'ratio', "the client's fd is"], through);
console.log(
  `Medians of ${ROUNDS} rounds after one more (5 above 8 MiB). Daemon: allocate and release with`,
);
console.log('src/client, both cleared as above; the ratio is of rounds that took turns.');
client.close();
await daemon.stop();
source.close();
