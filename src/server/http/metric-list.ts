/**
 * The metrics that are one value or one for each of their labels' values: name, help, labels, and where the
 * values come from. metrics.ts has the others, and prints them all.
 */
import { Counter, Gauge } from 'prom-client';
import type { Dimension } from '../../memory/charged.js';
import { MAX_QUEUED } from '../../memory/limits.js';
import type { LeakReport } from '../../rest/contract.js';
import type { Losses } from '../log/queue.js';
import type { CudaMemoryUse, DeviceUse, HeapUse, Holding, Measured } from '../words/metrics.js';

/** What this thread knows. */
export interface MainMetrics extends DeviceUse {
  readonly eventReaders: number;
  readonly leaks: LeakReport;
  /** How often the daemon was started; null where nothing counts it. */
  readonly starts: number | null;
  /** Lines of the log that were lost, by user. */
  readonly lost: Losses;
  /** Whether clients can be served, as of GET /readyz. */
  readonly ready: boolean;
  /** Whether what is to be kept over a restart is. */
  readonly stored: boolean;
  readonly version: string;
}

/** What the values are taken from. */
export interface Seen {
  readonly plane: Measured;
  readonly main: MainMetrics;
}
type Values = readonly (readonly [Record<string, string>, number])[];

/** With a value for each of their labels' values; what is gone is not shown any more. */
type Labelled = Readonly<Record<string, readonly [string, readonly string[], (s: Seen) => Values]>>;
/** With one value; null: it is not known, and not shown. */
type Single = Readonly<Record<string, readonly [string, (s: Seen) => number | null]>>;

/** By state, and by user or unit. */
const held = (holdings: readonly Holding[], label: string, what: 'buffers' | 'bytes'): Values =>
  holdings.map((each) => [{ state: each.state, [label]: each.label }, each[what]]);

const COUNTERS: Single = {
  pool_hits_total: ['Allocations that were answered from the pool', (s) => s.plane.pool.hits],
  pool_misses_total: ['Allocations that were not, while there was one', (s) => s.plane.pool.misses],
};
const GAUGES: Single = {
  stored_fds: [
    'fds that the service manager keeps; absent without one',
    (s) => s.plane.kept?.fds ?? null,
  ],
  keeper_fds: [
    'fds that dmabroker-keeper keeps beside it; absent without a service manager',
    (s) => s.plane.kept?.keeperFds ?? null,
  ],
  stored_fds_waiting: ['Buffers whose fds wait for it', (s) => s.plane.kept?.waiting ?? null],
  unkept_buffers: [
    'Buffers that will not outlive the daemon though they should',
    (s) => s.plane.kept?.unkept ?? null,
  ],
  pool_bytes: ['Bytes of spares', (s) => s.plane.pool.bytes],
  pool_spares: ['Spares', (s) => s.plane.pool.spares],
  clients: ['Connections of the client socket', (s) => s.plane.clients],
  pending_allocations: ['Allocations that wait', (s) => s.plane.pendingAllocations],
  client_queued_bytes: ['Bytes that clients have not read yet', (s) => s.plane.queuedBytes],
  unproven_bytes: ['Bytes taken to be gone, and looked for', (s) => s.plane.unprovenBytes],
  event_readers: ['Streams of GET /v1/events', (s) => s.main.eventReaders],
  forgotten_buffers: ['Buffers nobody was handed for long', (s) => s.main.leaks.forgotten.count],
  growing_holders: ['Processes that only get more of them', (s) => s.main.leaks.growing.count],
  lingering_bytes: ['Bytes released that somebody may have', (s) => s.main.leaks.lingering.bytes],
  lingering_oldest_seconds: [
    'Since the oldest of them',
    (s) => s.main.leaks.lingering.oldest_seconds,
  ],
  client_fds: ['fds of connections, and sent ones no buffer has', (s) => s.plane.clientFds.used],
  client_fds_limit: ['Most of them', (s) => s.plane.clientFds.limit],
  protocol_objects: ['Objects of all connections', (s) => s.plane.protocolObjects.used],
  protocol_objects_limit: ['Most of them', (s) => s.plane.protocolObjects.limit],
  client_queued_limit_bytes: ['Most bytes that clients may leave unread', () => MAX_QUEUED],
  ready: ['Whether clients can be served, as of GET /readyz', (s) => Number(s.main.ready)],
  state_stored: [
    'Whether what is to be kept over a restart could be stored and read',
    (s) => Number(s.main.stored),
  ],
  starts: ['Starts since the state folder was made', (s) => s.main.starts],
};
const LABELLED_COUNTERS: Labelled = {
  allocations_total: [
    'Allocations and imports, by source and result (ok or the refusal code)',
    ['source', 'result'],
    ({ plane }) => plane.allocations.map(({ count, ...labels }) => [labels, count]),
  ],
  refusals_total: [
    'What the data plane refused, by code',
    ['code'],
    ({ plane }) => Object.entries(plane.refusals).map(([code, count]) => [{ code }, count]),
  ],
  log_lines_lost_total: [
    'Lines of the log, the audit among them, that could not be written, by whose they were',
    ['who'],
    ({ main }) => [...main.lost].map(([who, count]) => [{ who }, count]),
  ],
};
const USER = ['state', 'uid'];
const UNIT = ['state', 'unit'];
const QUOTA = ['scope', 'key'];
const used =
  (dimension: Dimension) =>
  ({ plane }: Seen): Values =>
    plane.quotas.flatMap(({ scope, key, used }) =>
      used === null ? [] : [[{ scope, key }, used[dimension]]],
    );
const limit =
  (of: Dimension | 'allocationsPerSecond') =>
  ({ plane }: Seen): Values =>
    plane.quotas.flatMap(({ scope, key, limits }) => {
      const most = limits[of];
      return most === null ? [] : [[{ scope, key }, most]];
    });
const HEAP = ['device', 'heap'];
/** What the driver does not say is not shown. */
const ofHeaps =
  (value: (heap: HeapUse) => number | null) =>
  ({ main }: Seen): Values =>
    main.heaps.flatMap((each) => {
      const known = value(each);
      return known === null ? [] : [[{ device: each.device, heap: String(each.heap) }, known]];
    });
const ofCuda =
  (value: (memory: CudaMemoryUse) => number | null) =>
  ({ main }: Seen): Values =>
    main.cuda.flatMap((each) => {
      const known = value(each);
      return known === null ? [] : [[{ device: each.device }, known]];
    });
const LABELLED_GAUGES: Labelled = {
  buffers: ['Buffers, by state and user', USER, (s) => held(s.plane.users, 'uid', 'buffers')],
  buffer_bytes: ['Bytes of them', USER, (s) => held(s.plane.users, 'uid', 'bytes')],
  unit_buffers: ['Buffers, by systemd unit', UNIT, (s) => held(s.plane.units, 'unit', 'buffers')],
  unit_buffer_bytes: ['Bytes of them', UNIT, (s) => held(s.plane.units, 'unit', 'bytes')],
  quota_used_bytes: ['Bytes charged, by quota', QUOTA, used('bytes')],
  quota_used_buffers: ['Buffers charged', QUOTA, used('buffers')],
  quota_used_fds: ['fds charged', QUOTA, used('fds')],
  quota_used_pending: ['Allocations that wait, charged', QUOTA, used('pending')],
  quota_limit_bytes: ['Most bytes; absent where there is no limit', QUOTA, limit('bytes')],
  quota_limit_buffers: ['Most buffers', QUOTA, limit('buffers')],
  quota_limit_fds: ['Most fds', QUOTA, limit('fds')],
  quota_limit_pending: ['Most allocations that wait', QUOTA, limit('pending')],
  quota_limit_allocations_per_second: ['Most of them', QUOTA, limit('allocationsPerSecond')],
  vulkan_heap_size_bytes: ['Bytes of a memory heap', HEAP, ofHeaps((heap) => heap.size)],
  vulkan_heap_budget_bytes: ['What the process may have', HEAP, ofHeaps((heap) => heap.budget)],
  vulkan_heap_usage_bytes: ['What it has', HEAP, ofHeaps((heap) => heap.usage)],
  cuda_memory_size_bytes: ['Bytes of a GPU by CUDA', ['device'], ofCuda(({ total }) => total)],
  cuda_memory_free_bytes: ['What is left for all', ['device'], ofCuda(({ free }) => free)],
  cuda_memory_allocated_bytes: [
    'What the daemon has of it by CUDA',
    ['device'],
    ofCuda(({ allocated }) => allocated),
  ],
  build_info: [
    'Always 1: version of the daemon, of Node, and architecture',
    ['version', 'node', 'arch'],
    ({ main: { version } }) => [[{ version, node: process.versions.node, arch: process.arch }, 1]],
  ],
};

const withoutLabels = (all: Single): Labelled =>
  Object.fromEntries(
    Object.entries(all).map(([name, [help, value]]) => {
      const values = (seen: Seen): Values => {
        const known = value(seen);
        return known === null ? [] : [[{}, known]];
      };
      return [name, [help, [], values]];
    }),
  );

/** A new metric is one entry above. */
export const METRICS = [
  { Type: Counter, all: { ...withoutLabels(COUNTERS), ...LABELLED_COUNTERS } },
  { Type: Gauge, all: { ...withoutLabels(GAUGES), ...LABELLED_GAUGES } },
] as const;
