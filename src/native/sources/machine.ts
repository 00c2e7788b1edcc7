/** How much memory there is, for sources that take it from the machine's RAM. */
import { freemem, totalmem } from 'node:os';
import { after, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { BrokerError, type Refusal } from '../../memory/errors.js';
import { monotonic } from '../clock.js';
import { sampled } from '../sampled.js';

/** Of what an administrator sets. */
const LIMIT_MS = 1000;
/** Of what everybody takes from all the time. */
const AVAILABLE_MS = 100;
/** Of what was available: when so much of it was given since, it is asked for anew. */
const SPENT_PART = 1 / 16;

/** Bytes of RAM, or of the control group's share of it (memory.max). */
const ram = sampled(() => {
  // 0 or 2^64 - 1 where there is no limit.
  const limit = process.constrainedMemory() || totalmem();
  return Math.min(limit, totalmem());
}, LIMIT_MS);

/** libuv's freemem is /proc/meminfo's MemAvailable; as it was when it was asked for last. */
let available = 0;
let askAgainAt: Monotonic = LONG_AGO;
/** Given since. */
let spent = 0;

/** Bytes that can be had without anybody having to give any, less `bytes` that are asked for now. */
function availableFor(bytes: number): number {
  const now = monotonic.now();
  if (now >= askAgainAt || spent + bytes > available * SPENT_PART) {
    available = freemem();
    askAgainAt = after(now, AVAILABLE_MS);
    spent = 0;
  }
  spent += bytes;
  return available;
}

/**
 * Whether so little is asked for, and so much is there, that the kernel need not look for pages: it would have
 * whoever asks wait while it does (direct reclaim).
 */
export function isPlenty(bytes: number): boolean {
  const free = availableFor(0);
  return bytes <= free * SPENT_PART && free > ram() / 16;
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
  if (!committed) return;
  const free = availableFor(bytes);
  if (bytes > free) {
    const message = `${bytes} bytes are more than is available now (${free})`;
    throw new BrokerError('out_of_memory', message, refusal(free));
  }
}
