/**
 * Samples who has how much of the daemon's memory, at long intervals: each sample is a sweep over
 * /proc (observe/holders/sweeper.ts), where there is memory at all. Owns the timer.
 */
import type { Clock } from '../../../memory/clock.js';
import type { Config } from '../../config/config.js';
import { readUses, type Uses } from '../../machine/proc.js';
import { Sum, type Sweep } from '../holders/sweep.js';
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
    private readonly clock: Clock,
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
    this.last = hasMemory() ? await this.sweeper.sweep() : new Sum(this.clock.now()).whole(NOTHING);
    this.growth.sample(this.last);
  }
}

/** Of nothing nobody has something, whatever cannot be seen. */
const NOTHING = { unreadable: 0, unread: new Set<number>(), hidden: false, inFlight: new Map() };

/** Whether the daemon has any: an fd of each of its buffers is its own. */
function hasMemory(): boolean {
  const uses: Uses = new Map();
  for (const _ of readUses(process.pid, uses)) if (uses.size > 0) return true;
  return uses.size > 0;
}
