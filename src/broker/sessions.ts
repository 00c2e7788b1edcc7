/**
 * Who was connected before: a client that comes back shows the token that its earlier connection was told
 * (adoption.ts). Like a buffer's tokens they are kept as digests, so that no dump shows one.
 *
 * Owns nothing of a client: it knows those that are connected, and those that have left something.
 */
import { MAX_PAST_SESSIONS } from '../memory/limits.js';
import type { Client } from './buffer.js';
import { newToken, type Random } from './id.js';
import { digestOf } from './tokens.js';

/** One is added at a time, so that few are enough to keep the number. */
const LOOKS = 8;

export class Sessions {
  /** By digest. */
  readonly #clients = new Map<string, Client>();
  /** Of connections that have ended, oldest first. */
  readonly #past = new Set<Client>();

  constructor(
    private readonly random: Random,
    private readonly maxPast = MAX_PAST_SESSIONS,
  ) {}

  /** A token for a connection, in place of one that it was told before; it is kept nowhere. */
  open(client: Client): string {
    this.#forget(client);
    const token = newToken(this.random);
    client.session = digestOf(token);
    this.#clients.set(client.session, client);
    return token;
  }

  /** One of before the daemon was restarted. */
  restore(client: Client): void {
    if (client.session === null) return;
    this.#clients.set(client.session, client);
    this.ended(client);
  }

  /** The connection that was told this token, of the same user; null where none is known. */
  find(token: string, uid: number): Client | null {
    const client = this.#clients.get(digestOf(token)) ?? null;
    return client?.peer.uid === uid ? client : null;
  }

  /** A connection has ended. Beyond a number the oldest are forgotten, but not those that own something. */
  ended(client: Client): void {
    if (client.session === null) return;
    this.#past.add(client);
    let looks = LOOKS;
    for (const oldest of this.#past) {
      if (this.#past.size <= this.maxPast || looks-- === 0) break;
      this.#past.delete(oldest);
      if (oldest.owned.size > 0) this.#past.add(oldest);
      else this.#forget(oldest);
    }
  }

  #forget(client: Client): void {
    if (client.session === null) return;
    this.#clients.delete(client.session);
    client.session = null;
  }
}
