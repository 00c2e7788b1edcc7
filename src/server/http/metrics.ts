/**
 * `GET /metrics`: what the data plane has counted, and this process, in the Prometheus text format.
 * The names are an interface: docs/metrics.md lists them, docs/grafana-dashboard.json shows them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { LeakReport } from '../../rest/contract.js';
import type { Losses } from '../log/queue.js';
import {
  type HistogramCounts,
  type Holding,
  type Measured,
  TIME_BOUNDS,
} from '../words/metrics.js';

/** What this thread knows. */
export interface MainMetrics {
  readonly eventReaders: number;
  readonly leaks: LeakReport;
  /** How often the daemon was started; null where nothing counts it. */
  readonly starts: number | null;
  /** Lines of the log that were lost, by user. */
  readonly lost: Losses;
}

/** A histogram that was counted elsewhere. */
class Counted extends Histogram<string> {
  #series: { labels: Record<string, string>; histogram: HistogramCounts }[] = [];

  constructor(
    private readonly about: { name: string; help: string; labelNames: string[] },
    registry: Registry,
  ) {
    super({ ...about, registers: [registry] });
  }

  set(series: { labels: Record<string, string>; histogram: HistogramCounts }[]): void {
    this.#series = series;
  }

  /** What the registry prints; prom-client's own `get` is made from it, too. */
  async getForPromString(): Promise<object> {
    const { name, help } = this.about;
    const values = this.#series.flatMap(({ labels, histogram }) => {
      let count = 0;
      const buckets = histogram.counts.map((each, index) => {
        count += each;
        const le = String(TIME_BOUNDS[index] ?? '+Inf');
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
      });
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: histogram.sum },
        { metricName: `${name}_count`, labels, value: count },
      ];
    });
    return { name, help, type: 'histogram', values, aggregator: 'sum' };
  }
}

/** What the values are taken from. */
interface Seen {
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
const LABELLED_GAUGES: Labelled = {
  buffers: ['Buffers, by state and user', USER, (s) => held(s.plane.users, 'uid', 'buffers')],
  buffer_bytes: ['Bytes of them', USER, (s) => held(s.plane.users, 'uid', 'bytes')],
  unit_buffers: ['Buffers, by systemd unit', UNIT, (s) => held(s.plane.units, 'unit', 'buffers')],
  unit_buffer_bytes: ['Bytes of them', UNIT, (s) => held(s.plane.units, 'unit', 'bytes')],
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
const METRICS = [
  { Type: Counter, all: { ...withoutLabels(COUNTERS), ...LABELLED_COUNTERS } },
  { Type: Gauge, all: { ...withoutLabels(GAUGES), ...LABELLED_GAUGES } },
] as const;

/** The metrics of one daemon. */
export class Metrics {
  readonly registry = new Registry();
  readonly #registers = { registers: [this.registry] };
  readonly #made = new Map<string, Counter | Gauge>();
  readonly #problems = new Counter({
    name: 'dmabroker_rest_problems_total',
    help: 'Requests of the REST API that were answered with a problem, by code',
    labelNames: ['code'],
    ...this.#registers,
  });
  readonly #turns = new Counted(
    {
      name: 'dmabroker_turn_seconds',
      help: 'Time of the data plane from what it received to the answers that it queued',
      labelNames: [],
    },
    this.registry,
  );
  readonly #times = new Counted(
    {
      name: 'dmabroker_allocation_seconds',
      help: 'Time from the request of an allocation to its answer, by source',
      labelNames: ['source'],
    },
    this.registry,
  );

  constructor() {
    // This process: fds, memory, CPU, start time; the event loop's lag.
    collectDefaultMetrics({ register: this.registry });
  }

  /** A request was answered with a problem. */
  problem(code: string): void {
    this.#problems.inc({ code });
  }

  /** The text of all metrics, with these values. */
  async text(plane: Measured, main: MainMetrics): Promise<string> {
    this.#turns.set([{ labels: {}, histogram: plane.turns }]);
    const times = Object.entries(plane.allocationTimes);
    this.#times.set(times.map(([source, histogram]) => ({ labels: { source }, histogram })));
    for (const { Type, all } of METRICS) {
      for (const [name, [help, labelNames, valuesOf]] of Object.entries(all)) {
        const values = valuesOf({ plane, main });
        if (labelNames.length === 0 && values.length === 0) continue;
        const about = { name: `dmabroker_${name}`, help, labelNames: [...labelNames] };
        const shown = this.#made.get(name) ?? new Type({ ...about, ...this.#registers });
        this.#made.set(name, shown);
        shown.reset();
        for (const [labels, value] of values) shown.inc(labels, value);
      }
    }
    return this.registry.metrics();
  }
}
