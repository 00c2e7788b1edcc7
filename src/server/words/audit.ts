/**
 * What the audit says of an act: who did what, to which buffer, and why. Pure: from the registry's
 * events, so that nothing is told there that is not told here. Of tokens there is the id; the
 * registry itself does not keep their secrets.
 */
import type { BrokerEvent, EventBuffer } from '../../broker/events.js';
import { doerOf } from '../../broker/history.js';
import { type Actor, actorOf, type Doer, type Identity } from '../../broker/who.js';
import type { ErrorCode } from '../../memory/errors.js';
import { fourccName } from '../../memory/fourcc.js';
import type { Allocation } from '../../memory/source.js';

/** `forced_release`: not by its owner. `revoke`: of a token. `preview`: content was shown over REST. */
export type Act =
  | 'grant'
  | 'import'
  | 'share'
  | 'revoke'
  | 'redeem'
  | 'renew'
  | 'rename'
  | 'recall'
  | 'release'
  | 'forced_release'
  | 'reissue'
  | 'preview'
  | 'set_quota'
  | 'set_log_level'
  | 'disconnect'
  | 'drain_pool'
  | 'refusal';

export interface AuditActor extends Actor {
  readonly rest: boolean;
}

export interface AuditRecord {
  readonly act: Act;
  /** When it happened (ISO 8601). */
  readonly at: string;
  /** null: the daemon by itself. */
  readonly who: AuditActor | null;
  readonly buffer?: string;
  /** Bytes. */
  readonly size?: number;
  /** An image's, as a fourcc. */
  readonly format?: string;
  readonly source?: string;
  readonly handle_type?: string;
  /** The uid of the buffer's owner. */
  readonly owner?: number | null;
  /** The id of a token. */
  readonly token?: string;
  /** How often a token can be redeemed, and by which user (null: any). */
  readonly uses?: number;
  readonly for_uid?: number | null;
  /** Of a renewal: of the lease. */
  readonly seconds?: number;
  readonly name?: string | null;
  readonly quota?: string;
  readonly log_level?: string;
  /** The connection that was ended over REST. */
  readonly client?: string;
  /** Why a buffer was recalled or released; a refusal's sentence. */
  readonly reason?: string;
  /** A refusal's, and what in the request it is about. */
  readonly code?: ErrorCode;
  readonly constraint?: string;
  /** How many refusals of this caller (`by`) have no line of their own. */
  readonly suppressed?: number;
  readonly by?: string;
}

/** What a record says of a buffer. */
type About = Pick<AuditRecord, 'buffer' | 'size' | 'format' | 'source' | 'handle_type' | 'owner'>;

/**
 * A record as the data plane tells it. Who and what it is about are the same objects for all acts that
 * have them in common: a message copies each of them once, and the data plane pays for it.
 */
export interface AuditNote extends Omit<AuditRecord, keyof About> {
  readonly about: About | null;
}

/** For the log. */
export function recordOf({ act, at, who, about, ...rest }: AuditNote): AuditRecord {
  return { act, at, who, ...about, ...rest };
}

/** null for what nobody did or nobody is answerable for. `at` as in the record. */
export function auditNote(event: BrokerEvent, at: string): AuditNote | null {
  switch (event.type) {
    case 'client.connected':
    case 'buffer.lost':
    case 'buffer.gone':
      return null;
    case 'client.disconnected': {
      const { client, by } = event;
      if (by === null) return null;
      const about = { owner: client.peer.uid };
      return { act: 'disconnect', at, who: actor(by), about, client: client.id };
    }
    case 'quota.changed':
      return { act: 'set_quota', at, who: actor(event.by), about: null, quota: event.quota };
    case 'pool.drained': {
      const about = { size: event.bytes };
      return { act: 'drain_pool', at, who: actor(event.by), about };
    }
    case 'refusal': {
      const { error, owner, buffer } = event;
      const { code, message: reason, refusal } = error;
      const { constraint } = refusal;
      return {
        act: 'refusal',
        at,
        who: actor(owner),
        about: buffer === null ? null : aboutBuffer(buffer),
        code,
        reason,
        ...(constraint === undefined ? {} : { constraint }),
      };
    }
  }
  const { buffer } = event;
  const common = { at, who: actor(doerOf(event)), about: aboutBuffer(buffer) };
  switch (event.type) {
    case 'buffer.created':
      return { act: buffer.allocation.source === 'import' ? 'import' : 'grant', ...common };
    case 'buffer.shared': {
      const { id: token, usesLeft: uses, uid: for_uid } = event.token;
      return { act: 'share', ...common, token, uses, for_uid };
    }
    case 'buffer.unshared':
      return { act: 'revoke', ...common, token: event.token };
    case 'buffer.redeemed':
      return { act: 'redeem', ...common, token: event.token };
    case 'buffer.renewed':
      return { act: 'renew', ...common, seconds: event.seconds };
    case 'buffer.renamed':
      return { act: 'rename', ...common, name: buffer.name };
    case 'buffer.recalled':
      return { act: 'recall', ...common, reason: event.reason };
    case 'buffer.released': {
      const { reason } = event;
      return { act: reason === 'owner' ? 'release' : 'forced_release', ...common, reason };
    }
    case 'buffer.reissued':
      return { act: 'reissue', ...common };
    case 'buffer.previewed':
      return { act: 'preview', ...common };
  }
}

/** Of somebody over REST who has changed the log's level. */
export function logLevelNote(by: Doer, log_level: string, at: string): AuditNote {
  return { act: 'set_log_level', at, who: actor(by), about: null, log_level };
}

const actors = new WeakMap<Identity, AuditActor>();

function actor(owner: Doer | null): AuditActor | null {
  const client = owner?.client ?? null;
  const known = client === null ? undefined : actors.get(client);
  if (known !== undefined) return known;
  const one = actorOf(owner);
  if (one === null) return null;
  const made = { ...one, rest: client === null };
  if (client !== null) actors.set(client, made);
  return made;
}

/** By allocation: a re-issued buffer has another one. */
const buffers = new WeakMap<Allocation, About>();

function aboutBuffer({ id, spec, allocation, owner }: EventBuffer): About {
  const known = buffers.get(allocation);
  if (known !== undefined) return known;
  const { size, source, handleType } = allocation;
  const made = {
    buffer: id,
    size,
    ...(spec.kind === 'image' ? { format: fourccName(spec.format) } : {}),
    source,
    handle_type: handleType,
    owner: owner.peer.uid,
  };
  buffers.set(allocation, made);
  return made;
}
