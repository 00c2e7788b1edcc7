/**
 * What happens: one record for each type of event, of what is known of it, who did it, what there is to
 * say of it, what the audit says, and which users it concerns. A buffer's history, the event stream and
 * the audit are made from these records, never from the registry's state.
 *
 * A new type is a record here, its name in openapi.yaml, and the place where it happens.
 */
import { type Clock, dateText } from '../memory/clock.js';
import type { BrokerError, ErrorCode } from '../memory/errors.js';
import {
  type By,
  type EventBuffer,
  type EventRecord,
  everybody,
  itself,
  nothing,
  type OfBuffer,
  type OfClient,
  ofBuffer,
  plain,
  record,
  user,
} from './event-record.js';
import type { RecallNotice, ReleaseReason } from './lifetime.js';
import type { RuleId } from './quota/rules.js';
import type { TokenInfo } from './tokens.js';
import type { Doer } from './who.js';

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
  /** By its lasting name. */
  'buffer.claimed': record<OfBuffer & OfClient & { readonly as: 'reader' | 'writer' }, string>({
    process: 'client',
    doer: 'client',
    fact: ({ as }) => as,
    reason: itself,
    deed: ({ fact: as }) => ({ act: 'claim', as }),
  }),
  /** Its writer has published a revision. */
  'buffer.committed': record<OfBuffer & By & { readonly revision: number }, number>({
    process: 'by',
    doer: 'by',
    fact: ({ revision }) => revision,
    reason: (revision) => `revision ${revision}`,
    deed: ({ fact: revision }) => ({ act: 'commit', revision }),
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

function describe({ id, usesLeft, uid, expires, mayRenew }: TokenInfo, clock: Clock): string {
  const terms = [
    `${id}: ${usesLeft} ${usesLeft === 1 ? 'use' : 'uses'}`,
    uid === null ? 'any user' : `user ${uid}`,
    ...(expires === null ? [] : [`until ${dateText(clock, expires)}`]),
    ...(mayRenew ? ['may renew'] : []),
  ];
  return terms.join(', ');
}
