/**
 * Copies what happens in the registry into plain events for the main thread, one message for many: a
 * message costs the data plane, and the main thread that wakes up for it, more than the event itself
 * (docs/performance.md).
 * With them goes what the audit needs.
 */
import type { BrokerEvent } from '../../broker/events.js';
import { after, type Clock, dateText, LONG_AGO } from '../../memory/clock.js';
import type { AuditNote } from '../words/audit.js';
import { auditNote, eventDraft } from '../words/events.js';
import type { EventDraft } from '../words/messages.js';

/** Milliseconds between two messages; what happens after a quiet time is told at once. */
const INTERVAL_MS = 20;
/** Events in one message at most: a flood is told sooner, rather than in a message of megabytes. */
const MAX_EVENTS = 256;

export class Reporter {
  #events: EventDraft[] = [];
  #audit: AuditNote[] = [];
  #next = LONG_AGO;

  constructor(
    private readonly post: (events: EventDraft[], audit: AuditNote[]) => void,
    private readonly clock: Clock,
    /** Whether an audit is kept. */
    private readonly audit: boolean,
  ) {}

  readonly report = (event: BrokerEvent): void => {
    const time = dateText(this.clock, this.clock.now());
    this.#events.push(eventDraft(event, time, this.clock));
    const note = this.audit ? auditNote(event, time) : null;
    if (note !== null) this.#audit.push(note);
  };

  /** Milliseconds until `flush` has something to do; -1: never. */
  get wait(): number {
    if (this.#events.length === 0) return -1;
    return this.#events.length >= MAX_EVENTS
      ? 0
      : Math.max(0, Math.ceil(this.#next - this.clock.now()));
  }

  /** Sends what has happened, if it is time. */
  flush(): void {
    if (this.wait === 0) this.#send();
  }

  /** Sends what is left. */
  close(): void {
    if (this.#events.length > 0) this.#send();
  }

  #send(): void {
    this.post(this.#events, this.#audit);
    this.#events = [];
    this.#audit = [];
    this.#next = after(this.clock.now(), INTERVAL_MS);
  }
}
