/**
 * Requests that wait for memory in place of a refusal (`wait_ms` of a buffer): a connection of each is taken for as
 * long, so that there are few, of which no caller has more than its part; and who hangs up waits no more.
 *
 * Owns: how many there are.
 */
import { setTimeout } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FairPool } from '../../broker/fair-pool.js';
import { BrokerError } from '../../memory/errors.js';
import { handlerTimerOf } from './connections.js';
import { CONNECTION_TIMEOUT_MS, HANDLER_TIMEOUT_MS, MAX_REST_WAITS } from './limits.js';

interface Asking {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** Who asks. */
  readonly name: string;
}

export class Waits {
  readonly #pool = new FairPool<string>(MAX_REST_WAITS);
  #last = 0;

  /** `hungUp` is told what `make` was, while its answer is awaited; it may come late. */
  constructor(private readonly hungUp: (ticket: number) => void) {}

  /** Awaits what is made for a request within so many milliseconds; 0: it waits for nothing, and has no ticket. */
  async run<T>(
    { request, reply, name }: Asking,
    milliseconds: number,
    make: (ticket: number | null) => Promise<T>,
  ): Promise<T> {
    if (milliseconds === 0) return make(null);
    if (!this.#pool.take(name, 1)) throw tooMany(this.#pool.taken(name));
    const ticket = ++this.#last;
    const { raw } = reply;
    const closed = () => this.hungUp(ticket);
    // In place of Fastify's, which knows no other time for one request.
    clearTimeout(handlerTimerOf(request));
    const ended = new AbortController();
    const late = tooLate(milliseconds + HANDLER_TIMEOUT_MS, ended.signal);
    const { socket } = request.raw;
    socket.setTimeout(milliseconds + CONNECTION_TIMEOUT_MS);
    raw.once('close', closed);
    try {
      return await Promise.race([make(ticket), late]);
    } finally {
      raw.off('close', closed);
      socket.setTimeout(CONNECTION_TIMEOUT_MS);
      ended.abort();
      this.#pool.give(name, 1);
    }
  }
}

/** Rejects when so many milliseconds are over; never, where it ends before. */
async function tooLate(milliseconds: number, signal: AbortSignal): Promise<never> {
  await setTimeout(milliseconds, undefined, { signal, ref: false }).catch(() => {});
  if (!signal.aborted) {
    throw new BrokerError('unavailable', 'the data plane did not answer in time');
  }
  return new Promise(() => {});
}

const tooMany = (max: number) =>
  new BrokerError('limit_exceeded', 'too many requests wait for memory', {
    constraint: 'waiting requests',
    requested: max + 1,
    possible: { max },
  });
