/**
 * Requests that were sent on one connection before the answers to those before were taken. Node parses all that is in a
 * piece of 64 KiB at once, a thousand of them, whose answers would then all be made and wait in memory: a few
 * connections of somebody who reads nothing were a gigabyte. Whoever pipelines more than a few is hung up on.
 *
 * Owns nothing: what is counted is forgotten with its connection.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { MAX_PIPELINED } from './limits.js';

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
