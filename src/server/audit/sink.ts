/**
 * Where the audit goes: one line each into the daemon's log, from a child logger with a level of its
 * own, so that the log's level takes nothing from it. Of refusals a caller gets so many lines; a line
 * tells how many more there were.
 */
import type { Logger } from 'pino';
import { type Clock, dateText } from '../../broker/clock.js';
import { REFUSAL_WINDOW_MS, RefusalLines } from '../refusal-lines.js';
import { type AuditNote, recordOf } from './record.js';

export class AuditSink {
  readonly #logger: Logger | null;
  readonly #refusals: RefusalLines;

  /** Drops everything where no audit is wanted. */
  constructor(logger: Logger, wanted: boolean, clock: Clock, windowMs = REFUSAL_WINDOW_MS) {
    this.#logger = wanted ? logger.child({ component: 'audit' }, { level: 'info' }) : null;
    this.#refusals = new RefusalLines((by, suppressed) => {
      this.#write({
        act: 'refusal',
        at: dateText(clock, clock.now()),
        who: null,
        about: null,
        by,
        suppressed,
      });
    }, windowMs);
  }

  readonly acted = (notes: readonly AuditNote[]): void => {
    for (const note of notes) {
      if (note.act !== 'refusal' || this.#refusals.admit(callerOf(note))) this.#write(note);
    }
  };

  #write(note: AuditNote): void {
    this.#logger?.info(recordOf(note), note.act);
  }

  /** Tells what there still is to tell. */
  close(): void {
    this.#refusals.close();
  }
}

/** In the words of REST's log. */
function callerOf({ who }: AuditNote): string {
  if (who?.token != null) return `token ${who.token}`;
  return who?.uid == null ? 'anonymous' : `uid ${who.uid}`;
}
