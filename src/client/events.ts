/**
 * What happens to a client's buffers and to its connection, as one stream, for a caller that has nothing else
 * to wait for.
 */
import type { ClientBuffer } from './buffer.js';
import type { BufferNews } from './buffer-link.js';
import type { CallOptions } from './call-options.js';
import type { Connection } from './connection.js';
import type { Listeners } from './listeners.js';
import type { ConnectionError } from './wire-client.js';

/** What has become of a buffer; its properties say more, as it is now. */
export interface BufferEvent {
  readonly type: BufferNews;
  readonly buffer: ClientBuffer;
}

/** The daemon's end has gone, and the client connects again. */
export interface ConnectionLostEvent {
  readonly type: 'connection_lost';
  readonly buffer: null;
  readonly error: ConnectionError;
}

/** There is a connection again; buffers were `adopted`, `imported`, or are `gone`. */
export interface ConnectionRestoredEvent {
  readonly type: 'connection_restored';
  readonly buffer: null;
}

export type ClientEvent = BufferEvent | ConnectionLostEvent | ConnectionRestoredEvent;

/**
 * Yields what happens from the first `next` on, until the caller closes the connection; throws
 * ConnectionError where it ends otherwise and is not made again. Keeps the process alive meanwhile. What is
 * not taken waits, the same of one buffer once.
 */
export async function* eventsOf(
  connection: Connection,
  listeners: Listeners<[ClientEvent]>,
  { signal }: CallOptions,
): AsyncGenerator<ClientEvent, void, undefined> {
  signal?.throwIfAborted();
  const queue: ClientEvent[] = [];
  const waiting = new Map<ClientBuffer | null, Set<ClientEvent['type']>>();
  let over: ConnectionError | null = null;
  let wake = (): void => {};
  const woken = (): void => wake();
  const stop = [
    listeners.add((event) => {
      const types = waiting.get(event.buffer) ?? new Set();
      if (types.has(event.type)) return;
      waiting.set(event.buffer, types.add(event.type));
      queue.push(event);
      wake();
    }),
    connection.onClosed((error) => {
      over = error;
      wake();
    }),
    connection.hold(),
    () => signal?.removeEventListener('abort', woken),
  ];
  signal?.addEventListener('abort', woken);
  try {
    for (;;) {
      for (const event of queue.splice(0)) {
        const types = waiting.get(event.buffer);
        types?.delete(event.type);
        if (types?.size === 0) waiting.delete(event.buffer);
        yield event;
      }
      signal?.throwIfAborted();
      if (over !== null && connection.closedHere) return;
      if (over !== null) throw over;
      if (queue.length > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    for (const each of stop) each();
  }
}
