/** What the broker knows about a buffer and about the clients that it deals with. */

import type { Monotonic } from '../memory/clock.js';
import type { Done } from '../memory/result.js';
import type { Allocation, CheckedSpec } from '../memory/source.js';
import type { Said } from './event-record.js';
import { Few } from './few.js';
import type { HeldFds } from './held-fds.js';
import { History } from './history.js';
import type { Committed, Lasting } from './lasting.js';
import type { Lifetime, RecallNotice, ToldRelease } from './lifetime.js';
import type { PeerProcess } from './peer-process.js';
import type { Charge } from './quota/charge.js';
import { type RecipientOf, Recipients } from './recipients.js';
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

/** A process that was handed a buffer's fds. */
export type Recipient = RecipientOf<Client>;

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
  released(reason: ToldRelease): void;
  /** Its owner is asked to give it back within so many seconds, or may keep it after all. */
  recalled?(reason: RecallNotice, seconds: number): void;
  /** Its lease was renewed, which withdraws the recall of one that had expired. */
  leased?(seconds: number): void;
  /** The device was lost, and with it the memory of this generation. */
  lost?(generation: number): void;
  /** It has memory again, of a new generation. */
  reissued?(generation: number): void;
  /** There is a revision of its content. */
  committed?(committed: Committed): void;
}

/** Its lasting name, and what goes with it. */
export type BufferLasting = Lasting<Client, Watcher>;

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
  | ('createdAt' | 'charge' | 'choice' | 'lasting')
>;

export class BrokerBuffer {
  /** Counts the memories that it has had. */
  generation = 1;
  state: BufferState = 'live';
  /** What is away was lost before: it is again when somebody brings it. */
  lostWhileAway = false;
  readonly recipients = new Recipients<Client>();
  readonly watchers = new Few<Watcher>();
  history = new History();
  /** The id of the buffer that has other memory now, where this is what it had before. */
  formerOf: string | null = null;
  /** Who waits for its memory to be allocated anew, if somebody does. */
  reissuing: Done<BrokerBuffer>[] | null = null;
  released = false;
  said: Said | null = null;
  /** Made, or handed to somebody. */
  lastUsed: Monotonic;
  releasedAt: Monotonic | null = null;

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
  /** Null for most: it has no lasting name. */
  readonly lasting: BufferLasting | null;

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
    this.lasting = made.lasting;
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
      ...{ lifetime, name, createdAt, charge, choice: null, lasting: null },
    });
    former.formerOf = this.id;
    former.history = this.history.copy();
    former.generation = this.generation;
    former.lastUsed = this.lastUsed;
    former.released = true;
    former.releasedAt = now;
    this.recipients.moveTo(former.recipients);
    this.allocation = allocation;
    this.held = held;
    this.generation++;
    this.state = 'live';
    this.lostWhileAway = false;
    this.lasting?.forget();
    return former;
  }

  /** Whether it outlives its connection, and no connection has anything to do with it now. */
  get isOrphan(): boolean {
    return !this.released && this.lifetime !== 'connection' && this.watchers.size === 0;
  }

  /** Whether anybody but the broker ever had its memory: an import's owner had it before. */
  get wasHandedOut(): boolean {
    const { size, incomplete } = this.recipients;
    return size > 0 || incomplete || this.allocation.check !== undefined;
  }
}
