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
  /** Of connections that have ended, by user, oldest first. */
  readonly #past = new Map<number, Set<Client>>();
  #count = 0;

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

  /**
   * A connection has ended. Beyond a number those of whoever has most of them are forgotten, the oldest first, but
   * not those that own something.
   */
  ended(client: Client): void {
    if (client.session === null) return;
    const { uid } = client.peer;
    const own = this.#past.get(uid) ?? new Set();
    if (!own.has(client)) this.#count++;
    this.#past.set(uid, own.add(client));
    for (let looks = LOOKS; this.#count > this.maxPast && looks > 0; looks--) this.#dropOne();
  }

  #dropOne(): void {
    let most = new Set<Client>();
    for (const each of this.#past.values()) if (each.size > most.size) most = each;
    const [oldest] = most;
    if (oldest === undefined) return;
    most.delete(oldest);
    if (oldest.owned.size > 0) most.add(oldest);
    else {
      this.#count--;
      if (most.size === 0) this.#past.delete(oldest.peer.uid);
      this.#forget(oldest);
    }
  }

  #forget(client: Client): void {
    if (client.session === null) return;
    this.#clients.delete(client.session);
    client.session = null;
  }
}
