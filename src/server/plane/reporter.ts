/**
 * Copies what happens in the registry into plain events for the main thread, one message for many: a
 * message costs the data plane, and the main thread that wakes up for it, more than the event itself
 * (docs/performance.md).
 * With them goes what the audit needs.
 */
import type { BrokerEvent, EventBuffer } from '../../broker/events.js';
import { reasonOf } from '../../broker/history.js';
import type { Doer, Identity, PartialPeer } from '../../broker/who.js';
import { after, type Clock, dateText, LONG_AGO } from '../../memory/clock.js';
import type { EventInfo } from '../../rest/contract.js';
import { type AuditNote, auditNote } from '../words/audit.js';
import type { EventDraft } from '../words/messages.js';

const NOTHING: Omit<EventDraft, 'type' | 'time'> = {
  buffer: null,
  size: null,
  client: null,
  uid: null,
  pid: null,
  executable: null,
  owner: null,
  code: null,
  reason: null,
};

/** Milliseconds between two messages; what happens after a quiet time is told at once. */
const INTERVAL_MS = 20;
/** Events in one message at most: a flood is told sooner, rather than in a message of megabytes. */
const MAX_EVENTS = 256;

export class Reporter {
  #events: EventDraft[] = [];
  #audit: AuditNote[] = [];
  #next = LONG_AGO;

  constructor(
    private readonly post: (events: EventDraft[], audit: AuditNote[]) => void,
    private readonly clock: Clock,
    /** Whether an audit is kept. */
    private readonly audit: boolean,
  ) {}

  readonly report = (event: BrokerEvent): void => {
    const time = this.#time();
    this.#events.push(eventDraft(event, time, this.clock));
    const note = this.audit ? auditNote(event, time) : null;
    if (note !== null) this.#audit.push(note);
  };

  /** The device was lost, or could be opened again. */
  device(type: 'device.lost' | 'device.restored', reason: string): void {
    this.#events.push(draft(type, this.#time(), { reason }));
  }

  /** Milliseconds until `flush` has something to do; -1: never. */
  get wait(): number {
    if (this.#events.length === 0) return -1;
    return this.#events.length >= MAX_EVENTS
      ? 0
      : Math.max(0, Math.ceil(this.#next - this.clock.now()));
  }

  /** Sends what has happened, if it is time. */
  flush(): void {
    if (this.wait === 0) this.#send();
  }

  /** Sends what is left. */
  close(): void {
    if (this.#events.length > 0) this.#send();
  }

  #time(): string {
    return dateText(this.clock, this.clock.now());
  }

  #send(): void {
    this.post(this.#events, this.#audit);
    this.#events = [];
    this.#audit = [];
    this.#next = after(this.clock.now(), INTERVAL_MS);
  }
}

/** An event of the registry, in plain words. `time` as in the event. */
export function eventDraft(event: BrokerEvent, time: string, clock: Clock): EventDraft {
  return draft(event.type, time, details(event, clock));
}

function draft(type: EventInfo['type'], time: string, known: Partial<EventDraft>): EventDraft {
  return { type, time, ...NOTHING, ...known };
}

function details(event: BrokerEvent, clock: Clock): Partial<EventDraft> {
  switch (event.type) {
    case 'client.connected':
      return ofClient(event.client);
    case 'client.disconnected':
      return { ...ofClient(event.client), reason: event.by === null ? null : 'administrator' };
    case 'buffer.redeemed':
      return {
        ...ofBuffer(event.buffer),
        ...ofClient(event.client),
        reason: reasonOf(event, clock),
      };
    case 'quota.changed':
      return { reason: event.quota };
    case 'pool.drained':
      return { reason: `${event.spares} spares, ${event.bytes} bytes` };
    case 'refusal': {
      const { error, owner, buffer } = event;
      const { code, message: reason } = error;
      return { ...(buffer === null ? {} : ofBuffer(buffer)), ...ofOwner(owner), code, reason };
    }
    default:
      return {
        ...ofBuffer(event.buffer),
        ...ofOwner(event.buffer.owner),
        reason: reasonOf(event, clock),
      };
  }
}

const ofBuffer = ({ id, allocation, owner }: EventBuffer) => ({
  buffer: id,
  size: allocation.size,
  owner: owner.peer.uid,
});

const ofOwner = ({ client, peer }: Doer) => ({ client: client?.id ?? null, ...ofPeer(peer) });

const ofClient = ({ id, peer }: Identity) => ({ client: id, ...ofPeer(peer) });

const ofPeer = ({ uid, pid, executable }: PartialPeer) => ({ uid, pid, executable });
