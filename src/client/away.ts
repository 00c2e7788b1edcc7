/**
 * After a restart of the daemon the memory of a connection's buffer is with its clients alone, until one of
 * them has brought it (`away`). Who comes before that client asks again.
 */
import { BrokerError } from './broker-error.js';
import { pause } from './reconnect.js';

const FIRST_MS = 20;
const LONGEST_MS = 1_000;
/** Who has not come by then will not: `restart.grace_seconds` as it is by default. */
const PATIENCE_MS = 30_000;

const isAway = (error: unknown): boolean =>
  error instanceof BrokerError && error.code === 'busy' && error.refusal.constraint === 'state';

/** Asks until what is asked for is there again. Rejects with what it is refused with then, and with the signal's reason. */
export async function onceBack<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let ms = FIRST_MS; ; ms = Math.min(LONGEST_MS, 2 * ms)) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error) || performance.now() + ms > end) throw error;
    }
    await pause(ms, signal);
  }
}
