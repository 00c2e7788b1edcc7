/**
 * What was asked for, or why not: for answers by callback, where there is nobody to throw to. No answer has
 * a property of the name `error`, so that `'error' in result` tells them apart.
 */
import { BrokerError } from './errors.js';

export type Result<T extends object> = T | { readonly error: BrokerError };

/** To be called with it once. */
export type Done<T extends object> = (result: Result<T>) => void;

/** The refusal that was caught; anything else is a defect, and thrown on. */
export function asRefusal(thrown: unknown): BrokerError {
  if (thrown instanceof BrokerError) return thrown;
  throw thrown;
}

/** What `run` returns, or is refused with. */
export function attempt<T extends object>(run: () => T): Result<T> {
  try {
    return run();
  } catch (error) {
    return { error: asRefusal(error) };
  }
}
