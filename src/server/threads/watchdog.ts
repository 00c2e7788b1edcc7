/**
 * Tells the service manager that the daemon is alive, for as long as every thread without which nobody is served
 * answers. One that is stuck for the manager's time (WatchdogSec=) has it end the daemon and start another; it is named
 * before. What the daemon can do without (previews, the child that asks for names) is not asked.
 *
 * Owns a timer. The manager counts CLOCK_MONOTONIC, as timers here do: a machine that slept has missed nothing.
 */
import type { Clock } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import { type Asked, Health } from './health.js';

/** Of the manager's time: how long it is from an answer to the next question, how long one is waited for until it is told. */
const PAUSE = 1 / 4;
const WAIT = 1 / 2;
/** And from there to the next look: who does answer is not to be ended for a pause. */
const SOON = 1 / 40;

/**
 * A thread that may be silent for longer: what it has the kernel or a driver do in one call takes as long as it takes, and
 * nobody is to have the daemon ended by asking for much.
 */
export function patient({ name, ask }: Asked, patienceMs: number, clock: Clock): Asked {
  let asked = clock.now();
  let asking: Promise<unknown> | null = null;
  return {
    name,
    ask: () => {
      if (asking === null) {
        asked = clock.now();
        asking = ask().finally(() => {
          asking = null;
        });
        // Seen only by whoever waits for it.
        asking.catch(() => {});
      }
      return clock.now() - asked < patienceMs ? Promise.resolve() : asking;
    },
  };
}

export interface WatchdogWorld {
  /** All have answered just now. */
  alive(): void;
  /** Told once, until all answer again. */
  silent(reason: string): void;
  answers(): void;
}

export class Watchdog {
  readonly #health: Health;
  #timer: NodeJS.Timeout | null = null;
  #silent = false;
  #stopped = false;

  constructor(
    threads: readonly Asked[],
    private readonly limitMs: number,
    private readonly world: WatchdogWorld,
  ) {
    this.#health = new Health(threads, limitMs * WAIT);
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The main thread has answered by being here. */
  async #look(): Promise<void> {
    let reason: string | null = null;
    try {
      await this.#health.check();
    } catch (error) {
      reason = messageOf(error);
    }
    if (this.#stopped) return;
    if (reason === null) {
      this.world.alive();
      if (this.#silent) this.world.answers();
    } else if (!this.#silent) this.world.silent(reason);
    this.#silent = reason !== null;
    const pause = this.limitMs * (this.#silent ? SOON : PAUSE);
    this.#timer = setTimeout(() => void this.#look(), pause);
    this.#timer.unref();
  }
}
