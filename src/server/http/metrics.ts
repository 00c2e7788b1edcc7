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

type Labels = Record<string, string>;

/** Where there are no labels there is one value; null: it is not known, and not shown. */
interface Metric {
  readonly type: typeof Counter | typeof Gauge;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  readonly values: (seen: Seen) => readonly (readonly [Labels, number | null])[];
}

/** One that has a value for each of its labels' values; what is gone is not shown any more. */
const labelled =
  (type: Metric['type']) =>
  (
    name: string,
    labelNames: readonly string[],
    help: string,
    values: Metric['values'],
  ): Metric => ({
    type,
    name: `dmabroker_${name}`,
    labelNames,
    help,
    values,
  });
const counters = labelled(Counter);
const gauges = labelled(Gauge);
const counter = (name: string, help: string, value: (seen: Seen) => number) =>
  counters(name, [], help, (seen) => [[{}, value(seen)]]);
const gauge = (name: string, help: string, value: (seen: Seen) => number | null) =>
  gauges(name, [], help, (seen) => [[{}, value(seen)]]);

/** By state, and by user or unit. */
const held = (holdings: readonly Holding[], label: string, what: 'buffers' | 'bytes') =>
  holdings.map((each) => [{ state: each.state, [label]: each.label }, each[what]] as const);

const METRICS: readonly Metric[] = [
  counters(
    'allocations_total',
    ['source', 'result'],
    'Allocations and imports, by source and result (ok or the refusal code)',
    ({ plane }) => plane.allocations.map(({ count, ...labels }) => [labels, count]),
  ),
  counters('refusals_total', ['code'], 'What the data plane refused, by code', ({ plane }) =>
    Object.entries(plane.refusals).map(([code, count]) => [{ code }, count]),
  ),
  counters(
    'log_lines_lost_total',
    ['who'],
    'Lines of the log, the audit among them, that could not be written, by whose they were',
    ({ main }) => [...main.lost].map(([who, count]) => [{ who }, count]),
  ),
  gauges('buffers', ['state', 'uid'], 'Buffers, by state and user', ({ plane }) =>
    held(plane.users, 'uid', 'buffers'),
  ),
  gauges('buffer_bytes', ['state', 'uid'], 'Bytes of buffers, by state and user', ({ plane }) =>
    held(plane.users, 'uid', 'bytes'),
  ),
  gauges('unit_buffers', ['state', 'unit'], 'Buffers, by state and systemd unit', ({ plane }) =>
    held(plane.units, 'unit', 'buffers'),
  ),
  gauges(
    'unit_buffer_bytes',
    ['state', 'unit'],
    'Bytes of buffers, by state and systemd unit',
    ({ plane }) => held(plane.units, 'unit', 'bytes'),
  ),
  counter(
    'pool_hits_total',
    'Allocations that were answered from the pool of spares',
    ({ plane }) => plane.pool.hits,
  ),
  counter(
    'pool_misses_total',
    'Allocations that were not, while there was a pool',
    ({ plane }) => plane.pool.misses,
  ),
  gauge('pool_bytes', 'Bytes of spares', ({ plane }) => plane.pool.bytes),
  gauge('pool_spares', 'Spares', ({ plane }) => plane.pool.spares),
  gauge('clients', 'Connections of the client socket', ({ plane }) => plane.clients),
  gauge(
    'pending_allocations',
    'Allocations that wait for the allocator',
    ({ plane }) => plane.pendingAllocations,
  ),
  gauge(
    'client_queued_bytes',
    'Bytes that clients have not read yet',
    ({ plane }) => plane.queuedBytes,
  ),
  gauge(
    'unproven_bytes',
    'Bytes of released memory that is taken to be gone and is looked for',
    ({ plane }) => plane.unprovenBytes,
  ),
  gauge('event_readers', 'Streams of GET /v1/events', ({ main }) => main.eventReaders),
  gauge(
    'forgotten_buffers',
    'Buffers that nobody was handed for long',
    ({ main }) => main.leaks.forgotten.count,
  ),
  gauge(
    'growing_holders',
    'Processes that only get more of the memories',
    ({ main }) => main.leaks.growing.count,
  ),
  gauge(
    'lingering_bytes',
    'Bytes of released buffers whose memory somebody has, or may have',
    ({ main }) => main.leaks.lingering.bytes,
  ),
  gauge(
    'lingering_oldest_seconds',
    'Time since the release of the oldest of them',
    ({ main }) => main.leaks.lingering.oldest_seconds,
  ),
  gauge(
    'starts',
    'How often the daemon was started since its state folder was made',
    ({ main }) => main.starts,
  ),
];

/** The metrics of one daemon. */
export class Metrics {
  readonly registry = new Registry();
  readonly #registers = { registers: [this.registry] };
  readonly #made = new Map<Metric, Counter | Gauge>();
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
    for (const metric of METRICS) {
      const values = metric.values({ plane, main });
      if (values.some(([, value]) => value === null)) continue;
      const shown = this.#of(metric);
      shown.reset();
      for (const [labels, value] of values) shown.inc(labels, value ?? 0);
    }
    return this.registry.metrics();
  }

  #of(metric: Metric): Counter | Gauge {
    const { type: Type, name, help, labelNames } = metric;
    const known = this.#made.get(metric);
    const made = known ?? new Type({ name, help, labelNames: [...labelNames], ...this.#registers });
    this.#made.set(metric, made);
    return made;
  }
}
