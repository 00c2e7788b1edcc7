/**
 * Requests that wait for memory in place of a refusal (`wait_ms` of a buffer): a connection of each is taken for as
 * long, so that there are few, of which no caller has more than its part; and who hangs up waits no more.
 *
 * Owns: how many there are.
 */
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import { FairPool } from '../../broker/fair-pool.js';
import { BrokerError } from '../../memory/errors.js';
import { handlerTimerOf, onHangUp } from './connections.js';
import { CONNECTION_TIMEOUT_MS, HANDLER_TIMEOUT_MS, MAX_REST_WAITS } from './limits.js';

interface Asking {
  readonly request: FastifyRequest;
  /** Who asks. */
  readonly name: string;
}

export class Waits {
  readonly #pool = new FairPool<string>(MAX_REST_WAITS);
  /** By connection, how many wait on it: several, where they are pipelined. */
  readonly #onSocket = new WeakMap<Socket, number>();
  readonly #closing = new AbortController();
  #last = 0;

  /** `hungUp` is told what `make` was, while its answer is awaited; it may come late. */
  constructor(private readonly hungUp: (ticket: number) => void) {}

  /** Awaits what is made for a request within so many milliseconds; 0: it waits for nothing, and has no ticket. */
  async run<T>(
    { request, name }: Asking,
    milliseconds: number,
    make: (ticket: number | null) => Promise<T>,
  ): Promise<T> {
    if (milliseconds === 0) return make(null);
    const { socket } = request.raw;
    // Nobody would ever have what came of it.
    if (socket.destroyed) throw new BrokerError('unavailable', 'who asked has hung up');
    if (!this.#pool.take(name, 1)) throw tooMany(this.#pool.taken(name));
    const ticket = ++this.#last;
    // In place of Fastify's, which knows no other time for one request.
    clearTimeout(handlerTimerOf(request));
    const ended = new AbortController();
    const late = this.#tooLate(milliseconds + HANDLER_TIMEOUT_MS, ended.signal);
    this.#waitOn(socket, milliseconds);
    const withdraw = onHangUp(request, () => this.hungUp(ticket));
    try {
      return await Promise.race([make(ticket), late]);
    } catch (error) {
      // It may go on waiting where this has given up; what was refused waits for nothing.
      this.hungUp(ticket);
      throw error;
    } finally {
      withdraw();
      this.#waited(socket);
      ended.abort();
      this.#pool.give(name, 1);
    }
  }

  /** The daemon stops: nobody waits any more. */
  close(): void {
    this.#closing.abort();
  }

  /** It may be silent for as long as the one that waits longest. */
  #waitOn(socket: Socket, milliseconds: number): void {
    this.#onSocket.set(socket, (this.#onSocket.get(socket) ?? 0) + 1);
    socket.setTimeout(Math.max(socket.timeout ?? 0, milliseconds + CONNECTION_TIMEOUT_MS));
  }

  #waited(socket: Socket): void {
    const left = (this.#onSocket.get(socket) ?? 1) - 1;
    this.#onSocket.set(socket, left);
    if (left === 0) socket.setTimeout(CONNECTION_TIMEOUT_MS);
  }

  /** Rejects when so many milliseconds are over, or the daemon stops; never, where it ends before. */
  async #tooLate(milliseconds: number, ended: AbortSignal): Promise<never> {
    const closing = this.#closing.signal;
    const signal = AbortSignal.any([ended, closing]);
    await setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => {});
    if (ended.aborted) return new Promise(() => {});
    const why = closing.aborted ? 'the daemon stops' : 'the data plane did not answer in time';
    throw new BrokerError('unavailable', why);
  }
}

const tooMany = (max: number) =>
  new BrokerError('limit_exceeded', 'too many requests wait for memory', {
    constraint: 'waiting requests',
    requested: max + 1,
    possible: { max },
  });
