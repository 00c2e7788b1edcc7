/**
 * Refusals as values: what a function or a promise was refused with, to be compared as a whole.
 */

import * as client from '../../src/client/index.js';
import { BrokerError, type ErrorCode, type Refusal } from '../../src/memory/errors.js';

export interface Refused<R = Refusal> {
  readonly code: ErrorCode;
  readonly message: string;
  readonly refusal: R;
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

/** The same for a promise of the daemon's own code. */
export async function rejectedInside(promise: Promise<unknown>): Promise<Refused> {
  const error = await promise.then(
    () => new Error('nothing was refused'),
    (error: unknown) => error,
  );
  return refusedBy(error);
}

/** The same for a promise of the client library, whose refusals are in its own words. */
export async function rejected(promise: Promise<unknown>): Promise<Refused<client.Refusal>> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof client.BrokerError)) throw error;
    const { code, message, refusal } = error;
    return { code, message, refusal };
  }
  throw new Error('nothing was refused');
}
