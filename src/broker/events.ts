/**
 * What happens: one record for each type of event, of what is known of it, who did it, what there is to
 * say of it, what the audit says, and which users it concerns. A buffer's history, the event stream and
 * the audit are made from these records, never from the registry's state.
 *
 * A new type is a record here, its name in openapi.yaml, and the place where it happens.
 */
import { type Clock, dateText } from '../memory/clock.js';
import type { BrokerError, ErrorCode } from '../memory/errors.js';
import type { Allocation, MemorySpec } from '../memory/source.js';
import type { RecallNotice, ReleaseReason } from './lifetime.js';
import type { RuleId } from './quota/rules.js';
import type { TokenInfo } from './tokens.js';
import type { Doer, Identity } from './who.js';

/** A buffer, as far as its events tell of it. It is the registry's: a watcher copies what it keeps. */
export interface EventBuffer {
  readonly id: string;
  readonly name: string | null;
  readonly generation: number;
  readonly formerOf: string | null;
  readonly spec: MemorySpec;
  readonly allocation: Allocation;
  readonly owner: Doer;
}

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

/** What is told of an event, as far as it decides whom it concerns. */
interface Told {
  /** Of the process that it is about. */
  readonly uid: number | null;
  /** Of the buffer's owner. */
  readonly owner: number | null;
  readonly reason: string | null;
}

interface EventRecord<P> {
  /** The process that it is about. */
  readonly process: (event: P) => Doer | null;
  /** null: the daemon by itself. */
  readonly doer: (event: P) => Doer | null;
  /** What there is to say of it beside its type. */
  readonly reason: (event: P, clock: Clock) => string | null;
  /** null: what nobody did or nobody is answerable for. */
  readonly deed: (event: P) => Deed | null;
  /** Whether something has happened to a user, or to what is theirs. */
  readonly concerns: (told: Told, user: number) => boolean;
}

interface By {
  /** A client, or somebody over REST; null: the daemon by itself. */
  readonly by: Doer | null;
}

interface OfBuffer {
  readonly buffer: EventBuffer;
}

const nothing = () => null;
const by = (event: By) => event.by;
const owner = ({ buffer }: OfBuffer) => buffer.owner;
const client = (event: { readonly client: Identity }): Doer => {
  return { client: event.client, peer: event.client.peer };
};

const everybody = () => true;
const user = ({ uid }: Told, user: number) => uid === user;
const userOrOwner = ({ uid, owner }: Told, user: number) => uid === user || owner === user;

/** What most records have in common need not be said; who did it and what the audit says must be. */
type Defined<P> = Partial<EventRecord<P>> & Pick<EventRecord<P>, 'doer' | 'deed'>;

function record<P>(defined: Defined<P>): EventRecord<P> {
  const { process = nothing, doer, reason = nothing, deed, concerns = userOrOwner } = defined;
  return { process, doer, reason, deed, concerns };
}

/** About a buffer, and by default its owner's process; `More` is what else is known. */
function ofBuffer<More = unknown>(defined: Defined<OfBuffer & More>): EventRecord<OfBuffer & More> {
  return record({ process: owner, ...defined });
}

/** Told by whoever owns the devices. */
const ofDevice = record<{ readonly reason: string }>({
  doer: nothing,
  reason: ({ reason }) => reason,
  deed: nothing,
  concerns: everybody,
});

const RECORDS = {
  'buffer.created': ofBuffer({
    doer: owner,
    deed: ({ buffer }) => ({ act: buffer.allocation.source === 'import' ? 'import' : 'grant' }),
  }),
  'buffer.shared': ofBuffer<By & { readonly token: TokenInfo }>({
    doer: by,
    reason: ({ token }, clock) => describe(token, clock),
    deed: ({ token: { id, usesLeft, uid } }) => {
      return { act: 'share', token: id, uses: usesLeft, for_uid: uid };
    },
  }),
  /** A token was revoked; `token` is its id. */
  'buffer.unshared': ofBuffer<By & { readonly token: string }>({
    doer: by,
    reason: ({ token }) => token,
    deed: ({ token }) => ({ act: 'revoke', token }),
  }),
  /** `token` is its id. */
  'buffer.redeemed': ofBuffer<{ readonly client: Identity; readonly token: string }>({
    process: client,
    doer: client,
    reason: ({ token }) => token,
    deed: ({ token }) => ({ act: 'redeem', token }),
  }),
  /** A client has come back and taken its earlier connection's place. */
  'buffer.adopted': ofBuffer<{ readonly client: Identity }>({
    process: client,
    doer: client,
    deed: () => ({ act: 'adopt' }),
  }),
  /** It has a lease of so many seconds in place of the lifetime that it had. */
  'buffer.parked': ofBuffer<By & { readonly seconds: number }>({
    doer: by,
    reason: ({ seconds }) => `${seconds} s`,
    deed: ({ seconds }) => ({ act: 'park', seconds }),
  }),
  /** Somebody was shown what is in it. */
  'buffer.previewed': ofBuffer<By>({
    doer: by,
    deed: () => ({ act: 'preview' }),
  }),
  'buffer.renamed': ofBuffer<By>({
    doer: by,
    reason: ({ buffer }) => buffer.name,
    deed: ({ buffer: { name } }) => ({ act: 'rename', name }),
  }),
  'buffer.renewed': ofBuffer<By & { readonly seconds: number }>({
    doer: by,
    reason: ({ seconds }) => `${seconds} s`,
    deed: ({ seconds }) => ({ act: 'renew', seconds }),
  }),
  'buffer.recalled': ofBuffer<By & { readonly reason: RecallNotice }>({
    doer: by,
    reason: ({ reason }) => reason,
    deed: ({ reason }) => ({ act: 'recall', reason }),
  }),
  'buffer.released': ofBuffer<By & { readonly reason: ReleaseReason }>({
    doer: by,
    reason: ({ reason }) => reason,
    deed: ({ reason }) => ({ act: reason === 'owner' ? 'release' : 'forced_release', reason }),
  }),
  'buffer.lost': ofBuffer({ doer: nothing, deed: nothing }),
  'buffer.reissued': ofBuffer<By>({
    doer: by,
    reason: ({ buffer }) => `generation ${buffer.generation}`,
    deed: () => ({ act: 'reissue' }),
  }),
  /** Nobody has its memory any more, or it is charged no longer; it is listed no more. */
  'buffer.gone': ofBuffer({
    doer: nothing,
    reason: ({ buffer: { formerOf, generation } }) =>
      formerOf === null ? null : `generation ${generation} of ${formerOf}`,
    deed: nothing,
  }),
  /** Over REST. */
  'quota.changed': record<By & { readonly quota: RuleId }>({
    doer: by,
    reason: ({ quota }) => quota,
    deed: ({ quota }) => ({ act: 'set_quota', quota }),
    concerns: ({ reason }, user) => reason === `user/${user}`,
  }),
  /** Over REST. What was freed. */
  'pool.drained': record<By & { readonly spares: number; readonly bytes: number }>({
    doer: by,
    reason: ({ spares, bytes }) => `${spares} spares, ${bytes} bytes`,
    deed: ({ bytes }) => ({ act: 'drain_pool', size: bytes }),
  }),
  'client.connected': record<{ readonly client: Identity }>({
    process: client,
    doer: client,
    deed: nothing,
  }),
  /** `by`: who has ended the connection over REST; null: one of its ends. */
  'client.disconnected': record<By & { readonly client: Identity }>({
    process: client,
    doer: by,
    reason: ({ by }) => (by === null ? null : 'administrator'),
    deed: ({ by, client: { id, peer } }) =>
      by === null ? null : { act: 'disconnect', owner: peer.uid, client: id },
  }),
  /** Somebody was refused something; `buffer` where it was about one. */
  refusal: record<{
    readonly error: BrokerError;
    readonly owner: Doer;
    readonly buffer: EventBuffer | null;
  }>({
    process: ({ owner }) => owner,
    doer: ({ owner }) => owner,
    reason: ({ error }) => error.message,
    deed: ({ error: { code, message: reason, refusal } }) => {
      const { constraint } = refusal;
      return { act: 'refusal', code, reason, ...(constraint === undefined ? {} : { constraint }) };
    },
    // A buffer's owner is not told who was refused it.
    concerns: user,
  }),
  'device.lost': ofDevice,
  'device.restored': ofDevice,
};

export type EventType = keyof typeof RECORDS;

type Known<T extends EventType> = Parameters<(typeof RECORDS)[T]['doer']>[0];
type EventOf<T extends EventType> = { [K in T]: { readonly type: K } & Known<K> }[T];

export type BufferEventType = {
  [T in EventType]: Known<T> extends OfBuffer ? T : never;
}[EventType];

export type BrokerEvent = EventOf<EventType>;
export type BufferEvent = EventOf<BufferEventType>;

/** Each for its own type of event alone: to be looked up by that, which TypeScript cannot follow. */
export const EVENTS = RECORDS as Readonly<Record<EventType, EventRecord<BrokerEvent>>>;

function describe({ id, usesLeft, uid, expires, mayRenew }: TokenInfo, clock: Clock): string {
  const terms = [
    `${id}: ${usesLeft} ${usesLeft === 1 ? 'use' : 'uses'}`,
    uid === null ? 'any user' : `user ${uid}`,
    ...(expires === null ? [] : [`until ${dateText(clock, expires)}`]),
    ...(mayRenew ? ['may renew'] : []),
  ];
  return terms.join(', ');
}
