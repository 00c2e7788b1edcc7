/**
 * What the audit says of an act: who did what, to which buffer, and why. Pure: from the registry's
 * events, so that nothing is told there that is not told here. Of tokens there is the id; the
 * registry itself does not keep their secrets.
 */
import { type Actor, actorOf } from '../../broker/actor.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import type { ErrorCode } from '../../broker/errors.js';
import type { BrokerEvent } from '../../broker/events.js';
import { fourccName } from '../../broker/fourcc.js';
import { doerOf } from '../../broker/history.js';

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

/** null for what nobody did or nobody is answerable for. `at` as in the record. */
export function auditRecord(event: BrokerEvent, at: string): AuditRecord | null {
  const known = details(event);
  return known === null ? null : { ...known, at };
}

function details(event: BrokerEvent): Omit<AuditRecord, 'at'> | null {
  switch (event.type) {
    case 'client.connected':
    case 'buffer.lost':
    case 'buffer.gone':
      return null;
    case 'client.disconnected': {
      const { client, by } = event;
      if (by === null) return null;
      return { act: 'disconnect', who: actor(by), client: client.id, owner: client.peer.uid };
    }
    case 'quota.changed':
      return { act: 'set_quota', who: actor(event.by), quota: event.quota };
    case 'refusal': {
      const { error, owner, buffer } = event;
      const { code, message: reason, refusal } = error;
      const { constraint } = refusal;
      return {
        act: 'refusal',
        who: actor(owner),
        ...(buffer === null ? {} : ofBuffer(buffer)),
        code,
        reason,
        ...(constraint === undefined ? {} : { constraint }),
      };
    }
  }
  const { buffer } = event;
  const about = { who: actor(doerOf(event)), ...ofBuffer(buffer) };
  switch (event.type) {
    case 'buffer.created':
      return { act: buffer.allocation.source === 'import' ? 'import' : 'grant', ...about };
    case 'buffer.shared': {
      const { id: token, usesLeft: uses, uid: for_uid } = event.token;
      return { act: 'share', ...about, token, uses, for_uid };
    }
    case 'buffer.unshared':
      return { act: 'revoke', ...about, token: event.token };
    case 'buffer.redeemed':
      return { act: 'redeem', ...about, token: event.token };
    case 'buffer.renewed':
      return { act: 'renew', ...about, seconds: event.seconds };
    case 'buffer.renamed':
      return { act: 'rename', ...about, name: buffer.name };
    case 'buffer.recalled':
      return { act: 'recall', ...about, reason: event.reason };
    case 'buffer.released': {
      const { reason } = event;
      return { act: reason === 'owner' ? 'release' : 'forced_release', ...about, reason };
    }
    case 'buffer.reissued':
      return { act: 'reissue', ...about };
    case 'buffer.previewed':
      return { act: 'preview', ...about };
  }
}

/** Of somebody over REST who has changed the log's level. */
export function logLevelRecord(by: Owner, log_level: string, at: string): AuditRecord {
  return { act: 'set_log_level', at, who: actor(by), log_level };
}

function actor(owner: Owner | null): AuditActor | null {
  const known = actorOf(owner);
  return known && { ...known, rest: known.client === null };
}

function ofBuffer({ id, spec, allocation, owner }: BrokerBuffer) {
  const { size, source, handleType } = allocation;
  return {
    buffer: id,
    size,
    ...(spec.kind === 'image' ? { format: fourccName(spec.format) } : {}),
    source,
    handle_type: handleType,
    owner: owner.peer.uid,
  };
}
