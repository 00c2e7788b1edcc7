/**
 * Where the audit goes: one line each into the daemon's log (audit-line.ts), whatever the log's level. Of refusals a
 * caller gets so many lines; a line tells how many more there were.
 *
 * Where the log has no room for an act, it is lost and counted (`drop`), or kept, and nobody is served
 * until it has (`block`).
 */
import { type Clock, dateText } from '../../memory/clock.js';
import { DateTexts } from '../../memory/date-texts.js';
import type { WhenFull } from '../config/when-full.js';
import type { Log } from '../log/log.js';
import type { AuditNote } from '../words/audit.js';
import { LEVEL, lineOf } from './audit-line.js';
import { REFUSAL_WINDOW_MS, RefusalLines } from './refusal-lines.js';

/** How often it is looked whether the log has room again. */
const LOOK_MS = 50;

export interface AuditOptions {
  readonly wanted: boolean;
  readonly whenFull: WhenFull;
  /** Told when acts begin to wait for the log, and when none does any more. */
  readonly held: (held: boolean) => void;
  readonly windowMs?: number;
}

export class AuditSink {
  readonly #times = new DateTexts();
  /** That of the lines which are made now. */
  #time = '';
  readonly #refusals: RefusalLines;
  /** `block`: acts without a line yet, in their order. Nothing is served meanwhile, which bounds them. */
  readonly #waiting: AuditNote[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** Drops everything where no audit is wanted. */
  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly options: AuditOptions,
  ) {
    const { windowMs = REFUSAL_WINDOW_MS } = options;
    this.#refusals = new RefusalLines((by, suppressed) => {
      this.#look();
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

  /** Whether acts wait for the log, so that nobody may do any more. */
  get held(): boolean {
    return this.#waiting.length > 0;
  }

  readonly acted = (notes: readonly AuditNote[]): void => {
    this.#look();
    for (const note of notes) {
      if (note.act !== 'refusal' || this.#refusals.admit(callerOf(note))) this.#write(note);
    }
  };

  #write(note: AuditNote): void {
    if (!this.options.wanted) return;
    if (!this.held && this.#isWritten(note)) return;
    if (this.options.whenFull === 'drop') {
      this.log.lose(accountOf(note));
      return;
    }
    this.#waiting.push(note);
    if (this.#timer !== null) return;
    this.#timer = setInterval(() => this.#again(), LOOK_MS).unref();
    this.options.held(true);
  }

  #isWritten(note: AuditNote): boolean {
    return this.log.audit(lineOf(note, this.#time), LEVEL, accountOf(note));
  }

  /** Once for many lines. */
  #look(): void {
    this.#time = this.#times.of(this.clock.date(this.clock.now()));
  }

  #again(): void {
    this.#look();
    for (const note of [...this.#waiting]) {
      if (!this.#isWritten(note)) return;
      this.#waiting.shift();
    }
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.options.held(false);
  }

  /** Tells what there still is to tell. What has no line then is lost, with the daemon's end. */
  close(): void {
    this.#refusals.close();
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const note of this.#waiting.splice(0)) this.log.lose(accountOf(note));
  }
}

const accountOf = ({ who, act }: AuditNote) => ({ uid: who?.uid ?? null, act });

/** In the words of REST's log. */
function callerOf({ who }: AuditNote): string {
  if (who?.token != null) return `token ${who.token}`;
  return who?.uid == null ? 'anonymous' : `uid ${who.uid}`;
}
