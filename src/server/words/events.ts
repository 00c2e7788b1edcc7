/**
 * What happened in the registry, as it is told outside: REST's event and the audit's note. Pure: all that
 * depends on an event's type is in the records of broker/events.ts, so that nothing is told there that is
 * not told here.
 */
import type { ToldBuffer } from '../../broker/event-record.js';
import { type BufferEventType, EVENTS, type EventType } from '../../broker/events.js';
import { personIn, type Told } from '../../broker/told.js';
import { type Actor, actorOf, type Doer } from '../../broker/who.js';
import type { Clock } from '../../memory/clock.js';
import { fourccName } from '../../memory/fourcc.js';
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
export function eventDraft(told: Told, time: string, clock: Clock): EventDraft {
  const { type, buffer, fact } = told;
  const { process: person, reason, code } = EVENTS[type];
  const process = personIn(told, person);
  return {
    type,
    time,
    buffer: buffer?.id ?? null,
    size: buffer?.size ?? null,
    client: process?.client ?? null,
    uid: process?.uid ?? null,
    pid: process?.pid ?? null,
    executable: process?.executable ?? null,
    owner: buffer?.owner.uid ?? null,
    code: code(fact),
    reason: reason(fact, clock),
  };
}

/** Whether something has happened to a user, or to what is theirs. */
export function concerns(event: EventInfo, user: number): boolean {
  return EVENTS[event.type].concerns(event, user);
}

/** null for what nobody did or nobody is answerable for. `at` as in the record. */
export function auditNote(told: Told, at: string): AuditNote | null {
  const { doer, deed: deedOf } = EVENTS[told.type];
  const deed = deedOf(told);
  if (deed === null) return null;
  const who = personIn(told, doer);
  const { buffer } = told;
  // The deed last: what comes after it would be added a property at a time, which costs microseconds.
  return { at, who: who && auditActor(who), about: buffer && aboutBuffer(buffer), ...deed };
}

/** An act that is no event: somebody over REST has changed the log's level. */
export function logLevelNote(by: Doer, log_level: string, at: string): AuditNote {
  return { act: 'set_log_level', at, who: auditActor(actorOf(by)), about: null, log_level };
}

const actors = new WeakMap<Actor, AuditActor>();

function auditActor(actor: Actor): AuditActor {
  const known = actors.get(actor);
  if (known !== undefined) return known;
  const made = { ...actor, rest: actor.client === null };
  actors.set(actor, made);
  return made;
}

const buffers = new WeakMap<ToldBuffer, About>();

function aboutBuffer(told: ToldBuffer): About {
  const known = buffers.get(told);
  if (known !== undefined) return known;
  const { id, size, format, source, handleType, owner } = told;
  const made = {
    buffer: id,
    size,
    ...(format === null ? {} : { format: fourccName(format) }),
    source,
    handle_type: handleType,
    owner: owner.uid,
  };
  buffers.set(told, made);
  return made;
}
