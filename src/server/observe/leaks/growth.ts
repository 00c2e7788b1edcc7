/**
 * Processes that have more and more of the daemon's memories: how many each had at its last samples,
 * and which of them only grow. Pure; what is kept is bounded by the holders of the last sample.
 *
 * A process grows if, among its last `WINDOW` samples, it had more than at the sample before at least
 * `RISES` times, and never fewer. One that fills a pool of buffers rises a few times and then stays;
 * one that also gives back falls now and then.
 */
import type { Monotonic } from '../../../memory/clock.js';
import type { ProcessInfo } from '../../machine/proc.js';
import type { Sweep } from '../holders/sweep.js';

/** Samples that are kept of a process. */
export const WINDOW = 10;
export const RISES = 5;

interface Sample {
  readonly at: Monotonic;
  /** Memories of the daemon of which it has an fd or a mapping. */
  readonly memories: number;
}

interface Entry {
  readonly process: ProcessInfo;
  readonly samples: readonly Sample[];
}

export interface Growing {
  readonly process: ProcessInfo;
  readonly first: Sample;
  readonly last: Sample;
}

export class Growth {
  /** By pid and start time, since a pid is given again. */
  #entries = new Map<string, Entry>();

  /** Takes the holders of a sweep as the next sample; who holds nothing is forgotten. */
  sample({ holders, own, scannedAt }: Sweep): void {
    const counts = new Map<string, { process: ProcessInfo; memories: number }>();
    for (const [identity, all] of holders) {
      // The daemon has an fd of each of its buffers' memories; another dma_buf is not its own.
      if (!own.has(identity)) continue;
      for (const { fds, mappings, ...process } of all) {
        const key = `${process.pid} ${process.startTicks}`;
        const known = counts.get(key)?.memories ?? 0;
        counts.set(key, { process, memories: known + 1 });
      }
    }
    const entries = new Map<string, Entry>();
    for (const [key, { process, memories }] of counts) {
      const before = this.#entries.get(key)?.samples ?? [];
      const samples = [...before, { at: scannedAt, memories }].slice(-WINDOW);
      entries.set(key, { process, samples });
    }
    this.#entries = entries;
  }

  /** Those that grow, the one with most memories first. */
  get growing(): Growing[] {
    return [...this.#entries.values()]
      .filter(({ samples }) => onlyGrows(samples.map(({ memories }) => memories)))
      .map(({ process, samples }) => ({
        process,
        first: samples[0] as Sample,
        last: samples.at(-1) as Sample,
      }))
      .sort((a, b) => b.last.memories - a.last.memories);
  }
}

/** Whether counts rise at least `RISES` times and never fall. */
export function onlyGrows(counts: readonly number[]): boolean {
  const steps = counts.slice(1).map((count, index) => count - (counts[index] ?? 0));
  return steps.every((step) => step >= 0) && steps.filter((step) => step > 0).length >= RISES;
}
