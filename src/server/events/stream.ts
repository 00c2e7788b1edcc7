/**
 * One reader of the event stream: server-sent events (HTML Standard, 9.2) from the ring to an HTTP
 * answer, as fast as the answer is read. What the socket does not take stays in the ring, so a slow
 * reader costs no more than one buffer of the socket's; it is dropped when the ring overtakes it.
 */
import type { Writable } from 'node:stream';
import type { EventInfo } from '../../rest/contract.js';
import { concerns } from '../words/events.js';
import { DROP_GRACE_MS, HEARTBEAT_MS, MAX_SILENT_HEARTBEATS, RETRY_MS } from './limits.js';
import type { EventRing, Place } from './ring.js';

/** Which events a reader wants; null: any. */
export interface Filter {
  readonly types: readonly EventInfo['type'][] | null;
  readonly buffer: string | null;
  readonly client: string | null;
  readonly uid: number | null;
  /** The user of whom alone it may be told; null: of everybody. */
  readonly only: number | null;
}

/** Why a stream ends before its reader does. */
export type DropReason = 'overrun' | 'stalled' | 'stopping' | 'unauthorized';

const SENTENCES: Readonly<Record<DropReason | 'restarted', string>> = {
  overrun: 'events were lost: they came faster than they were read',
  stalled: 'nothing was read for too long',
  stopping: 'the daemon is stopping',
  unauthorized: 'the token is no longer good, or the policy has changed',
  restarted: 'the daemon was started anew',
};

export function matches(filter: Filter, event: EventInfo): boolean {
  const { types, buffer, client, uid, only } = filter;
  return (
    (only === null || concerns(event, only)) &&
    (types === null || types.includes(event.type)) &&
    (buffer === null || buffer === event.buffer) &&
    (client === null || client === event.client) &&
    (uid === null || uid === event.uid)
  );
}

/** Who reads, and from where on. */
export interface Reader {
  readonly filter: Filter;
  readonly place: Place;
  readonly mayRead: () => boolean;
  /** The stream is over; it does nothing any more. */
  readonly ended: (reason: DropReason | null) => void;
  readonly heartbeatMs?: number | undefined;
}

export class EventStream {
  #next: number;
  #silent = 0;
  #over = false;
  /** Whether the numbers of events are not for this reader. */
  readonly #sealed: boolean;
  readonly #unwatch: () => void;
  readonly #heartbeat: NodeJS.Timeout;

  /** Writes to `out`, whose head has been sent, until either side ends. */
  constructor(
    private readonly ring: EventRing,
    private readonly out: Writable,
    private readonly reader: Reader,
  ) {
    const { filter, place, heartbeatMs = HEARTBEAT_MS } = reader;
    this.#next = place.next;
    this.#sealed = filter.only !== null;
    // An id without data is no event, but where the reader goes on after a broken connection.
    out.write(`retry: ${RETRY_MS}\nid: ${this.#id}\n\n`);
    if (place.gap !== null) out.write(this.#notice('reset', place.gap));
    this.#unwatch = ring.watch(() => this.#pump());
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs).unref();
    out.on('drain', () => {
      this.#silent = 0;
      this.#pump();
    });
    out.once('close', () => this.#end(null));
    // Its peer has gone: `close` follows.
    out.on('error', () => {});
    this.#pump();
  }

  /** Its reader has gone. */
  close(): void {
    this.#end(null);
  }

  /** Ends the stream with a last event that says why. */
  drop(reason: DropReason): void {
    if (this.#over) return;
    const { out } = this;
    this.#end(reason);
    out.end(this.#notice('dropped', reason));
    setTimeout(() => out.destroy(), DROP_GRACE_MS).unref();
  }

  /** Drops a reader who may not read any more. */
  checkAgain(): void {
    if (!this.#over && !this.reader.mayRead()) this.drop('unauthorized');
  }

  /** Of the last event that was looked at. */
  get #id(): string {
    return this.ring.idBefore(this.#next, this.#sealed);
  }

  #pump(): void {
    this.checkAgain();
    if (this.#over) return;
    if (this.#next < this.ring.oldest) {
      this.drop('overrun');
      return;
    }
    while (this.#next < this.ring.next && !this.out.writableNeedDrain) {
      const event = this.ring.at(this.#next++);
      if (!matches(this.reader.filter, event)) continue;
      const id = this.#id;
      const data = JSON.stringify({ ...event, id });
      this.out.write(`id: ${id}\nevent: ${event.type}\ndata: ${data}\n\n`);
    }
  }

  #beat(): void {
    this.checkAgain();
    if (this.#over) return;
    if (!this.out.writableNeedDrain) {
      // With the id: a reader whose filter nothing has passed would go on too far back.
      this.out.write(`: heartbeat\nid: ${this.#id}\n\n`);
    } else if (++this.#silent >= MAX_SILENT_HEARTBEATS) this.drop('stalled');
  }

  #notice(name: 'reset' | 'dropped', reason: DropReason | 'restarted'): string {
    const data = JSON.stringify({ reason, detail: SENTENCES[reason] });
    return `event: ${name}\ndata: ${data}\n\n`;
  }

  #end(reason: DropReason | null): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#heartbeat);
    this.#unwatch();
    this.reader.ended(reason);
  }
}
