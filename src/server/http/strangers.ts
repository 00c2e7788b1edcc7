/**
 * Connections over TCP, of which nobody says whose they are until a request brings a token that is good.
 * Until then they are strangers', who have a part of the connections. One too many takes the place of
 * another stranger: of one who has asked without a token, before one who has not asked yet; of those the
 * one heard of least recently. So those who are known find a place however many strangers there are.
 *
 * A token has a part, too: beyond it its connections are as strangers'.
 */
import type { Socket } from 'node:net';
import { CONNECTIONS_PER_TOKEN, KNOWN_CONNECTION_LIMIT, STRANGER_LIMIT } from './limits.js';

/** The daemon's ports of connections over TCP; a socket that is closed knows its own no more. */
export const tcpPorts = new WeakMap<Socket, number>();

/** Who gives way first. */
const RANKS = ['idle', 'asking', 'new'] as const;
type Rank = (typeof RANKS)[number];

export class Strangers {
  /** The one heard of least recently first. */
  readonly #strangers = new Map<Socket, Rank>();
  /** By the token's name. */
  readonly #known = new Map<string, number>();
  #allKnown = 0;

  /** A connection has come, perhaps in the place of another. */
  arrived(socket: Socket): void {
    if (this.#strangers.size >= STRANGER_LIMIT) this.#giveWay();
    this.#set(socket, 'new');
    socket.once('close', () => this.#strangers.delete(socket));
  }

  /** A request has come on it, with a good token of that name or without one. */
  asks(socket: Socket, token: string | null): void {
    if (!this.#strangers.has(socket)) return;
    if (token === null || !this.#admit(socket, token)) this.#set(socket, 'asking');
  }

  answered(socket: Socket): void {
    if (this.#strangers.get(socket) === 'asking') this.#set(socket, 'idle');
  }

  #admit(socket: Socket, token: string): boolean {
    const own = this.#known.get(token) ?? 0;
    if (own >= CONNECTIONS_PER_TOKEN || this.#allKnown >= KNOWN_CONNECTION_LIMIT) return false;
    this.#strangers.delete(socket);
    this.#known.set(token, own + 1);
    this.#allKnown++;
    socket.once('close', () => {
      this.#allKnown--;
      const left = (this.#known.get(token) ?? 1) - 1;
      if (left === 0) this.#known.delete(token);
      else this.#known.set(token, left);
    });
    return true;
  }

  #set(socket: Socket, rank: Rank): void {
    this.#strangers.delete(socket);
    this.#strangers.set(socket, rank);
  }

  #giveWay(): void {
    for (const rank of RANKS) {
      const found = [...this.#strangers].find(([, each]) => each === rank);
      if (found === undefined) continue;
      const [socket] = found;
      this.#strangers.delete(socket);
      socket.destroy();
      return;
    }
  }
}
