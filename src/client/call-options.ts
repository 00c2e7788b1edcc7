/** What every call of the library may be told beside its arguments. */
import { type Check, checkListener, record, signal } from './check.js';

export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and what comes of it all the same is let go. */
  readonly signal?: AbortSignal;
}

export const checkOptions: Check = record<CallOptions>({ signal });

/** What an allocation may be told beside. */
export interface AllocateOptions extends CallOptions {
  /** Called with the place in the queue, from 1 on, where it waits for memory (`waitMs`), and when it is another one. */
  readonly onWaiting?: (place: number) => void;
}

export const checkAllocateOptions: Check = record<AllocateOptions>({
  signal,
  onWaiting: checkListener,
});
