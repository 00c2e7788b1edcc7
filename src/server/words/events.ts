/**
 * What happened in the registry, as it is told outside: REST's event and the audit's note. Pure: all that
 * depends on an event's type is in the records of broker/events.ts, so that nothing is told there that is
 * not told here.
 */
import {
  type BrokerEvent,
  type BufferEventType,
  EVENTS,
  type EventBuffer,
  type EventType,
} from '../../broker/events.js';
import { actorOf, type Doer, type Identity } from '../../broker/who.js';
import type { Clock } from '../../memory/clock.js';
import { fourccName } from '../../memory/fourcc.js';
import type { Allocation } from '../../memory/source.js';
import type { EventInfo, History } from '../../rest/contract.js';
import type { About, AuditActor, AuditNote } from './audit.js';
import type { EventDraft } from './messages.js';

type OneHas<A, B> = Exclude<A, B> | Exclude<B, A>;
type None<T extends never> = T;
/** The types that only openapi.yaml has or only the table: with any, this does not compile. */
export type Unmatched = None<
  OneHas<EventType, EventInfo['type']> | OneHas<BufferEventType, History['events'][number]['type']>
>;

/** `time` as in the event. */
export function eventDraft(event: BrokerEvent, time: string, clock: Clock): EventDraft {
  const { process: processOf, reason } = EVENTS[event.type];
  const process = processOf(event);
  const buffer = 'buffer' in event ? event.buffer : null;
  return {
    type: event.type,
    time,
    buffer: buffer?.id ?? null,
    size: buffer?.allocation.size ?? null,
    client: process?.client?.id ?? null,
    uid: process?.peer.uid ?? null,
    pid: process?.peer.pid ?? null,
    executable: process?.peer.executable ?? null,
    owner: buffer?.owner.peer.uid ?? null,
    code: 'error' in event ? event.error.code : null,
    reason: reason(event, clock),
  };
}

/** Whether something has happened to a user, or to what is theirs. */
export function concerns(event: EventInfo, user: number): boolean {
  return EVENTS[event.type].concerns(event, user);
}

/** null for what nobody did or nobody is answerable for. `at` as in the record. */
export function auditNote(event: BrokerEvent, at: string): AuditNote | null {
  const { doer, deed: deedOf } = EVENTS[event.type];
  const deed = deedOf(event);
  if (deed === null) return null;
  const buffer = 'buffer' in event ? event.buffer : null;
  const about = buffer === null ? null : aboutBuffer(buffer);
  // The deed last: what comes after it would be added a property at a time, which costs microseconds.
  return { at, who: actor(doer(event)), about, ...deed };
}

/** An act that is no event: somebody over REST has changed the log's level. */
export function logLevelNote(by: Doer, log_level: string, at: string): AuditNote {
  return { act: 'set_log_level', at, who: actor(by), about: null, log_level };
}

const actors = new WeakMap<Identity, AuditActor>();

function actor(doer: Doer | null): AuditActor | null {
  const client = doer?.client ?? null;
  const known = client === null ? undefined : actors.get(client);
  if (known !== undefined) return known;
  const one = actorOf(doer);
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
