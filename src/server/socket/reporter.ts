/**
 * Copies what happens in the registry into plain events for the main thread, one message a turn: a
 * message for each would cost the data plane more than the event itself.
 */
import type { BrokerBuffer, Client, Owner, PartialPeer } from '../../broker/buffer.js';
import type { BrokerEvent } from '../../broker/events.js';
import type { EventInfo } from '../control.js';
import type { EventDraft } from '../messages.js';

const NOTHING: Omit<EventDraft, 'type' | 'time'> = {
  buffer: null,
  size: null,
  client: null,
  uid: null,
  pid: null,
  executable: null,
  code: null,
  reason: null,
};

export class Reporter {
  #events: EventDraft[] = [];

  constructor(
    private readonly post: (events: EventDraft[]) => void,
    private readonly now: () => number,
  ) {}

  readonly report = (event: BrokerEvent): void => {
    this.#add(event.type, details(event));
  };

  /** The device was lost, or could be opened again. */
  device(type: 'device.lost' | 'device.restored', reason: string): void {
    this.#add(type, { reason });
  }

  /** Sends what has happened since it was last called. */
  flush(): void {
    if (this.#events.length === 0) return;
    this.post(this.#events);
    this.#events = [];
  }

  #add(type: EventInfo['type'], known: Partial<EventDraft>): void {
    const time = new Date(this.now()).toISOString();
    this.#events.push({ type, time, ...NOTHING, ...known });
  }
}

function details(event: BrokerEvent): Partial<EventDraft> {
  switch (event.type) {
    case 'client.connected':
    case 'client.disconnected':
      return ofClient(event.client);
    case 'buffer.redeemed':
      return { ...ofBuffer(event.buffer), ...ofClient(event.client) };
    case 'buffer.released':
    case 'buffer.recalled':
      return { ...ofBuffer(event.buffer), ...ofOwner(event.buffer.owner), reason: event.reason };
    case 'quota.changed':
      return { reason: event.quota };
    case 'refusal': {
      const { error, owner, buffer } = event;
      const { code, message: reason } = error;
      return { ...(buffer === null ? {} : ofBuffer(buffer)), ...ofOwner(owner), code, reason };
    }
    default:
      return { ...ofBuffer(event.buffer), ...ofOwner(event.buffer.owner) };
  }
}

const ofBuffer = ({ id, allocation }: BrokerBuffer) => ({ buffer: id, size: allocation.size });

const ofOwner = ({ client, peer }: Owner) => ({ client: client?.id ?? null, ...ofPeer(peer) });

const ofClient = ({ id, peer }: Client) => ({ client: id, ...ofPeer(peer) });

const ofPeer = ({ uid, pid, executable }: PartialPeer) => ({ uid, pid, executable });
