/**
 * What one connection may cost, over either kind of socket. Owns nothing: what is counted is forgotten with
 * its connection.
 *
 * To the Unix socket each user who is no administrator gets some, and all who have no role leave some to those
 * who have one, so that nobody keeps an administrator out. Of what is pipelined, Node parses all that is in a piece
 * of 64 KiB at once, a thousand requests, whose answers would wait in memory: a few connections of somebody who
 * reads nothing were a gigabyte. And Node's time limits for slow requests end with its listener, so that whoever
 * sends one byte now and then, or does not read, would keep a daemon from stopping for ever.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Callers } from './callers.js';
import {
  CLOSING_MS,
  CONNECTIONS_PER_USER,
  MAX_PIPELINED,
  USERS_CONNECTION_LIMIT,
} from './limits.js';

/** Closes what is one too many, before anything is read from it. */
export function limitConnections(app: FastifyInstance, callers: Callers): void {
  const open = new Map<string, number>();
  let all = 0;
  app.server.on('connection', (socket: Socket) => {
    const { name, access } = callers.at(socket);
    if (access.role === 'admin') return;
    const owner = access.role === 'none' ? 1 : 0;
    const own = open.get(name) ?? 0;
    if (own >= CONNECTIONS_PER_USER || all + owner > USERS_CONNECTION_LIMIT) {
      socket.destroy();
      return;
    }
    all += owner;
    open.set(name, own + 1);
    socket.once('close', () => {
      all -= owner;
      const left = (open.get(name) ?? 1) - 1;
      if (left === 0) open.delete(name);
      else open.set(name, left);
    });
  });
}

/** To be added before any other hook: what is one too many costs nothing more. */
export function limitPipelining(app: FastifyInstance): void {
  const underWay = new WeakMap<Socket, number>();
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const number = (underWay.get(socket) ?? 0) + 1;
    if (socket.destroyed || number > MAX_PIPELINED) {
      reply.hijack();
      socket.destroy();
      return;
    }
    underWay.set(socket, number);
    reply.raw.once('close', () => underWay.set(socket, (underWay.get(socket) ?? 1) - 1));
    done();
  });
}

/**
 * What a listener for `app` does of `Expect`: 100 (Continue) is answered, but to a request that waits for its turn
 * (pipelined), whose interim answer Node (20.20) sends behind the header of its final one, where it is taken for the body's
 * first 25 bytes. Who pipelines does not wait for it, and need not be told (RFC 9110, section 10.1.1); its answer is then the
 * connection's last, as Node has it.
 */
export function answerExpectations(server: Server, app: FastifyInstance): void {
  server.on('checkExpectation', app.routing);
  server.on('checkContinue', (request, response) => {
    if (response.socket !== null) response.writeContinue();
    app.routing(request, response);
  });
}

/** By connection, who is to be told when it is closed. */
const hangUps = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls once when the connection of a request is closed, at once where it is; returns what withdraws that. A reply's
 * own `close` is none: Node tells it of the one that is being sent, and of those that are queued behind it (pipelined)
 * never. There is one listener a connection, since so many requests on one would look like a leak to Node.
 */
export function onHangUp({ raw: { socket } }: FastifyRequest, hungUp: () => void): () => void {
  if (socket.destroyed) {
    hungUp();
    return () => {};
  }
  const known = hangUps.get(socket);
  const all = known ?? new Set();
  if (known === undefined) {
    hangUps.set(socket, all);
    socket.once('close', () => {
      for (const each of all) each();
    });
  }
  all.add(hungUp);
  return () => void all.delete(hungUp);
}

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
  app.addHook('onRequest', (request, _reply, done) => {
    handlerTimerOf(request)?.unref();
    done();
  });
}

let handlerTimer: symbol | undefined;

/** Fastify's timer of a request's handler. */
export function handlerTimerOf(request: FastifyRequest): NodeJS.Timeout | undefined {
  const own = request as unknown as Record<symbol, NodeJS.Timeout | null | undefined>;
  handlerTimer ??= Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'fastify.request.timeoutTimer',
  );
  return (handlerTimer && own[handlerTimer]) ?? undefined;
}
