/**
 * Connections to the Unix socket of users who are no administrators: each user gets some of them, and all
 * who have no role leave some to those who have one, so that nobody keeps an administrator out.
 */
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Callers } from './callers.js';
import { CONNECTIONS_PER_USER, USERS_CONNECTION_LIMIT } from './limits.js';

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
