/**
 * What waits for others' work on the same memory to end: of the daemon's own, which is done in pieces, or
 * such as a fence tells of (native/fences.ts). One thread serves everybody, and the device has one queue:
 * neither may block for one client's fence, in poll(2) or behind a semaphore, so that the fences are asked
 * again and again. What touches the same memory is done in its order, one after the other.
 *
 * Owns: the fences of what waits, and a timer while one is awaited.
 */
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import { FENCE_LIMIT_MS } from '../../memory/limits.js';
import type { Claims } from '../../native/transfer/claims.js';

/** Far less than a frame; each time is one poll(2) a fence. */
const INTERVAL_MS = 2;

/** Called once, with a refusal or with what is to be called when the work is over. */
type Go = (problem: BrokerError | null, over: () => void) => void;

interface Entry extends Claims {
  readonly go: Go;
  /** Since it is its turn: when its fences have to have signalled. */
  until: Monotonic | null;
  /** It has gone, and is not over. */
  running: boolean;
}

export class Waiting {
  /** Oldest first. */
  #entries: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(private readonly clock: Clock) {}

  /**
   * Takes over the fences. Calls `go`: at once where nothing is to be waited for, with a refusal where a
   * fence takes too long.
   */
  add({ names, fences }: Claims, go: Go): void {
    this.#entries.push({ names, fences, until: null, running: false, go });
    this.#run();
  }

  /** Whoever waits is not called any more. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { fences, running } of this.#entries.splice(0)) {
      if (!running) for (const fence of fences) fence.close();
    }
  }

  #run(): void {
    const now = this.clock.now();
    const claimed = new Set<string>();
    const gone: { entry: Entry; problem: BrokerError | null }[] = [];
    let awaited = false;
    for (const entry of this.#entries) {
      const { names, fences, running } = entry;
      const behind = names.some((name) => claimed.has(name));
      for (const name of names) claimed.add(name);
      if (running || behind) continue;
      entry.until ??= after(now, FENCE_LIMIT_MS);
      if (fences.every((fence) => fence.signalled())) gone.push({ entry, problem: null });
      else if (now >= entry.until) gone.push({ entry, problem: tooLong() });
      else awaited = true;
    }
    for (const { entry } of gone) {
      entry.running = true;
      for (const fence of entry.fences) fence.close();
    }
    if (awaited && this.#timer === null) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#run();
      }, INTERVAL_MS);
    }
    for (const { entry, problem } of gone) {
      if (problem !== null) this.#over(entry);
      entry.go(problem, () => this.#over(entry));
    }
  }

  #over(entry: Entry): void {
    const at = this.#entries.indexOf(entry);
    if (at < 0) return;
    this.#entries.splice(at, 1);
    this.#run();
  }
}

function tooLong(): BrokerError {
  const message = `others' work on the memory has not ended in ${FENCE_LIMIT_MS} ms`;
  return new BrokerError('busy', message, {
    constraint: 'fences',
    possible: { max_wait_ms: FENCE_LIMIT_MS },
  });
}
