/**
 * How long a buffer is kept, and in which words its end is told: why it is asked for, and why the
 * broker lets go of it.
 */
import { BrokerError } from '../memory/errors.js';
import { MAX_LEASE_SECONDS } from '../memory/limits.js';

/** A lease is in seconds. */
export type Lifetime = 'connection' | 'until_released' | { readonly lease: number };

/**
 * `share`: another user is below its share. `memory_pressure`: of the machine or a heap.
 * `administrator`: somebody asked for it.
 */
export type RecallReason = 'share' | 'memory_pressure' | 'administrator';

/** Why a buffer is asked for; `withdrawn`: it may be kept after all. */
export type RecallNotice = RecallReason | 'lease_expired' | 'withdrawn';

/** Why a client's buffer ends, as it is told. */
export type ToldRelease = 'owner' | 'administrator' | 'lease_expired';

/** `stopped`: with the daemon, when no client is there any more to be told. */
export type ReleaseReason = ToldRelease | 'stopped';

/** Throws where a lease may not be so long. */
export function checkLease(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_LEASE_SECONDS) return;
  throw new BrokerError('invalid_argument', `a lease has 1 to ${MAX_LEASE_SECONDS} seconds`, {
    constraint: 'seconds',
    requested: seconds,
    possible: { min: 1, max: MAX_LEASE_SECONDS },
  });
}
