/**
 * What waits for others' work on the same memory to end (native/fences.ts). One thread serves
 * everybody, and the device has one queue: neither may block for one client's fence, in poll(2) or
 * behind a semaphore, so that the fences are asked again and again. What touches the same memory stays
 * in its order.
 *
 * Owns: the fences of what waits, and a timer while anything does.
 */
import { after, type Clock, type Monotonic } from '../../broker/clock.js';
import { BrokerError } from '../../broker/errors.js';
import { FENCE_LIMIT_MS } from '../../broker/limits.js';
import type { Claims } from '../../native/transfer/claims.js';

/** Far less than a frame; each time is one poll(2) a fence. */
const INTERVAL_MS = 2;

interface Entry extends Claims {
  readonly until: Monotonic;
  readonly go: (problem: BrokerError | null) => void;
}

export class Waiting {
  /** Oldest first. */
  #entries: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly clock: Clock) {}

  /**
   * Takes over the fences. Calls `go` once: at once where nothing is to be waited for, with a refusal
   * where a fence takes too long.
   */
  add({ names, fences }: Claims, go: Entry['go']): void {
    this.#entries.push({ names, fences, until: after(this.clock.now(), FENCE_LIMIT_MS), go });
    this.#run();
  }

  /** Whoever waits is not called any more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { fences } of this.#entries.splice(0)) for (const fence of fences) fence.close();
  }

  #run(): void {
    const claimed = new Set<string>();
    const ended: { entry: Entry; problem: BrokerError | null }[] = [];
    const left = this.#entries.filter((entry) => {
      const { names, fences, until } = entry;
      const behind = names.some((name) => claimed.has(name));
      const done = !behind && fences.every((fence) => fence.signalled());
      if (done || (!behind && this.clock.now() >= until)) {
        ended.push({ entry, problem: done ? null : tooLong() });
        // What comes after it in this turn runs after it, too.
        return false;
      }
      for (const name of names) claimed.add(name);
      return true;
    });
    this.#entries = left;
    for (const { entry } of ended) for (const fence of entry.fences) fence.close();
    if (left.length > 0 && this.#timer === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#run();
      }, INTERVAL_MS);
    }
    for (const { entry, problem } of ended) entry.go(problem);
  }
}

function tooLong(): BrokerError {
  const message = `others' work on the memory has not ended in ${FENCE_LIMIT_MS} ms`;
  return new BrokerError('busy', message, {
    constraint: 'fences',
    possible: { max_wait_ms: FENCE_LIMIT_MS },
  });
}
