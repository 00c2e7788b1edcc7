/**
 * `GET /metrics`: what the data plane has counted, and this process, in the Prometheus text format.
 * The names are an interface: docs/metrics.md lists them, docs/grafana-dashboard.json shows them.
 */
import { Counter, collectDefaultMetrics, type Gauge, Histogram, Registry } from 'prom-client';
import { type HistogramCounts, type Measured, TIME_BOUNDS } from '../words/metrics.js';
import { type MainMetrics, METRICS } from './metric-list.js';

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

  /** Of this process: fds, memory, CPU, start time; the event loop's lag and collections since it was asked first. */
  #collecting = false;

  /** A request was answered with a problem. */
  problem(code: string): void {
    this.#problems.inc({ code });
  }

  #collect(): void {
    collectDefaultMetrics({ register: this.registry });
    // It counts from now on, and a process's CPU time is that since its start.
    const { user, system } = process.cpuUsage();
    const until = { user_: user, system_: system, '': user + system };
    for (const [of, microseconds] of Object.entries(until)) {
      const counter = this.registry.getSingleMetric(`process_cpu_${of}seconds_total`);
      if (counter instanceof Counter) counter.inc(microseconds / 1e6);
    }
  }

  /** The text of all metrics, with these values. */
  async text(plane: Measured, main: MainMetrics): Promise<string> {
    // What is measured all the time takes memory, and each collection a call: nobody may ever ask.
    if (!this.#collecting) this.#collect();
    this.#collecting = true;
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
