/**
 * Which refusals of an allocation pass with time, so that waiting for memory is of use: others give back what quotas
 * count, or the source has memory again. What is asked for may never be had, and is refused at once then.
 */
import { BrokerError } from '../memory/errors.js';
import { MAX_WAIT_MS } from '../memory/limits.js';

/** Whether what was refused may be had later. */
export function mayPass({ code, refusal }: BrokerError): boolean {
  if (code === 'out_of_memory' || code === 'recalled') return true;
  if (code !== 'limit_exceeded') return false;
  const { quota, constraint, requested, possible } = refusal;
  // The daemon has no file descriptor for it.
  if (quota === undefined) return constraint === 'fds';
  if (quota.dimension === 'allocations_per_second') return afterSeconds(possible) !== undefined;
  return typeof requested === 'number' && requested <= quota.limit;
}

/** When it may be tried again, where a refusal says so. */
export function afterSeconds(possible: unknown): number | undefined {
  return (possible as { readonly after_seconds?: number } | undefined)?.after_seconds;
}

/** Throws where nobody may wait for so long. */
export function checkWait(milliseconds: number): void {
  if (Number.isInteger(milliseconds) && milliseconds >= 0 && milliseconds <= MAX_WAIT_MS) return;
  const text = `one waits for memory for ${MAX_WAIT_MS} ms at most`;
  throw new BrokerError('invalid_argument', text, {
    constraint: 'wait',
    requested: milliseconds,
    possible: { max: MAX_WAIT_MS },
  });
}

/** The same refusal, of somebody who has waited. */
export function waited(error: BrokerError, milliseconds: number): BrokerError {
  const ms = Math.round(milliseconds);
  const text = `${error.message}; it has waited for ${ms} ms`;
  return new BrokerError(error.code, text, { ...error.refusal, waited_ms: ms });
}
