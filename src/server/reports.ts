/**
 * What the other threads report, and where it goes: the log, the ring of events, the audit, the search for
 * memory that was released. Owns none of the threads; `plane` is told to it when there is one.
 */
import type { Logger } from 'pino';
import type { Swept } from '../broker/unproven.js';
import type { Clock } from '../memory/clock.js';
import type { LogLevel } from '../memory/log-level.js';
import { isSystemError } from '../native/libc/errno.js';
import { AuditSink } from './events/audit-sink.js';
import { Denials } from './events/denials.js';
import { RefusalLines } from './events/refusal-lines.js';
import { EventRing } from './events/ring.js';
import { EventStreams } from './events/streams.js';
import { LogLevels } from './log/levels.js';
import { accountable, type SubuidRange } from './machine/users.js';
import { Search } from './observe/holders/search.js';
import { keptBeside } from './observe/holders/sweep.js';
import { type Look, lookingAt } from './observe/holders/sweeper.js';
import type { Start } from './start.js';
import type { Started } from './started.js';
import type { DataPlane, PlaneEvents } from './threads/data-plane.js';
import type { EventDraft } from './words/messages.js';

export class Reports implements PlaneEvents {
  readonly logLevels: LogLevels;
  readonly ring = new EventRing();
  readonly streams = new EventStreams(this.ring);
  readonly audit: AuditSink;
  readonly denials: Denials;
  /** How all processes are looked at. */
  readonly look: Look;
  readonly search: Search;
  readonly acted: AuditSink['acted'];
  readonly audited: boolean;
  readonly clock: Clock;
  readonly fatal: Start['fatal'];
  /** Null until it was started. What it is asked here ends with an error where it does, which is told elsewhere. */
  plane: Pick<DataPlane, 'ask'> | null = null;
  readonly #logger: Logger;
  readonly #clientLog: Logger;
  readonly #lines: RefusalLines;

  constructor(
    { log, clock, fatal, loaded: { config } }: Start,
    started: Started,
    subuids: readonly SubuidRange[],
  ) {
    this.#logger = log.logger;
    this.clock = clock;
    this.audited = config.log.audit;
    this.fatal = fatal;
    this.logLevels = new LogLevels(config.log.level);
    this.logLevels.follow(log.logger);
    this.#clientLog = this.logLevels.follow(log.logger.child({ component: 'clients' }));
    this.#lines = new RefusalLines((by, suppressed) =>
      this.#clientLog.warn({ by, suppressed }, 'more of it has no line of its own'),
    );
    started.add(() => this.#lines.close());
    this.audit = new AuditSink(log, clock, {
      wanted: config.log.audit,
      whenFull: config.log.auditWhenFull,
      held: (held) => void this.plane?.ask('hold', held).catch(() => {}),
    });
    started.add(() => this.audit.close());
    this.acted = this.audit.acted;
    this.denials = new Denials(this.ring, this.audit, clock);
    started.add(() => this.denials.close());
    const { socket } = config.holders;
    this.look = lookingAt(socket, (reason) => {
      this.#logger.warn({ reason, socket }, 'the process that looks at all others does not answer');
    });
    const world = {
      clock,
      userOf: accountable(subuids),
      answer: (found: Swept) => void this.plane?.ask('swept', found).catch(() => {}),
      failed: this.lookFailed,
    };
    this.search = new Search(world, this.look);
  }

  log(level: LogLevel, text: string, fields: object, by?: string): void {
    if (by === undefined || this.#lines.admit(by)) this.#clientLog[level](fields, text);
  }

  happened(drafts: readonly EventDraft[]): void {
    this.ring.push(drafts);
  }

  sweep(identities: readonly string[]): void {
    this.search.search(identities);
  }

  keeper(pid: number | null): void {
    keptBeside(pid);
  }

  /**
   * Of what looks at the machine again and again: a look that the system refuses, for want of file
   * descriptors, say, is missed. The next one may do.
   */
  readonly lookFailed = (error: unknown): void => {
    if (isSystemError(error)) {
      this.#logger.warn({ reason: error.message }, 'the machine could not be looked at');
    } else this.fatal(error instanceof Error ? error : new Error(String(error)));
  };
}
