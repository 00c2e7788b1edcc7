/**
 * What outlives the daemon, as plain values: everything that the broker knows of a buffer and of the
 * connections that have to do with it, but for what can be asked again (memory, processes). Moments are of
 * the machine's monotonic clock, which goes on while the daemon is restarted.
 *
 * Of a buffer, what stays as it is as long as the buffer has its memory is apart from what changes.
 */
import type { Monotonic } from '../memory/clock.js';
import type { Allocation, CheckedSpec } from '../memory/source.js';
import type { BrokerBuffer, Client } from './buffer.js';
import type { KeptLasting } from './lasting.js';
import type { KeptLease } from './leases.js';
import type { Lifetime } from './lifetime.js';
import type { Charged } from './quota/charge.js';
import type { RecallTerms } from './quota/recalls.js';
import type { Choice } from './request.js';
import type { KeptToken } from './tokens.js';
import type { PartialPeer, Peer } from './who.js';

export interface KeptClient {
  readonly id: string;
  readonly peer: Peer;
  readonly connectedAt: Monotonic;
  readonly fdsSent: number;
  /** As in Client. */
  readonly session: string | null;
  /** What tells its process from every other (`Surroundings.processName`). */
  readonly process: string | null;
}

/** The planes' fds are numbers of a process that has ended. */
export interface KeptMemory {
  readonly id: string;
  /** In the order in which they were made: which of two is the older one matters (memories.ts). */
  readonly number: number;
  readonly spec: CheckedSpec;
  readonly choice: Choice | null;
  readonly allocation: Allocation;
  readonly createdAt: Monotonic;
  readonly generation: number;
  readonly formerOf: string | null;
}

export interface KeptRecipient {
  /** A client's id. */
  readonly client: string;
  readonly receivedAt: Monotonic;
  readonly mayRenew: boolean;
}

/** A part of the charge that is an importer's (quota/importers.ts). */
export type KeptPart = Pick<Charged, 'who'> & { readonly bytes: number };

export interface KeptOwner {
  /** A client's id. */
  readonly client: string | null;
  readonly peer: PartialPeer;
  readonly token?: string;
}

export interface KeptState {
  readonly owner: KeptOwner;
  readonly lifetime: Lifetime;
  readonly name: string | null;
  readonly released: boolean;
  readonly releasedAt: Monotonic | null;
  readonly lastUsed: Monotonic;
  /** Its memory was lost with its device. */
  readonly lost: boolean;
  readonly lease: KeptLease | null;
  readonly tokens: readonly KeptToken[];
  readonly recipients: readonly KeptRecipient[];
  /** Not all recipients are known any more. */
  readonly forgotten: boolean;
  readonly charged: Charged;
  readonly parts: readonly KeptPart[];
  readonly recall: RecallTerms | null;
  /** How much has happened to it. */
  readonly events: number;
  readonly lasting: KeptLasting | null;
}

export interface KeptBuffer {
  readonly memory: KeptMemory;
  readonly state: KeptState;
}

export function keptClient({
  id,
  peer,
  connectedAt,
  fdsSent,
  session,
  process,
}: Client): KeptClient {
  return { id, peer, connectedAt, fdsSent, session, process: process.name };
}

export function keptMemory(buffer: BrokerBuffer): KeptMemory {
  const { id, number, spec, choice, allocation, createdAt, generation, formerOf } = buffer;
  return { id, number, spec, choice, allocation, createdAt, generation, formerOf };
}

/** What whoever knows them says of a buffer. */
type Told = Pick<KeptState, 'lease' | 'tokens' | 'parts' | 'recall'>;

export function keptState(buffer: BrokerBuffer, told: Told): KeptState {
  const { owner, lifetime, name, released, releasedAt, lastUsed, charge, history } = buffer;
  const { client, peer, token } = owner;
  return {
    ...told,
    owner: { client: client?.id ?? null, peer, ...(token !== undefined && { token }) },
    ...{ lifetime, name, released, releasedAt, lastUsed },
    lost: buffer.state === 'lost' || buffer.lostWhileAway,
    recipients: [...buffer.recipients].map(({ client, receivedAt, mayRenew }) => ({
      ...{ client: client.id, receivedAt, mayRenew },
    })),
    forgotten: buffer.recipients.incomplete,
    charged: charge.charged,
    events: history.count,
    lasting: buffer.lasting?.kept ?? null,
  };
}
