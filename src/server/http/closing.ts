/**
 * The end of a server that closes. Node's time limits for slow requests end with its listener, so that whoever sends one
 * byte now and then, or does not read an answer, would keep the daemon from stopping for ever.
 */
import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { CLOSING_MS } from './limits.js';

/** To be called when it begins to close. What is answered by then is answered. */
export function closeSoon(server: Server): void {
  const late = setTimeout(() => server.closeAllConnections(), CLOSING_MS);
  server.once('close', () => clearTimeout(late));
}

/**
 * To be added before any other hook: Fastify's timer of a handler (`handlerTimeout`) is left behind where
 * a connection ends at a bad moment, and would keep a daemon that has stopped for as long as it has to run.
 * There is no way to it but the request's own property.
 */
export function letProcessEnd(app: FastifyInstance): void {
  let timer: symbol | undefined;
  app.addHook('onRequest', (request, _reply, done) => {
    const own = request as unknown as Record<symbol, NodeJS.Timeout | null | undefined>;
    timer ??= Object.getOwnPropertySymbols(request).find(
      ({ description }) => description === 'fastify.request.timeoutTimer',
    );
    if (timer !== undefined) own[timer]?.unref();
    done();
  });
}
