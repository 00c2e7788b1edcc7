/**
 * What is said of memory that a client brings to have it made into a dma_buf, where that cannot be. Pure: what its fd
 * is comes in from outside (native/own-memory.ts).
 */
import { BrokerError } from './errors.js';

/** It is a memfd, and will not do. */
export function notOwnMemory(why: string, requested?: number): BrokerError {
  return new BrokerError('invalid_argument', why, {
    constraint: 'memory',
    ...(requested !== undefined && { requested }),
    nearest: null,
  });
}

/** It is something else; `kind` says what. */
export function noMemfd(kind: string): BrokerError {
  return new BrokerError('invalid_argument', 'what was sent is no memfd of ordinary pages', {
    constraint: 'memory',
    requested: kind,
    possible: 'memfd',
    nearest: null,
  });
}
