/**
 * The REST API on a loopback address: a second listener of the same server, with the same limits.
 * Nobody can say who is at the other end of such a connection, so that each request brings a token.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { TcpAddress } from '../config/kind.js';
import type { Callers } from './callers.js';
import { answerExpectations, closeSoon } from './connections.js';
import * as limits from './limits.js';
import { Strangers, tcpPorts } from './strangers.js';
import { answerUnparsable } from './unparsable.js';

/** Those of a server's connections that are nobody's yet. */
const strangers = new WeakMap<FastifyInstance, Strangers>();

/** Tells who asks on which connection; to be called before anything refuses a request. */
export function knowStrangers(app: FastifyInstance, callers: Callers): void {
  const known = new Strangers();
  strangers.set(app, known);
  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw;
    if (!tcpPorts.has(socket)) return;
    known.asks(socket, callers.of(request).requester.token ?? null);
    reply.raw.once('close', () => known.answered(socket));
  });
}

/** A listener for `app`, which is ready. */
export function createTcpServer(app: FastifyInstance): Server {
  const server = createServer(
    {
      requestTimeout: limits.REQUEST_TIMEOUT_MS,
      headersTimeout: limits.HEADERS_TIMEOUT_MS,
      keepAliveTimeout: limits.KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: limits.SLOW_REQUEST_CHECK_MS,
      maxHeaderSize: limits.HEADER_LIMIT,
      requireHostHeader: false,
    },
    app.routing,
  );
  server.maxConnections = limits.CONNECTION_LIMIT;
  answerExpectations(server, app);
  server.setTimeout(limits.CONNECTION_TIMEOUT_MS);
  server.on('clientError', (error, socket) => answerUnparsable.call(app, error, socket as Socket));
  return server;
}

/** Listens for as long as the server does, which is ready; resolves with the port. */
export async function listenOnTcp(app: FastifyInstance, address: TcpAddress): Promise<number> {
  const server = createTcpServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => resolve());
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
  server.on('connection', (socket) => {
    tcpPorts.set(socket, port);
    strangers.get(app)?.arrived(socket);
  });
  // After Fastify's own connections: streams of events have ended by then.
  app.server.once('close', () => {
    server.close();
    server.closeIdleConnections();
    closeSoon(server);
  });
  return port;
}
