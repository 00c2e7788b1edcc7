/**
 * How a connection is made again after the daemon's end has gone: the daemon is being restarted, as a rule.
 * With socket activation connecting succeeds at once and waits in the socket's backlog; else nobody is there
 * for a while.
 *
 * Keeps no process alive: whoever waits does (connection.ts).
 */
import { messageOf } from '../memory/errors.js';
import { isSystemError } from '../native/libc/errno.js';
import { type Check, record, signal, whole } from './check.js';
import { type Line, openLine } from './manager.js';
import { ConnectionError, HangUp } from './wire-client.js';

export interface ReconnectOptions {
  /** How long it is tried; then the connection is over. 60 by default. */
  readonly seconds?: number;
  /** Ends it: from then on a connection that ends is over. */
  readonly signal?: AbortSignal;
}

const DEFAULT_SECONDS = 60;
const MAX_SECONDS = 86_400;

const checkTerms = record<ReconnectOptions>({ seconds: whole(1, MAX_SECONDS), signal });

export const checkReconnect: Check = (value, name) => {
  if (typeof value !== 'boolean') checkTerms(value, name);
};

/** Null where it is not wanted. */
export function reconnectTerms(given: boolean | ReconnectOptions = true): ReconnectOptions | null {
  if (given === false) return null;
  return given === true ? {} : given;
}

/** The first time is at once but for some jitter: all of a daemon's clients come at the same moment. */
const FIRST_MS = 10;
const GROWTH = 2;
const LONGEST_MS = 1_000;
/** A connection that has lasted so long was none of those that end as soon as they are made. */
const STEADY_MS = 5_000;

/** How long to wait before the next time. */
export class Backoff {
  #nextMs = FIRST_MS;
  #madeAt = performance.now();

  /** A connection is made. */
  made(): void {
    this.#madeAt = performance.now();
  }

  /** It has ended. */
  ended(): void {
    if (performance.now() - this.#madeAt > STEADY_MS) this.#nextMs = FIRST_MS;
  }

  /** Half of it, and by chance up to half more. */
  next(): number {
    const ms = this.#nextMs * (0.5 + Math.random());
    this.#nextMs = Math.min(LONGEST_MS, this.#nextMs * GROWTH);
    return ms;
  }
}

/** Rejects with the signal's reason. */
export function pause(ms: number, giveUp?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(giveUp?.reason);
    };
    const timer = setTimeout(() => {
      giveUp?.removeEventListener('abort', aborted);
      resolve();
    }, ms).unref();
    giveUp?.addEventListener('abort', aborted, { once: true });
    if (giveUp?.aborted) aborted();
  });
}

/** What `lineAgain` is about. */
export interface Again {
  readonly socket: string;
  readonly terms: ReconnectOptions;
  readonly backoff: Backoff;
  /** Why the connection has ended. */
  readonly ended: ConnectionError;
  /** The caller does not want it any more. */
  readonly closed: AbortSignal;
}

/**
 * Tries until somebody answers who is a dmabroker. Rejects with ConnectionError: after the time, where it is
 * given up, and at once where who answers is none, or refuses this client.
 */
export async function lineAgain({ socket, terms, backoff, ended, closed }: Again): Promise<Line> {
  const giving = new AbortController();
  const { seconds = DEFAULT_SECONDS } = terms;
  let last = 'nobody has answered';
  const over = (why: string) =>
    giving.abort(new ConnectionError(`${ended.message}; connecting again ${why}`));
  const timer = setTimeout(() => over(`failed for ${seconds} s: ${last}`), seconds * 1000).unref();
  const givenUp = () => over('was given up');
  const ends = [closed, ...(terms.signal === undefined ? [] : [terms.signal])];
  for (const each of ends) each.addEventListener('abort', givenUp, { once: true });
  if (ends.some(({ aborted }) => aborted)) givenUp();
  try {
    for (;;) {
      await pause(backoff.next(), giving.signal);
      try {
        return await openLine(socket, { signal: giving.signal }, { wait: false });
      } catch (error) {
        giving.signal.throwIfAborted();
        if (!isSystemError(error) && !(error instanceof HangUp)) throw error;
        last = messageOf(error);
      }
    }
  } finally {
    clearTimeout(timer);
    for (const each of ends) each.removeEventListener('abort', givenUp);
  }
}
