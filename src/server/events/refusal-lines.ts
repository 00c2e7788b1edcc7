/**
 * How many lines the refusals of one caller may have in the log: who asks again and again for what is
 * refused fills no disk. What is left out is counted, and told when the time is over.
 */

/** Of one caller within the time; a person's mistakes and a script's are fewer. */
export const MAX_REFUSAL_LINES = 100;

/** 100 lines of 500 bytes in 10 s are 430 MB a day, which a log that is rotated bears. */
export const REFUSAL_WINDOW_MS = 10_000;

/** Callers that are counted apart; those beyond share one count. */
const MAX_CALLERS = 256;
const OTHERS = 'others';

interface Count {
  lines: number;
  suppressed: number;
}

export class RefusalLines {
  readonly #callers = new Map<string, Count>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    /** Told how many lines of a caller were left out. */
    private readonly suppressed: (caller: string, count: number) => void,
    private readonly windowMs = REFUSAL_WINDOW_MS,
  ) {}

  /** Whether a refusal of this caller gets a line. */
  admit(caller: string): boolean {
    this.#timer ??= setTimeout(() => this.close(), this.windowMs).unref();
    const apart = this.#callers.has(caller) || this.#callers.size < MAX_CALLERS;
    const key = apart ? caller : OTHERS;
    const count = this.#callers.get(key) ?? { lines: 0, suppressed: 0 };
    this.#callers.set(key, count);
    if (count.lines >= MAX_REFUSAL_LINES) {
      count.suppressed++;
      return false;
    }
    count.lines++;
    return true;
  }

  /** The time is over, or the daemon ends. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const counts = [...this.#callers];
    this.#callers.clear();
    for (const [caller, { suppressed }] of counts) {
      if (suppressed > 0) this.suppressed(caller, suppressed);
    }
  }
}
