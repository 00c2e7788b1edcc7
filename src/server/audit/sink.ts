/**
 * Where the audit goes: one line each into the daemon's log, from a child logger with a level of its
 * own, so that the log's level takes nothing from it. Of refusals a caller gets so many lines; a line
 * tells how many more there were.
 */
import type { Logger } from 'pino';
import { REFUSAL_WINDOW_MS, RefusalLines } from '../refusal-lines.js';
import type { AuditRecord } from './record.js';

export class AuditSink {
  readonly #logger: Logger | null;
  readonly #refusals: RefusalLines;

  /** Drops everything where no audit is wanted. */
  constructor(logger: Logger, wanted: boolean, windowMs = REFUSAL_WINDOW_MS) {
    this.#logger = wanted ? logger.child({ component: 'audit' }, { level: 'info' }) : null;
    this.#refusals = new RefusalLines((by, suppressed) => {
      this.#write({ act: 'refusal', at: new Date().toISOString(), who: null, by, suppressed });
    }, windowMs);
  }

  readonly acted = (records: readonly AuditRecord[]): void => {
    for (const record of records) {
      if (record.act !== 'refusal' || this.#refusals.admit(callerOf(record))) this.#write(record);
    }
  };

  #write(record: AuditRecord): void {
    this.#logger?.info(record, record.act);
  }

  /** Tells what there still is to tell. */
  close(): void {
    this.#refusals.close();
  }
}

/** In the words of REST's log. */
function callerOf({ who }: AuditRecord): string {
  if (who?.token != null) return `token ${who.token}`;
  return who?.uid == null ? 'anonymous' : `uid ${who.uid}`;
}
