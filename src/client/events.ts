/**
 * What happens to a connection's buffers, as one stream, for a caller that has nothing else to wait for.
 */
import type { ClientBuffer } from './buffer.js';
import type { CallOptions } from './call-options.js';
import type { Listeners } from './listeners.js';
import type { ConnectionError, WireClient } from './wire-client.js';

/** What has become of a buffer; its properties say more, as it is now. */
export interface ClientEvent {
  readonly type: 'released' | 'recalled' | 'leased' | 'lost' | 'reissued';
  readonly buffer: ClientBuffer;
}

/**
 * Yields what happens from the first `next` on, until the caller closes the connection; throws
 * ConnectionError where it ends otherwise. Keeps the process alive meanwhile. What is not taken waits, the
 * same of one buffer once.
 */
export async function* eventsOf(
  wire: WireClient,
  listeners: Listeners<[ClientEvent]>,
  { signal }: CallOptions,
): AsyncGenerator<ClientEvent, void, undefined> {
  signal?.throwIfAborted();
  const waiting = new Map<ClientBuffer, Set<ClientEvent['type']>>();
  let over: ConnectionError | null = null;
  let wake = (): void => {};
  const woken = (): void => wake();
  const stop = [
    listeners.add(({ type, buffer }) => {
      waiting.set(buffer, (waiting.get(buffer) ?? new Set()).add(type));
      wake();
    }),
    wire.onClosed((error) => {
      over = error;
      wake();
    }),
    wire.hold(),
    () => signal?.removeEventListener('abort', woken),
  ];
  signal?.addEventListener('abort', woken);
  try {
    for (;;) {
      for (const [buffer, types] of waiting) {
        for (const type of types) {
          types.delete(type);
          yield { type, buffer };
        }
        if (types.size === 0) waiting.delete(buffer);
      }
      signal?.throwIfAborted();
      if (over !== null && wire.closedHere) return;
      if (over !== null) throw over;
      if (waiting.size > 0) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    for (const each of stop) each();
  }
}
