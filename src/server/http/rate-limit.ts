/**
 * Requests a second for each user. The package's own key is an IP address, which a Unix socket has
 * not; here it is who sends them (callers.ts). It counts requests that are refused, too.
 */
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance } from 'fastify';
import { BrokerError } from '../../broker/errors.js';
import type { Callers } from './callers.js';
import { MAX_RATE_KEYS } from './limits.js';

const WINDOW_MS = 1000;

/** Refuses what a user asks beyond `perSecond` requests with `rate_limited`. */
export function limitRate(app: FastifyInstance, perSecond: number, callers: Callers): void {
  app.register(rateLimit, { global: false, cache: MAX_RATE_KEYS });
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
    if (result === undefined || result.isAllowed || !result.isExceeded) return;
    reply.header('retry-after', String(Math.max(1, result.ttlInSeconds)));
    throw new BrokerError('rate_limited', `more than ${perSecond} requests in a second`, {
      constraint: 'requests per second',
      possible: { max: perSecond },
    });
  });
}
