/**
 * An event as it is told: what it names, as plain values, which keep nothing of the registry's alive and can be
 * sent to another thread.
 */
import type { EventBuffer, Named, Person, ToldBuffer } from './event-record.js';
import { type BrokerEvent, EVENTS, type EventType } from './events.js';
import { type Actor, actorOf, actorOfClient, type Doer, type Identity } from './who.js';

export interface Told extends Named<unknown> {
  readonly type: EventType;
}

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
