/**
 * Samples who has how much of the daemon's memory, at long intervals: each sample is a sweep over
 * /proc (observe/holders/sweeper.ts). Owns the timer.
 */
import type { Config } from '../../config/config.js';
import type { Sweep } from '../holders/sweep.js';
import type { Sweeper } from '../holders/sweeper.js';
import { Growth } from './growth.js';

export class LeakWatch {
  readonly growth = new Growth();
  /** The last sample; null before the first. */
  last: Sweep | null = null;
  #timer: NodeJS.Timeout | null = null;
  #sampling: Promise<void> | null = null;

  constructor(
    readonly config: Config['leaks'],
    private readonly sweeper: Pick<Sweeper, 'sweep'>,
    private readonly failed: (error: unknown) => void,
  ) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#sampling ??= this.#sample()
        .catch(this.failed)
        .finally(() => {
          this.#sampling = null;
        });
    }, this.config.sampleSeconds * 1000).unref();
  }

  /** Resolves when no sample is being taken any more. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#sampling;
  }

  async #sample(): Promise<void> {
    this.last = await this.sweeper.sweep();
    this.growth.sample(this.last);
  }
}
