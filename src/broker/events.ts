/**
 * What happens: one record for each type of event, of what is known of it, who did it, what there is to
 * say of it, what the audit says, and which users it concerns. A buffer's history, the event stream and
 * the audit are made from these records, never from the registry's state.
 *
 * Where it happens there is no time for words: what is noted of an event is its type, whom and which buffer
 * it is about, and one fact. The rest is made of these (`Told`) where it is shown.
 *
 * A new type is a record here, its name in openapi.yaml, and the place where it happens.
 */
import { type Clock, dateText } from '../memory/clock.js';
import type { BrokerError, ErrorCode } from '../memory/errors.js';
import type { Allocation, MemorySpec } from '../memory/source.js';
import type { RecallNotice, ReleaseReason } from './lifetime.js';
import type { RuleId } from './quota/rules.js';
import type { TokenInfo } from './tokens.js';
import { type Actor, actorOf, actorOfClient, type Doer, type Identity } from './who.js';

/** A buffer, as far as its events tell of it. It is the registry's: a watcher copies what it keeps. */
export interface EventBuffer {
  readonly id: string;
  readonly name: string | null;
  readonly generation: number;
  readonly formerOf: string | null;
  readonly spec: MemorySpec;
  readonly allocation: Pick<Allocation, 'source' | 'handleType' | 'size'>;
  readonly owner: Doer;
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

/** An event without anything of the registry's: plain values, which another thread may be sent. */
export interface Told<F = unknown> {
  readonly type: EventType;
  readonly buffer: ToldBuffer | null;
  /** The connection that it is about. */
  readonly client: Actor | null;
  /** null: the daemon by itself, or the type says who. */
  readonly by: Actor | null;
  /** What else there is to say of it, as its record has it. */
  readonly fact: F;
}

/** Which of those in an event: its buffer's owner, or as it names them. */
type Person = 'owner' | 'client' | 'by';

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
interface Shown {
  /** Of the process that it is about. */
  readonly uid: number | null;
  /** Of the buffer's owner. */
  readonly owner: number | null;
  readonly reason: string | null;
}

interface EventRecord<P, F> {
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
  readonly deed: (told: Told<F>) => Deed | null;
  /** Whether something has happened to a user, or to what is theirs. */
  readonly concerns: (shown: Shown, user: number) => boolean;
}

interface By {
  /** A client, or somebody over REST; null: the daemon by itself. */
  readonly by: Doer | null;
}

interface OfClient {
  readonly client: Identity;
}

interface OfBuffer {
  readonly buffer: EventBuffer;
}

/** Of a refusal: an error's details are for whoever is refused. */
interface Refused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly constraint: string | undefined;
}

interface Refusal {
  readonly error: BrokerError;
  /** Who was refused it. */
  readonly by: Doer;
  readonly buffer: EventBuffer | null;
}

interface Drained {
  readonly spares: number;
  readonly bytes: number;
}

const nothing = () => null;
const itself = (fact: string | null) => fact;

const everybody = () => true;
const user = ({ uid }: Shown, user: number) => uid === user;
const userOrOwner = ({ uid, owner }: Shown, user: number) => uid === user || owner === user;

/** What most records have in common need not be said; who did it and what the audit says must be. */
type Defined<P, F> = Partial<EventRecord<P, F>> & Pick<EventRecord<P, F>, 'doer' | 'deed'>;
/** There is more to say of it. */
type WithFact<P, F> = Defined<P, F> & Pick<EventRecord<P, F>, 'fact' | 'reason'>;

function record<P, F = null>(defined: WithFact<P, F>): EventRecord<P, F> {
  return { process: null, code: nothing, concerns: userOrOwner, ...defined };
}

const plain = { fact: nothing, reason: nothing } as const;

/** Nothing but its doer is known beside the buffer. */
function ofBuffer<More = unknown>(
  defined: Defined<OfBuffer & More, null>,
): EventRecord<OfBuffer & More, null> {
  return record<OfBuffer & More, null>({ process: 'owner', ...plain, ...defined });
}

/** Told by whoever owns the devices. */
const ofDevice = record<{ readonly reason: string }, string>({
  doer: null,
  fact: ({ reason }) => reason,
  reason: itself,
  deed: nothing,
  concerns: everybody,
});

const seconds = (fact: number) => `${fact} s`;

const RECORDS = {
  'buffer.created': ofBuffer({
    doer: 'owner',
    deed: ({ buffer }) => ({ act: buffer?.source === 'import' ? 'import' : 'grant' }),
  }),
  'buffer.shared': record<OfBuffer & By & { readonly token: TokenInfo }, TokenInfo>({
    process: 'owner',
    doer: 'by',
    fact: ({ token }) => token,
    reason: describe,
    deed: ({ fact: { id, usesLeft, uid } }) => {
      return { act: 'share', token: id, uses: usesLeft, for_uid: uid };
    },
  }),
  /** A token was revoked; `token` is its id. */
  'buffer.unshared': record<OfBuffer & By & { readonly token: string }, string>({
    process: 'owner',
    doer: 'by',
    fact: ({ token }) => token,
    reason: itself,
    deed: ({ fact: token }) => ({ act: 'revoke', token }),
  }),
  /** `token` is its id. */
  'buffer.redeemed': record<OfBuffer & OfClient & { readonly token: string }, string>({
    process: 'client',
    doer: 'client',
    fact: ({ token }) => token,
    reason: itself,
    deed: ({ fact: token }) => ({ act: 'redeem', token }),
  }),
  /** A client has come back and taken its earlier connection's place. */
  'buffer.adopted': ofBuffer<OfClient>({
    process: 'client',
    doer: 'client',
    deed: () => ({ act: 'adopt' }),
  }),
  /** It has a lease of so many seconds in place of the lifetime that it had. */
  'buffer.parked': record<OfBuffer & By & { readonly seconds: number }, number>({
    process: 'owner',
    doer: 'by',
    fact: ({ seconds }) => seconds,
    reason: seconds,
    deed: ({ fact: seconds }) => ({ act: 'park', seconds }),
  }),
  /** Somebody was shown what is in it. */
  'buffer.previewed': ofBuffer<By>({
    doer: 'by',
    deed: () => ({ act: 'preview' }),
  }),
  'buffer.renamed': record<OfBuffer & By, string | null>({
    process: 'owner',
    doer: 'by',
    fact: ({ buffer }) => buffer.name,
    reason: itself,
    deed: ({ fact: name }) => ({ act: 'rename', name }),
  }),
  'buffer.renewed': record<OfBuffer & By & { readonly seconds: number }, number>({
    process: 'owner',
    doer: 'by',
    fact: ({ seconds }) => seconds,
    reason: seconds,
    deed: ({ fact: seconds }) => ({ act: 'renew', seconds }),
  }),
  'buffer.recalled': record<OfBuffer & By & { readonly reason: RecallNotice }, RecallNotice>({
    process: 'owner',
    doer: 'by',
    fact: ({ reason }) => reason,
    reason: itself,
    deed: ({ fact: reason }) => ({ act: 'recall', reason }),
  }),
  'buffer.released': record<OfBuffer & By & { readonly reason: ReleaseReason }, ReleaseReason>({
    process: 'owner',
    doer: 'by',
    fact: ({ reason }) => reason,
    reason: itself,
    deed: ({ fact: reason }) => {
      return { act: reason === 'owner' ? 'release' : 'forced_release', reason };
    },
  }),
  'buffer.lost': ofBuffer({ doer: null, deed: nothing }),
  'buffer.reissued': record<OfBuffer & By, number>({
    process: 'owner',
    doer: 'by',
    fact: ({ buffer }) => buffer.generation,
    reason: (generation) => `generation ${generation}`,
    deed: () => ({ act: 'reissue' }),
  }),
  /** Nobody has its memory any more, or it is charged no longer; it is listed no more. */
  'buffer.gone': record<OfBuffer, string | null>({
    process: 'owner',
    doer: null,
    fact: ({ buffer: { formerOf, generation } }) =>
      formerOf === null ? null : `generation ${generation} of ${formerOf}`,
    reason: itself,
    deed: nothing,
  }),
  /** Over REST. */
  'quota.changed': record<By & { readonly quota: RuleId }, RuleId>({
    doer: 'by',
    fact: ({ quota }) => quota,
    reason: itself,
    deed: ({ fact: quota }) => ({ act: 'set_quota', quota }),
    concerns: ({ reason }, user) => reason === `user/${user}`,
  }),
  /** Over REST. What was freed. */
  'pool.drained': record<By & Drained, Drained>({
    doer: 'by',
    fact: ({ spares, bytes }) => ({ spares, bytes }),
    reason: ({ spares, bytes }) => `${spares} spares, ${bytes} bytes`,
    deed: ({ fact: { bytes } }) => ({ act: 'drain_pool', size: bytes }),
  }),
  'client.connected': record<OfClient>({
    process: 'client',
    doer: 'client',
    ...plain,
    deed: nothing,
  }),
  /** `by`: who has ended the connection over REST; null: one of its ends. */
  'client.disconnected': record<By & OfClient, string | null>({
    process: 'client',
    doer: 'by',
    fact: ({ by }) => (by === null ? null : 'administrator'),
    reason: itself,
    deed: ({ by, client }) => {
      if (by === null || client?.client == null || client.uid === null) return null;
      return { act: 'disconnect', owner: client.uid, client: client.client };
    },
  }),
  /** Somebody was refused something; `buffer` where it was about one. */
  refusal: record<Refusal, Refused>({
    process: 'by',
    doer: 'by',
    fact: ({ error: { code, message, refusal } }) => {
      return { code, message, constraint: refusal.constraint };
    },
    reason: ({ message }) => message,
    code: ({ code }) => code,
    deed: ({ fact: { code, message: reason, constraint } }) => {
      return { act: 'refusal', code, reason, ...(constraint === undefined ? {} : { constraint }) };
    },
    // A buffer's owner is not told who was refused it.
    concerns: user,
  }),
  'device.lost': ofDevice,
  'device.restored': ofDevice,
};

export type EventType = keyof typeof RECORDS;

type Known<T extends EventType> = Parameters<(typeof RECORDS)[T]['fact']>[0];
type EventOf<T extends EventType> = { [K in T]: { readonly type: K } & Known<K> }[T];

export type BufferEventType = {
  [T in EventType]: Known<T> extends OfBuffer ? T : never;
}[EventType];

export type BrokerEvent = EventOf<EventType>;
export type BufferEvent = EventOf<BufferEventType>;

/** Each for its own type of event and fact alone: to be looked up by that, which TypeScript cannot follow. */
export const EVENTS = RECORDS as Readonly<Record<EventType, EventRecord<BrokerEvent, unknown>>>;

/** In an order of their own, so that a type can be written as its place. */
export const EVENT_TYPES = Object.keys(RECORDS) as readonly EventType[];

export const bufferOf = (event: BrokerEvent): EventBuffer | null =>
  'buffer' in event ? event.buffer : null;
export const clientOf = (event: BrokerEvent): Identity | null =>
  'client' in event ? event.client : null;
export const byOf = (event: BrokerEvent): Doer | null => ('by' in event ? event.by : null);

export function toldBuffer({ id, spec, allocation, owner }: EventBuffer): ToldBuffer {
  const { source, handleType, size } = allocation;
  const format = spec.kind === 'image' ? spec.format : null;
  return { id, format, source, handleType, size, owner: actorOf(owner) };
}

/** What is told of an event, at once. */
export function toldOf(event: BrokerEvent): Told {
  const [buffer, client, by] = [bufferOf(event), clientOf(event), byOf(event)];
  return {
    type: event.type,
    buffer: buffer && toldBuffer(buffer),
    client: client && actorOfClient(client),
    by: by && actorOf(by),
    fact: EVENTS[event.type].fact(event),
  };
}

/** Who did what happens; null: the daemon by itself. */
export function doerOf(event: BrokerEvent): Actor | null {
  const { doer } = EVENTS[event.type];
  if (doer === null) return null;
  if (doer === 'client') {
    const client = clientOf(event);
    return client && actorOfClient(client);
  }
  const one = doer === 'by' ? byOf(event) : (bufferOf(event)?.owner ?? null);
  return one && actorOf(one);
}

/** One of those that an event names. */
export function personIn({ buffer, client, by }: Told, person: Person | null): Actor | null {
  if (person === null) return null;
  if (person === 'client') return client;
  return person === 'by' ? by : (buffer?.owner ?? null);
}

function describe({ id, usesLeft, uid, expires, mayRenew }: TokenInfo, clock: Clock): string {
  const terms = [
    `${id}: ${usesLeft} ${usesLeft === 1 ? 'use' : 'uses'}`,
    uid === null ? 'any user' : `user ${uid}`,
    ...(expires === null ? [] : [`until ${dateText(clock, expires)}`]),
    ...(mayRenew ? ['may renew'] : []),
  ];
  return terms.join(', ');
}
