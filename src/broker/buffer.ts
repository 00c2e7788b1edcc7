/** What the broker knows about a buffer and about the clients that it deals with. */

import type { Monotonic } from '../memory/clock.js';
import { MAX_PAST_RECIPIENTS } from '../memory/limits.js';
import type { Done } from '../memory/result.js';
import type { Allocation, CheckedSpec } from '../memory/source.js';
import type { HeldFds } from './held-fds.js';
import { History } from './history.js';
import type { Lifetime, RecallNotice, ReleaseReason } from './lifetime.js';
import type { PeerProcess } from './peer-process.js';
import type { Charge } from './quota/charge.js';
import type { Choice } from './request.js';
import type { Doer, Identity } from './who.js';

/** A connection to the client socket. */
export interface Client extends Identity {
  readonly connectedAt: Monotonic;
  readonly owned: Set<BrokerBuffer>;
  /** Their sizes together. */
  ownedBytes: number;
  fdsSent: number;
  connected: boolean;
  /** The digest of what proves that a later connection is its successor (sessions.ts); null: there is none. */
  session: string | null;
  /** The connection's reference; recipients have their own. */
  readonly process: PeerProcess;
}

/** Who asked for a buffer and is charged: a client, or a user of REST (client null). */
export interface Owner extends Doer {
  readonly client: Client | null;
}

/** A process that was handed the fds. */
export interface Recipient {
  readonly client: Client;
  readonly receivedAt: Monotonic;
  /** The token that it redeemed has the right. */
  readonly mayRenew: boolean;
  /** Its reference to the process, where only its end tells that the memory is no longer held. */
  readonly process: PeerProcess | null;
  /** Called when nobody needs to know of it any more. */
  readonly forgotten: () => void;
}

/**
 * `lost`: its device was, and what the memory holds is undefined until it is re-issued. `away`: the daemon
 * was restarted, and the memory is with those who have it alone, until one of them brings it (adoption.ts).
 * `lingering`: released, and somebody still has the memory. `unknown`: released, and the kernel does not
 * tell whether somebody has it. All are charged.
 */
export type BufferState = 'live' | 'lost' | 'away' | 'lingering' | 'unknown';

/** Somebody who wants to know what becomes of a buffer. */
export interface Watcher {
  /** The broker lets go of it: told once, and nothing after it. */
  released(reason: ReleaseReason): void;
  /** Its owner is asked to give it back within so many seconds, or may keep it after all. */
  recalled?(reason: RecallNotice, seconds: number): void;
  /** Its lease was renewed, which withdraws the recall of one that had expired. */
  leased?(seconds: number): void;
  /** The device was lost, and with it the memory of this generation. */
  lost?(generation: number): void;
  /** It has memory again, of a new generation. */
  reissued?(generation: number): void;
}

/** What the memory that a buffer had gets. */
interface Former {
  readonly id: string;
  readonly number: number;
  readonly charge: Charge;
  readonly now: Monotonic;
}

/** What a buffer is made with. */
export type NewBuffer = Pick<
  BrokerBuffer,
  | ('id' | 'number' | 'spec' | 'allocation' | 'held' | 'owner' | 'lifetime' | 'name')
  | ('createdAt' | 'charge' | 'choice')
>;

export class BrokerBuffer {
  /** Counts the memories that it has had. */
  generation = 1;
  state: BufferState = 'live';
  /** What is away was lost before: it is again when somebody brings it. */
  lostWhileAway = false;
  readonly #recipients = new Map<string, Recipient>();
  readonly watchers = new Set<Watcher>();
  history = new History();
  /** The id of the buffer that has other memory now, where this is what it had before. */
  formerOf: string | null = null;
  /** Who waits for its memory to be allocated anew. */
  readonly reissuing: Done<BrokerBuffer>[] = [];
  released = false;
  /** Made, or handed to somebody. */
  lastUsed: Monotonic;
  releasedAt: Monotonic | null = null;
  /** Not all recipients are known any more. */
  #forgotten = false;

  readonly id: string;
  /** How many were made before it. */
  readonly number: number;
  readonly spec: CheckedSpec;
  allocation: Allocation;
  /** The registry's reference to the planes' fds. */
  held: HeldFds;
  /** Another connection after an adoption. */
  owner: Owner;
  /** Another one where it was parked. */
  lifetime: Lifetime;
  name: string | null;
  readonly createdAt: Monotonic;
  /** What its owner is charged for as long as the memory is there; another one with another owner. */
  charge: Charge;
  /** What was asked of the source, to be asked again; null for memory that a client brought. */
  readonly choice: Choice | null;

  constructor(made: NewBuffer) {
    this.id = made.id;
    this.number = made.number;
    this.spec = made.spec;
    this.allocation = made.allocation;
    this.held = made.held;
    this.owner = made.owner;
    this.lifetime = made.lifetime;
    this.name = made.name;
    this.createdAt = made.createdAt;
    this.charge = made.charge;
    this.choice = made.choice;
    this.lastUsed = made.createdAt;
  }

  /**
   * New memory in place of what was lost. Returns the old memory as a buffer of its own, which is
   * released and charged as given; who was handed it is a recipient of that one alone.
   */
  replace(
    allocation: Allocation,
    held: HeldFds,
    { id, number, charge, now }: Former,
  ): BrokerBuffer {
    const { spec, allocation: past, held: fds, owner, lifetime, name, createdAt } = this;
    const former = new BrokerBuffer({
      ...{ id, number, spec, allocation: past, held: fds, owner },
      ...{ lifetime, name, createdAt, charge, choice: null },
    });
    former.formerOf = this.id;
    former.history = this.history.copy();
    former.generation = this.generation;
    former.lastUsed = this.lastUsed;
    former.released = true;
    former.releasedAt = now;
    for (const [key, recipient] of this.#recipients) former.#recipients.set(key, recipient);
    this.#recipients.clear();
    former.#forgotten = this.#forgotten;
    this.#forgotten = false;
    this.allocation = allocation;
    this.held = held;
    this.generation++;
    this.state = 'live';
    this.lostWhileAway = false;
    return former;
  }

  get recipients(): Iterable<Recipient> {
    return this.#recipients.values();
  }

  hasRecipient(client: Client): boolean {
    return this.#recipients.has(client.id);
  }

  recipient(client: Client): Recipient | null {
    return this.#recipients.get(client.id) ?? null;
  }

  /** It is known as another connection's from now on. */
  dropRecipient(client: Client): void {
    const recipient = this.#recipients.get(client.id);
    this.#recipients.delete(client.id);
    recipient?.process?.release();
    recipient?.forgotten();
  }

  /**
   * `watched`: the end of its process is to be known even after it has disconnected. `count` is called for
   * one more, and what it returns when that is forgotten.
   */
  addRecipient(
    client: Client,
    now: Monotonic,
    { watched, mayRenew }: { readonly watched: boolean; readonly mayRenew: boolean },
    count: () => () => void,
  ): void {
    const known = this.#recipients.get(client.id);
    if (known === undefined) {
      const process = watched ? client.process.retain() : null;
      const recipient = { client, receivedAt: now, mayRenew, process, forgotten: count() };
      this.#recipients.set(client.id, recipient);
    } else if (mayRenew && !known.mayRenew) {
      this.#recipients.set(client.id, { ...known, mayRenew });
    }
    if (this.#recipients.size > MAX_PAST_RECIPIENTS) this.#forgetOldest();
  }

  /** Of those that have disconnected. */
  #forgetOldest(): void {
    let past = 0;
    for (const { client } of this.#recipients.values()) if (!client.connected) past++;
    for (const [id, recipient] of this.#recipients) {
      if (past <= MAX_PAST_RECIPIENTS) break;
      if (recipient.client.connected) continue;
      this.#recipients.delete(id);
      if (recipient.process?.exited === false) this.#forgotten = true;
      recipient.process?.release();
      recipient.forgotten();
      past--;
    }
  }

  /** Whether anybody but the broker ever had its memory: an import's owner had it before. */
  get wasHandedOut(): boolean {
    return this.#recipients.size > 0 || this.#forgotten || this.allocation.check !== undefined;
  }

  /** Not all recipients are known any more. */
  get recipientsForgotten(): boolean {
    return this.#forgotten;
  }

  /** After a restart of the daemon: who had it then. */
  restoreRecipients(recipients: Iterable<Recipient>, forgotten: boolean): void {
    for (const recipient of recipients) this.#recipients.set(recipient.client.id, recipient);
    this.#forgotten = forgotten;
  }

  /** Whether every process that was handed the fds has ended; only true where that is certain. */
  get recipientsExited(): boolean {
    if (this.#forgotten) return false;
    return [...this.#recipients.values()].every(({ process }) => process?.exited === true);
  }

  /** Nothing is to be known of them any more. */
  forgetRecipients(): void {
    for (const { process, forgotten } of this.#recipients.values()) {
      process?.release();
      forgotten();
    }
    this.#recipients.clear();
  }
}
