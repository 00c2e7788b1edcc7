/** The readers of the event stream: how many there may be, and their end with the daemon. */
import type { Writable } from 'node:stream';
import { BrokerError } from '../../memory/errors.js';
import {
  MAX_EVENT_READERS,
  MAX_OWNER_READERS,
  MAX_READERS_PER_CALLER,
  MAX_READERS_PER_OWNER,
} from './limits.js';
import type { EventRing } from './ring.js';
import { type DropReason, EventStream, type Filter } from './stream.js';

interface Reader {
  /** Who it is, as in the log. */
  readonly caller: string;
  /** Told why it has ended, if not by the reader. */
  readonly dropped: (reason: DropReason) => void;
  /** Whether it may go on: tokens expire, and the policy changes. */
  readonly mayRead: () => boolean;
}

export class EventStreams {
  /** With the user of whom alone each tells, and who reads it. */
  readonly #streams = new Map<
    EventStream,
    { readonly only: number | null; readonly caller: string }
  >();

  constructor(
    private readonly ring: EventRing,
    private readonly heartbeatMs?: number,
  ) {}

  get count(): number {
    return this.#streams.size;
  }

  /** Throws `limit_exceeded` where there is no place for one more of a caller, who is told of this user alone. */
  admit(only: number | null, caller: string): void {
    const check = (count: number, max: number) => {
      if (count < max) return;
      throw new BrokerError('limit_exceeded', `at most ${max} readers of events`, {
        constraint: 'event readers',
        requested: count + 1,
        possible: { max },
      });
    };
    check(this.#streams.size, MAX_EVENT_READERS);
    const all = [...this.#streams.values()];
    if (only === null) {
      check(all.filter((each) => each.caller === caller).length, MAX_READERS_PER_CALLER);
      return;
    }
    const owners = all.filter((each) => each.only !== null);
    check(owners.length, MAX_OWNER_READERS);
    check(owners.filter((each) => each.only === only).length, MAX_READERS_PER_OWNER);
  }

  /** Starts a stream after the event with an id. */
  open(out: Writable, filter: Filter, lastId: string | null, reader: Reader): EventStream {
    const { caller, dropped, mayRead } = reader;
    const place = this.ring.placeAfter(lastId, filter.only !== null);
    const ended = (reason: DropReason | null) => {
      this.#streams.delete(stream);
      if (reason !== null) dropped(reason);
    };
    const stream: EventStream = new EventStream(this.ring, out, {
      ...{ filter, place, mayRead, ended },
      heartbeatMs: this.heartbeatMs,
    });
    this.#streams.set(stream, { only: filter.only, caller });
    return stream;
  }

  /** What readers may do has changed: drops those who may not read any more. */
  checkAgain(): void {
    for (const stream of [...this.#streams.keys()]) stream.checkAgain();
  }

  /** The daemon stops. */
  close(): void {
    for (const stream of [...this.#streams.keys()]) stream.drop('stopping');
  }
}
