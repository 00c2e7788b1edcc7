/** How much memory there is, for sources that take it from the machine's RAM. */
import { freemem, totalmem } from 'node:os';
import { BrokerError, type Refusal } from '../../memory/errors.js';

/** Bytes of RAM, or of the control group's share of it (memory.max). */
function ram(): number {
  // 0 or 2^64 - 1 where there is no limit.
  const limit = process.constrainedMemory() || totalmem();
  return Math.min(limit, totalmem());
}

/**
 * Refuses what cannot work, before the kernel looks for the pages: it would sooner end other
 * processes (the OOM killer) than answer ENOMEM. `committed` says that the pages are taken at once,
 * as exporters of dma_bufs do, and not when they are first touched, as shared memory's are.
 */
export function checkMemory(bytes: number, committed: boolean): void {
  const total = ram();
  const refusal = (max: number): Refusal => ({
    constraint: 'size',
    requested: bytes,
    possible: { max },
  });
  if (bytes > total) {
    const message = `${bytes} bytes are more than the machine's memory (${total})`;
    throw new BrokerError('too_large', message, refusal(total));
  }
  // libuv's freemem is /proc/meminfo's MemAvailable.
  const available = freemem();
  if (committed && bytes > available) {
    const message = `${bytes} bytes are more than is available now (${available})`;
    throw new BrokerError('out_of_memory', message, refusal(available));
  }
}
