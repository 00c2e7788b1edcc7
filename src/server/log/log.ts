/**
 * The daemon's log: pino, whose lines go into the queue (queue.ts). Nothing here waits, and nothing that
 * happens to the log ends the daemon.
 */
import { type Logger, pino } from 'pino';
import type { LogLevel } from '../../memory/log-level.js';
import type { Prefixed } from './journal.js';
import { type Account, type LineWriter, LogQueue, type Losses } from './queue.js';

/** How long the daemon's end waits for a reader of the log. */
const LAST_LINES_MS = 500;
const LEVEL_WARN = 40;

export class Log {
  readonly logger: Logger;
  readonly #queue: LogQueue;
  /** Whose act the line is that is being made; null: the daemon's own. */
  #account: Account | null = null;
  #taken = true;

  constructor(
    writer: LineWriter,
    level: LogLevel,
    /** journal.ts */
    private readonly prefixed: Prefixed = (line) => line,
  ) {
    // What tells of losses is a line like others, made when there is room for it.
    let described = '';
    const describing = pino(options('warn'), { write: (line) => (described = line) });
    this.#queue = new LogQueue(writer, (losses) => {
      describing.warn({ lost: Object.fromEntries(losses) }, sentence(losses));
      return this.prefixed(described, LEVEL_WARN);
    });
    const stream = {
      // pino sets lastLevel before it writes.
      [Symbol.for('pino.metadata')]: true,
      lastLevel: 0,
      write: (line: string) => this.#write(line, stream.lastLevel),
    };
    this.logger = pino(options(level), stream);
  }

  /** Lines lost since the start, by user. */
  get lost(): Losses {
    return this.#queue.lost;
  }

  /** Whether the line that `make` logs has a place; where not, it is neither written nor counted. */
  audit(account: Account, make: () => void): boolean {
    this.#account = account;
    try {
      make();
    } finally {
      this.#account = null;
    }
    return this.#taken;
  }

  /** An act whose line has no place and will get none. */
  lose(account: Account): void {
    this.#queue.lose(account);
  }

  /** Before the process ends. */
  flush(): void {
    this.#queue.flush(LAST_LINES_MS);
  }

  #write(text: string, level: number): void {
    const line = this.prefixed(text, level);
    if (this.#account === null) this.#queue.log(line, level);
    else this.#taken = this.#queue.audit(line, this.#account);
  }
}

const options = (level: LogLevel) => ({
  level,
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
});

function sentence(losses: Losses): string {
  const count = [...losses.values()].reduce((sum, each) => sum + each, 0);
  return `${count} lines of the log could not be written, and are lost`;
}
