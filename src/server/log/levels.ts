/**
 * How much is logged, to be changed while the daemon runs. A pino logger's children keep the level
 * that they were made with: each that lives as long as the daemon has to follow.
 */
import type { LogLevel } from '../../memory/log-level.js';

export class LogLevels {
  readonly #loggers: { level: string }[] = [];

  constructor(private current: LogLevel) {}

  get level(): LogLevel {
    return this.current;
  }

  set level(level: LogLevel) {
    this.current = level;
    for (const logger of this.#loggers) logger.level = level;
  }

  /** The logger's level is this one from now on. Returns the logger. */
  follow<L extends { level: string }>(logger: L): L {
    logger.level = this.current;
    this.#loggers.push(logger);
    return logger;
  }
}
