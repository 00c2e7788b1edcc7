/**
 * Whether every thread of the daemon answers: each is asked, and waited for so long and no longer. Only
 * the thread itself can say that it is not stuck.
 */
import { setTimeout } from 'node:timers/promises';
import { BrokerError } from '../../memory/errors.js';

/** Far more than a thread does in one go; who looks after the daemon wants to know within seconds. */
const WAIT_MS = 5_000;

export interface Asked {
  readonly name: string;
  /** Resolves when the thread has answered. */
  ask(): Promise<unknown>;
}

export class Health {
  /** What was asked and is not answered: a thread that is stuck is asked once, however many want to know. */
  readonly #asking = new Map<string, Promise<unknown>>();

  constructor(
    private readonly threads: readonly Asked[],
    private readonly waitMs = WAIT_MS,
  ) {}

  /** Rejects with `unavailable`, which names the threads that do not answer. */
  async check(): Promise<void> {
    const ended = new AbortController();
    const late = setTimeout(this.waitMs, false, { signal: ended.signal }).catch(() => false);
    const answers = this.threads.map(async (thread) => {
      const answered = await Promise.race([this.#ask(thread).then(() => true), late]);
      return answered ? [] : [thread.name];
    });
    const silent = (await Promise.all(answers)).flat();
    ended.abort();
    if (silent.length === 0) return;
    const seconds = this.waitMs / 1000;
    const message = `no answer within ${seconds} s from the thread of: ${silent.join(', ')}`;
    throw new BrokerError('unavailable', message, { constraint: 'threads', requested: silent });
  }

  #ask(thread: Asked): Promise<unknown> {
    const asking = this.#asking.get(thread.name);
    if (asking !== undefined) return asking;
    const asked = thread.ask().finally(() => this.#asking.delete(thread.name));
    this.#asking.set(thread.name, asked);
    return asked;
  }
}
