/** What every call of the library may be told beside its arguments. */
import { type Check, record, signal } from './check.js';

export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and what comes of it all the same is let go. */
  readonly signal?: AbortSignal;
}

export const checkOptions: Check = record<CallOptions>({ signal });
