/**
 * What a type of event is: what is noted where it happens, and what is made of that where it is told. The
 * records themselves are in events.ts.
 *
 * Where it happens there is no time for words: what is noted is the type, whom and which buffer it is about,
 * and one fact.
 */
import type { Clock } from '../memory/clock.js';
import type { ErrorCode } from '../memory/errors.js';
import type { Allocation, MemorySpec } from '../memory/source.js';
import type { Actor, Doer, Identity } from './who.js';

/** A buffer, as far as its events tell of it. It is the registry's: a watcher copies what it keeps. */
export interface EventBuffer {
  readonly id: string;
  readonly name: string | null;
  readonly generation: number;
  readonly formerOf: string | null;
  readonly spec: MemorySpec;
  readonly allocation: Pick<Allocation, 'source' | 'handleType' | 'size'>;
  readonly owner: Doer;
  /** Whoever tells of it to others; nobody else looks at it. */
  said: Said | null;
}

/** What was said last of a buffer (words/event-writer.ts): it is said again where that has changed. */
export interface Said {
  /** Who has said it. */
  readonly by: object;
  /** How many had been said before it. */
  number: number;
  allocation: EventBuffer['allocation'];
  owner: Doer;
}

/** What is told of a buffer beside its event: the same for as long as it has this memory and this owner. */
export interface ToldBuffer {
  readonly id: string;
  /** An image's (drm_fourcc.h). */
  readonly format: number | null;
  readonly source: Allocation['source'];
  readonly handleType: Allocation['handleType'];
  readonly size: number;
  readonly owner: Actor;
}

/** What an event names and says, without anything of the registry's: plain values. */
export interface Named<F> {
  readonly buffer: ToldBuffer | null;
  /** The connection that it is about. */
  readonly client: Actor | null;
  /** null: the daemon by itself, or the type says who. */
  readonly by: Actor | null;
  /** What else there is to say of it, as its record has it. */
  readonly fact: F;
}

/** Which of those in an event: its buffer's owner, or as it names them. */
export type Person = 'owner' | 'client' | 'by';

/** What the audit says of an act beside when, by whom and to which buffer it was done. */
export interface Deed {
  /** Its name: one for what is done by whom (`forced_release`: not by its owner), not for each event. */
  readonly act: string;
  /** The id of a token; the registry itself does not keep its secret. */
  readonly token?: string;
  /** How often a token can be redeemed, and by which user (null: any). */
  readonly uses?: number;
  readonly for_uid?: number | null;
  /** Of a renewal: of the lease. */
  readonly seconds?: number;
  readonly name?: string | null;
  /** How a buffer was claimed. */
  readonly as?: string;
  readonly revision?: number;
  readonly quota?: string;
  /** The spares' bytes. */
  readonly size?: number;
  /** The connection that was ended over REST, and its uid. */
  readonly client?: string;
  readonly owner?: number;
  /** Why a buffer was recalled or released; a refusal's sentence. */
  readonly reason?: string;
  /** A refusal's, and what in the request it is about. */
  readonly code?: ErrorCode;
  readonly constraint?: string;
}

/** As far as it decides whom an event concerns. */
export interface Shown {
  /** Of the process that it is about. */
  readonly uid: number | null;
  /** Of the buffer's owner. */
  readonly owner: number | null;
  readonly reason: string | null;
}

export interface EventRecord<P, F> {
  /** Taken where it happens: at no cost, and nothing of the registry's that changes. */
  readonly fact: (event: P) => F;
  /** The process that it is about. */
  readonly process: Person | null;
  /** null: the daemon by itself. */
  readonly doer: Person | null;
  /** What there is to say of it beside its type. */
  readonly reason: (fact: F, clock: Clock) => string | null;
  /** A refusal's. */
  readonly code: (fact: F) => ErrorCode | null;
  /** null: what nobody did or nobody is answerable for. */
  readonly deed: (named: Named<F>) => Deed | null;
  /** Whether something has happened to a user, or to what is theirs. */
  readonly concerns: (shown: Shown, user: number) => boolean;
}

export interface By {
  /** A client, or somebody over REST; null: the daemon by itself. */
  readonly by: Doer | null;
}

export interface OfClient {
  readonly client: Identity;
}

export interface OfBuffer {
  readonly buffer: EventBuffer;
}

export const nothing = () => null;
export const itself = (fact: string | null) => fact;

export const everybody = () => true;
export const user = ({ uid }: Shown, user: number) => uid === user;
const userOrOwner = ({ uid, owner }: Shown, user: number) => uid === user || owner === user;

/** What most records have in common need not be said; who did it and what the audit says must be. */
type Defined<P, F> = Partial<EventRecord<P, F>> & Pick<EventRecord<P, F>, 'doer' | 'deed'>;
/** There is more to say of it. */
type WithFact<P, F> = Defined<P, F> & Pick<EventRecord<P, F>, 'fact' | 'reason'>;

export function record<P, F = null>(defined: WithFact<P, F>): EventRecord<P, F> {
  return { process: null, code: nothing, concerns: userOrOwner, ...defined };
}

export const plain = { fact: nothing, reason: nothing } as const;

/** Nothing but its doer is known beside the buffer. */
export function ofBuffer<More = unknown>(
  defined: Defined<OfBuffer & More, null>,
): EventRecord<OfBuffer & More, null> {
  return record<OfBuffer & More, null>({ process: 'owner', ...plain, ...defined });
}
