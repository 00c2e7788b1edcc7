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
      write: (line: string) =>
        this.#queue.log(this.prefixed(line, stream.lastLevel), stream.lastLevel),
    };
    this.logger = pino(options(level), stream);
  }

  /** Lines lost since the start, by user. */
  get lost(): Losses {
    return this.#queue.lost;
  }

  /** A line of the audit, whole. Whether it has a place; where not, it is neither written nor counted. */
  audit(line: string, level: number, account: Account): boolean {
    return this.#queue.audit(this.prefixed(line, level), account);
  }

  /** An act whose line has no place and will get none. */
  lose(account: Account): void {
    this.#queue.lose(account);
  }

  /** Before the process ends. */
  flush(): void {
    this.#queue.flush(LAST_LINES_MS);
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
