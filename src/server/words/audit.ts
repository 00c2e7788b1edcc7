/** A line of the audit: who did what, to which buffer, and why (docs/audit.md). */
import type { Deed } from '../../broker/event-record.js';
import type { Actor } from '../../broker/who.js';

export interface AuditActor extends Actor {
  readonly rest: boolean;
}

/** What a record says of a buffer. */
export interface About {
  readonly buffer?: string;
  /** Bytes. */
  readonly size?: number;
  /** An image's, as a fourcc. */
  readonly format?: string;
  readonly source?: string;
  readonly handle_type?: string;
  /** The uid of the buffer's owner. */
  readonly owner?: number | null;
}

/** A record. Who and what it is about are the same objects for all acts that have them in common. */
export interface AuditNote extends Deed {
  /** When it happened (ISO 8601). */
  readonly at: string;
  /** null: the daemon by itself. */
  readonly who: AuditActor | null;
  readonly about: About | null;
  readonly log_level?: string;
  /** How many refusals of this caller (`by`) have no line of their own. */
  readonly suppressed?: number;
  readonly by?: string;
}
