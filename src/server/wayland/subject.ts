/** What objects that are about a client's buffer (a share, work, revisions) have of that buffer's own object. */
import type { Broker } from '../../broker/broker.js';
import type { Watcher } from '../../broker/buffer.js';
import { BrokerError } from '../../memory/errors.js';
import { dmabroker_buffer_v1 } from '../../protocol/dmabroker-v1.gen.js';
import type { Connection } from './connection.js';
import type { RefusalEvent, Refusing } from './failure.js';
import type { AwaitedBuffer } from './order.js';
import type { Resource } from './resource.js';

export const connectionEnded = (): BrokerError =>
  new BrokerError('not_found', 'the connection has ended');

/** A buffer's object (buffer.ts). */
export interface Subject extends Watcher {
  readonly broker: Broker;
  readonly connection: Connection;
  readonly version: number;
  readonly awaited: AwaitedBuffer;
  /** It was destroyed, or its connection has ended. */
  readonly hasGone: boolean;
  /** Its connection is the buffer's writer by this object. */
  readonly isWriter: boolean;
  /** Notes a refusal, and tells the object that it is about. */
  refused<I extends Refusing>(
    error: BrokerError,
    resource: Resource<I>,
    event?: RefusalEvent,
  ): void;
}

/** The one that a request names; another id ends the connection. */
export function subjectOf(connection: Connection, id: number): Subject {
  // All objects of this interface are buffer.ts's.
  return connection.objects.find(id, dmabroker_buffer_v1).requests as unknown as Subject;
}
