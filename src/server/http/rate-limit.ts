/**
 * Requests a second for each user. The package's own key is an IP address, which a Unix socket has
 * not; here it is who sends them (callers.ts). It counts requests that are refused, too, and every answer
 * tells what is left (draft-ietf-httpapi-ratelimit-headers-10).
 */
import rateLimit, { type FastifyRateLimitStore } from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import type { Callers } from './callers.js';
import { MAX_RATE_KEYS } from './limits.js';

const WINDOW_MS = 1000;

/** Refuses what a user asks beyond `perSecond` requests with `rate_limited`. */
export function limitRate(
  app: FastifyInstance,
  perSecond: number,
  callers: Callers,
  clock: Clock,
): void {
  const policy = `"user";q=${perSecond};w=${WINDOW_MS / 1000}`;
  app.register(rateLimit, { global: false, store: windowsBy(clock) });
  let check: ReturnType<FastifyInstance['createRateLimit']> | undefined;
  app.addHook('onReady', async () => {
    check = app.createRateLimit({
      max: perSecond,
      timeWindow: WINDOW_MS,
      keyGenerator: (request) => callers.of(request).name,
    });
  });
  app.addHook('onRequest', async (request, reply) => {
    const result = await check?.(request);
    if (result === undefined || result.isAllowed) return;
    reply.header('ratelimit-policy', policy);
    reply.header('ratelimit', `"user";r=${result.remaining};t=${result.ttlInSeconds}`);
    if (!result.isExceeded) return;
    reply.header('retry-after', String(Math.max(1, result.ttlInSeconds)));
    throw new BrokerError('rate_limited', `more than ${perSecond} requests in a second`, {
      constraint: 'requests per second',
      possible: { max: perSecond },
    });
  });
}

interface Window {
  readonly ends: Monotonic;
  count: number;
}

/** The package's own store measures by the date: set back, it would refuse until it is there again. */
function windowsBy(clock: Clock) {
  return class Windows implements FastifyRateLimitStore {
    /** By user; the one heard of least recently first. */
    readonly #windows = new Map<string, Window>();

    incr(
      key: string,
      done: (error: Error | null, result?: { current: number; ttl: number }) => void,
    ) {
      const now = clock.now();
      let window = this.#windows.get(key);
      if (window === undefined || window.ends <= now) {
        window = { ends: after(now, WINDOW_MS), count: 0 };
      }
      window.count++;
      this.#windows.delete(key);
      this.#windows.set(key, window);
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > MAX_RATE_KEYS && oldest !== undefined) this.#windows.delete(oldest);
      done(null, { current: window.count, ttl: window.ends - now });
    }

    child() {
      return new Windows();
    }
  };
}
