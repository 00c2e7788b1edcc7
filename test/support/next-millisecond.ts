/** Lists are in the order of creation only between milliseconds: within one, records come by their ids, which are random. */
import { setTimeout as sleep } from 'node:timers/promises';

/** To be awaited between two creations whose order a test relies on. The daemon's clock is rounded on its own. */
export async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  while (Date.now() < now + 2) await sleep(1);
}
