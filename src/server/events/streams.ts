/**
 * The readers of the event stream: how many there may be, and their end with the daemon.
 */
import type { Writable } from 'node:stream';
import { BrokerError } from '../../broker/errors.js';
import { MAX_EVENT_READERS } from './limits.js';
import type { EventRing } from './ring.js';
import { type DropReason, EventStream, type Filter } from './stream.js';

export class EventStreams {
  readonly #streams = new Set<EventStream>();

  constructor(
    private readonly ring: EventRing,
    private readonly heartbeatMs?: number,
  ) {}

  get count(): number {
    return this.#streams.size;
  }

  /** Throws `limit_exceeded` where there is no place for one more. */
  admit(): void {
    if (this.#streams.size < MAX_EVENT_READERS) return;
    throw new BrokerError('limit_exceeded', `at most ${MAX_EVENT_READERS} readers of events`, {
      constraint: 'event readers',
      requested: this.#streams.size + 1,
      possible: { max: MAX_EVENT_READERS },
    });
  }

  /** Starts a stream after the event with an id; `dropped` is told why it ended, if not by the reader. */
  open(
    out: Writable,
    filter: Filter,
    lastId: string | null,
    dropped: (reason: DropReason) => void,
  ): void {
    const place = this.ring.placeAfter(lastId);
    const ended = (reason: DropReason | null) => {
      this.#streams.delete(stream);
      if (reason !== null) dropped(reason);
    };
    const stream: EventStream = new EventStream(
      this.ring,
      out,
      filter,
      place,
      ended,
      this.heartbeatMs,
    );
    this.#streams.add(stream);
  }

  /** The daemon stops. */
  close(): void {
    for (const stream of [...this.#streams]) stream.drop('stopping');
  }
}
