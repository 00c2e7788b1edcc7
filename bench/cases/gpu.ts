/**
 * What a real GPU does with our calls where no dma_buf can be had (NVIDIA without nvidia-drm, say): the cost of each
 * step of an allocation as opaque_fd by size, and the same through the daemon.
 */
import { closeSync } from 'node:fs';
import { connect } from '../../src/client/index.js';
import { checked } from '../../src/memory/check-spec.js';
import { Usage } from '../../src/memory/source.js';
import { toEnd } from '../../src/memory/steps.js';
import { probeVulkan } from '../../src/native/sources/probe-vulkan.js';
import type { VulkanSource } from '../../src/native/sources/vulkan.js';
import { exportFd } from '../../src/native/vulkan/memory.js';
import { allocatePlanned, Draft, planBuffer } from '../../src/native/vulkan/place.js';
import { zero } from '../../src/native/vulkan/zero.js';
import { type Bench, type Options, type Row, Skipped } from '../support/bench.js';
import { startDaemon } from '../support/programs.js';
import { inTurns } from '../support/rounds.js';

const KIB = 1024;
const MIB = KIB * KIB;
const SIZES = [4 * KIB, MIB, 8 * MIB, 64 * MIB, 512 * MIB];
const USAGES = { transfer: Usage.transfer, 'cpu_read, cpu_write': Usage.cpuRead | Usage.cpuWrite };
const handleType = 'opaque_fd';

const sizeText = (bytes: number) => (bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`);
/** Clearing half a gigabyte 21 times proves no more than 5 times. */
const roundsOf = (size: number, rounds: number) => (size > 8 * MIB ? Math.min(rounds, 5) : rounds);
const now = () => Number(process.hrtime.bigint()) / 1000;

interface Steps {
  readonly 'create, allocate, bind µs': number;
  readonly 'export µs': number;
  readonly 'clear µs': number;
  readonly 'close, free µs': number;
}

/** One allocation as VulkanSource makes it, step by step; how it was cleared, and in which memory. */
function steps({ device }: VulkanSource, size: number, usage: number): [Steps, string] {
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
  const own = { memory, fd, handleType, exporter: null, size: placed.allocationSize } as const;
  const how = toEnd(zero(device, { ...placed, ...own }, 'auto'));
  const zeroedAt = now();
  closeSync(fd);
  draft.destroy(device);
  const end = now();
  const { heaps, types } = device.memory;
  const local = heaps[types[placed.type.index]?.heap ?? -1]?.deviceLocal;
  return [
    {
      'create, allocate, bind µs': placedAt - begin,
      'export µs': exportedAt - placedAt,
      'clear µs': zeroedAt - exportedAt,
      'close, free µs': end - zeroedAt,
    },
    `memory type ${placed.type.index}, the ${local ? 'device' : 'host'}'s heap, cleared by ${how}`,
  ];
}

function byStep(source: VulkanSource, { rounds, note }: Options): Row[] {
  const rows: Row[] = [];
  for (const [name, usage] of Object.entries(USAGES)) {
    for (const size of SIZES) {
      const [, how] = steps(source, size, usage);
      const count = roundsOf(size, rounds);
      const all = Array.from({ length: count }, () => steps(source, size, usage)[0]);
      if (size === SIZES[0]) note(`${name}: ${how}.`);
      for (const what of Object.keys(all[0] ?? {}) as (keyof Steps)[]) {
        rows.push({
          case: `${sizeText(size)}, usage ${name}`,
          what,
          better: 'less',
          sides: ['Vulkan'],
          values: all.map((each) => each[what]),
          against: [],
        });
      }
    }
  }
  return rows;
}

/** Allocate and let go: by the source in this process, and through the daemon by the client. */
async function through(source: VulkanSource, rounds: number): Promise<Row[]> {
  const daemon = await startDaemon(process.env);
  const client = await connect({ socket: daemon.clientSocket });
  const rows: Row[] = [];
  for (const size of SIZES) {
    const alone = async () => {
      const begin = now();
      const spec = checked({ kind: 'buffer', size, usage: Usage.transfer });
      const { planes, key } = source.allocate(spec, 'bench');
      for (const { fd } of planes) closeSync(fd);
      source.free(key);
      return now() - begin;
    };
    const asked = async () => {
      const begin = now();
      const request = { kind: 'buffer', size, handleTypes: [handleType] } as const;
      await (await client.allocate(request)).release();
      return now() - begin;
    };
    await alone();
    await asked();
    const all = await inTurns(roundsOf(size, rounds), { alone, daemon: asked });
    rows.push({
      case: `allocate and release ${sizeText(size)} opaque_fd, client library`,
      what: 'µs',
      better: 'less',
      sides: ['daemon', 'source alone'],
      values: all.daemon,
      against: all.alone,
    });
  }
  client.close();
  await daemon.stop();
  return rows;
}

export const gpu: Bench = {
  name: 'gpu',
  what: "A Vulkan device's memory as opaque_fd: step by step, and through the daemon",
  place: 'gpu',
  amount: { rounds: 21, requests: 1 },
  quick: { rounds: 3, requests: 1 },

  async run(options) {
    const probe = probeVulkan();
    const source = probe.sources.find((candidate) => candidate.handleType === handleType);
    if (source === undefined) {
      throw new Skipped(`no Vulkan device exports ${handleType} here`);
    }
    const { device } = probe;
    const { name, apiVersion, driver } = device ?? { name: '', apiVersion: '', driver: null };
    options.note(`${name}, Vulkan ${apiVersion}, ${driver?.name} ${driver?.info}.`);
    for (const { name: state, handleType: type, usable, reason } of probe.states) {
      if (!usable) options.note(`${state} ${type} is not usable: ${reason}.`);
    }
    const rows = [...byStep(source, options), ...(await through(source, options.rounds))];
    source.close();
    return rows;
  },
};
