/**
 * Who was handed the fds of a buffer. Mostly that is its owner alone, who needs no table: an empty one is twice
 * as much of the heap as what is noted of a recipient.
 *
 * Owns the recipients' references to their processes.
 */
import type { Monotonic } from '../memory/clock.js';
import { MAX_PAST_RECIPIENTS } from '../memory/limits.js';
import type { PeerProcess } from './peer-process.js';

/** A connection that can be handed something. */
interface Receiver {
  readonly id: string;
  readonly connected: boolean;
  /** The connection's reference; recipients have their own. */
  readonly process: PeerProcess;
}

/** A process that was handed the fds. */
export interface RecipientOf<C> {
  readonly client: C;
  readonly receivedAt: Monotonic;
  /** The token that it redeemed has the right. */
  readonly mayRenew: boolean;
  /** Its reference to the process, where only its end tells that the memory is no longer held. */
  readonly process: PeerProcess | null;
  /** Called when nobody needs to know of it any more. */
  readonly forgotten: () => void;
}

export class Recipients<Client extends Receiver> {
  #one: RecipientOf<Client> | null = null;
  /** All of them by the connection's id, once there were two. */
  #all: Map<string, RecipientOf<Client>> | null = null;
  /** Not all are known any more. */
  #incomplete = false;

  [Symbol.iterator](): Iterator<RecipientOf<Client>> {
    if (this.#all !== null) return this.#all.values();
    return (this.#one === null ? [] : [this.#one])[Symbol.iterator]();
  }

  get size(): number {
    return this.#all?.size ?? (this.#one === null ? 0 : 1);
  }

  get incomplete(): boolean {
    return this.#incomplete;
  }

  of({ id }: Client): RecipientOf<Client> | null {
    if (this.#all !== null) return this.#all.get(id) ?? null;
    return this.#one?.client.id === id ? this.#one : null;
  }

  #set(recipient: RecipientOf<Client>): void {
    const { id } = recipient.client;
    if (this.#all !== null) this.#all.set(id, recipient);
    else if (this.#one === null || this.#one.client.id === id) this.#one = recipient;
    else {
      this.#all = new Map([this.#one, recipient].map((each) => [each.client.id, each]));
      this.#one = null;
    }
  }

  #delete({ client: { id } }: RecipientOf<Client>): void {
    if (this.#all !== null) this.#all.delete(id);
    else this.#one = null;
  }

  #clear(): void {
    this.#one = null;
    this.#all = null;
  }

  /** Those of before the daemon was restarted. */
  restore(recipients: Iterable<RecipientOf<Client>>, incomplete: boolean): void {
    for (const recipient of recipients) this.#set(recipient);
    this.#incomplete = incomplete;
  }

  /** It is known as another connection's from now on. */
  drop(client: Client): void {
    const recipient = this.of(client);
    if (recipient === null) return;
    this.#delete(recipient);
    recipient.process?.release();
    recipient.forgotten();
  }

  /**
   * `watched`: the end of its process is to be known even after it has disconnected. `count` is called for
   * one more, and what it returns when that is forgotten.
   */
  add(
    client: Client,
    receivedAt: Monotonic,
    { watched, mayRenew }: { readonly watched: boolean; readonly mayRenew: boolean },
    count: () => () => void,
  ): void {
    const known = this.of(client);
    if (known === null) {
      const process = watched ? client.process.retain() : null;
      this.#set({ client, receivedAt, mayRenew, process, forgotten: count() });
    } else if (mayRenew && !known.mayRenew) this.#set({ ...known, mayRenew });
    if (this.size > MAX_PAST_RECIPIENTS) this.#forgetOldest();
  }

  /** Of those that have disconnected. */
  #forgetOldest(): void {
    let past = 0;
    for (const { client } of this) if (!client.connected) past++;
    for (const recipient of this) {
      if (past <= MAX_PAST_RECIPIENTS) break;
      if (recipient.client.connected) continue;
      this.#delete(recipient);
      if (recipient.process?.exited === false) this.#incomplete = true;
      recipient.process?.release();
      recipient.forgotten();
      past--;
    }
  }

  /** What is known goes to the buffer that has the memory from now on. */
  moveTo(other: Recipients<Client>): void {
    for (const recipient of this) other.#set(recipient);
    other.#incomplete = this.#incomplete;
    this.#clear();
    this.#incomplete = false;
  }

  /** Whether every process that was handed the fds has ended; only true where that is certain. */
  get exited(): boolean {
    if (this.#incomplete) return false;
    for (const { process } of this) if (process?.exited !== true) return false;
    return true;
  }

  /** Nothing is to be known of them any more. */
  forget(): void {
    for (const { process, forgotten } of this) {
      process?.release();
      forgotten();
    }
    this.#clear();
  }
}
