/**
 * How much of a CPU a process gets here. A budget of time says something only on a machine that is
 * not busy with other work, and load averages do not tell whose the load is: so now and then the runner
 * computes for some milliseconds and looks how long that took.
 */

const PROBE_MS = 15;
const EVERY_MS = 4000;
/** Three to five files at once and what they start keep two cores busy: 1.9 to 2.3 is usual with nothing beside. */
const BUSY = 2.6;

export class Contention {
  readonly #ratios: number[] = [];
  readonly #timer = setInterval(() => this.#probe(), EVERY_MS);

  constructor() {
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Wall time for each second of CPU time, the median of the run; undefined if it was too short. */
  get ratio(): number | undefined {
    const sorted = [...this.#ratios].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** Whether other work took so much of the machine that times say nothing. */
  get busy(): boolean {
    return (this.ratio ?? 1) > BUSY;
  }

  #probe(): void {
    const started = performance.now();
    const cpu = process.cpuUsage();
    const used = () => {
      const { user, system } = process.cpuUsage(cpu);
      return (user + system) / 1000;
    };
    while (used() < PROBE_MS);
    this.#ratios.push((performance.now() - started) / used());
  }
}
