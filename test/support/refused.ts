/**
 * Refusals as values: what a function or a promise was refused with, to be compared as a whole.
 */
import { BrokerError, type ErrorCode, type Refusal } from '../../src/broker/errors.js';

export interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly refusal: Refusal;
}

function refusedBy(error: unknown): Refused {
  if (!(error instanceof BrokerError)) throw error;
  const { code, message, refusal } = error;
  return { code, message, refusal };
}

/** Runs `body`, which must throw a BrokerError; any other error is thrown on. */
export function refused(body: () => unknown): Refused {
  try {
    body();
  } catch (error) {
    return refusedBy(error);
  }
  throw new Error('nothing was refused');
}

/** The same for a promise. */
export async function rejected(promise: Promise<unknown>): Promise<Refused> {
  try {
    await promise;
  } catch (error) {
    return refusedBy(error);
  }
  throw new Error('nothing was refused');
}
