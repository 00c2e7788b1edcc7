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

/** The metrics of one daemon. */
export class Metrics {
  readonly registry = new Registry();
  readonly #registers = { registers: [this.registry] };
  readonly #problems = new Counter({
    name: 'dmabroker_rest_problems_total',
    help: 'Requests of the REST API that were answered with a problem, by code',
    labelNames: ['code'],
    ...this.#registers,
  });
  readonly #allocations = this.#counter(
    'dmabroker_allocations_total',
    'Allocations and imports, by source and result (ok or the refusal code)',
    ['source', 'result'],
  );
  readonly #refusals = this.#counter(
    'dmabroker_refusals_total',
    'What the data plane refused, by code',
    ['code'],
  );
  readonly #lost = this.#counter(
    'dmabroker_log_lines_lost_total',
    'Lines of the log, the audit among them, that could not be written, by whose they were',
    ['who'],
  );
  readonly #turns = this.#histogram(
    'dmabroker_turn_seconds',
    'Time of the data plane from what it received to the answers that it queued',
    [],
  );
  readonly #times = this.#histogram(
    'dmabroker_allocation_seconds',
    'Time from the request of an allocation to its answer, by source',
    ['source'],
  );
  readonly #userBuffers = this.#gauge('dmabroker_buffers', 'Buffers, by state and user', [
    'state',
    'uid',
  ]);
  readonly #userBytes = this.#gauge(
    'dmabroker_buffer_bytes',
    'Bytes of buffers, by state and user',
    ['state', 'uid'],
  );
  readonly #unitBuffers = this.#gauge(
    'dmabroker_unit_buffers',
    'Buffers, by state and systemd unit',
    ['state', 'unit'],
  );
  readonly #unitBytes = this.#gauge(
    'dmabroker_unit_buffer_bytes',
    'Bytes of buffers, by state and systemd unit',
    ['state', 'unit'],
  );
  readonly #poolHits = this.#counter(
    'dmabroker_pool_hits_total',
    'Allocations that were answered from the pool of spares',
    [],
  );
  readonly #poolMisses = this.#counter(
    'dmabroker_pool_misses_total',
    'Allocations that were not, while there was a pool',
    [],
  );
  readonly #poolBytes = this.#gauge('dmabroker_pool_bytes', 'Bytes of spares');
  readonly #poolSpares = this.#gauge('dmabroker_pool_spares', 'Spares');
  readonly #clients = this.#gauge('dmabroker_clients', 'Connections of the client socket');
  readonly #pending = this.#gauge(
    'dmabroker_pending_allocations',
    'Allocations that wait for the allocator',
  );
  readonly #queued = this.#gauge(
    'dmabroker_client_queued_bytes',
    'Bytes that clients have not read yet',
  );
  readonly #unproven = this.#gauge(
    'dmabroker_unproven_bytes',
    'Bytes of released memory that is taken to be gone and is looked for',
  );
  readonly #readers = this.#gauge('dmabroker_event_readers', 'Streams of GET /v1/events');
  readonly #forgotten = this.#gauge(
    'dmabroker_forgotten_buffers',
    'Buffers that nobody was handed for long',
  );
  readonly #growing = this.#gauge(
    'dmabroker_growing_holders',
    'Processes that only get more of the memories',
  );
  readonly #lingering = this.#gauge(
    'dmabroker_lingering_bytes',
    'Bytes of released buffers whose memory somebody has, or may have',
  );
  readonly #oldest = this.#gauge(
    'dmabroker_lingering_oldest_seconds',
    'Time since the release of the oldest of them',
  );
  #starts: Gauge | null = null;

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
    this.#allocations.reset();
    for (const { source, result, count } of plane.allocations) {
      this.#allocations.inc({ source, result }, count);
    }
    this.#refusals.reset();
    for (const [code, count] of Object.entries(plane.refusals)) this.#refusals.inc({ code }, count);
    this.#turns.set([{ labels: {}, histogram: plane.turns }]);
    this.#times.set(
      Object.entries(plane.allocationTimes).map(([source, histogram]) => ({
        labels: { source },
        histogram,
      })),
    );
    show(plane.users, 'uid', this.#userBuffers, this.#userBytes);
    show(plane.units, 'unit', this.#unitBuffers, this.#unitBytes);
    this.#clients.set(plane.clients);
    this.#pending.set(plane.pendingAllocations);
    this.#queued.set(plane.queuedBytes);
    this.#unproven.set(plane.unprovenBytes);
    this.#poolHits.reset();
    this.#poolHits.inc(plane.pool.hits);
    this.#poolMisses.reset();
    this.#poolMisses.inc(plane.pool.misses);
    this.#poolBytes.set(plane.pool.bytes);
    this.#poolSpares.set(plane.pool.spares);
    this.#readers.set(main.eventReaders);
    const { forgotten, growing, lingering } = main.leaks;
    this.#forgotten.set(forgotten.count);
    this.#growing.set(growing.count);
    this.#lingering.set(lingering.bytes);
    this.#oldest.set(lingering.oldest_seconds);
    this.#lost.reset();
    for (const [who, count] of main.lost) this.#lost.inc({ who }, count);
    if (main.starts !== null) {
      this.#starts ??= this.#gauge(
        'dmabroker_starts',
        'How often the daemon was started since its state folder was made',
      );
      this.#starts.set(main.starts);
    }
    return this.registry.metrics();
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, ...this.#registers });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, ...this.#registers });
  }

  #histogram(name: string, help: string, labelNames: string[]): Counted {
    return new Counted({ name, help, labelNames }, this.registry);
  }
}

function show(holdings: readonly Holding[], label: string, buffers: Gauge, bytes: Gauge): void {
  buffers.reset();
  bytes.reset();
  for (const holding of holdings) {
    const labels = { state: holding.state, [label]: holding.label };
    buffers.set(labels, holding.buffers);
    bytes.set(labels, holding.bytes);
  }
}
