/**
 * What is said of memory that a client brings to have it made into a dma_buf, where that cannot be. Pure: what its fd
 * is comes in from outside (native/own-memory.ts).
 */
import { BrokerError } from './errors.js';

/** `why`: a sentence without its end. */
export function notOwnMemory(why: string, requested?: unknown): BrokerError {
  return new BrokerError('invalid_argument', why, {
    constraint: 'memory',
    ...(requested !== undefined && { requested }),
  });
}
