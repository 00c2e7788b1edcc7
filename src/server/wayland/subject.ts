/**
 * What objects that are about a client's buffer (a share, revisions) have of that buffer's own object: above all the
 * buffer, which may be there only later, or never.
 */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Watcher } from '../../broker/buffer.js';
import { BrokerError } from '../../memory/errors.js';
import { asRefusal } from '../../memory/result.js';
import type { Connection } from './connection.js';
import type { RefusalEvent, Refusing } from './failure.js';
import { Order } from './order.js';
import type { Resource } from './resource.js';

export const connectionEnded = (): BrokerError =>
  new BrokerError('not_found', 'the connection has ended');

/** A buffer that was asked for. Requests for it wait for the answer, in their order. */
export class AwaitedBuffer extends Order {
  buffer: BrokerBuffer | null = null;
  /** Why there is none. */
  #failure: BrokerError | null = null;

  /** The first answer is given: what was asked meanwhile is done, or fails with it. */
  answer(failure: BrokerError | null): void {
    if (this.settled) return;
    this.#failure = failure;
    this.settle();
  }

  /** The buffer, when it is a request's turn. Throws what it failed with. */
  had(): BrokerBuffer {
    if (this.buffer !== null) return this.buffer;
    throw this.#failure ?? new Error('it is not settled');
  }

  /**
   * Runs a request for the buffer, and for others that it names: now, or when it is its turn. `refused` is told what
   * the buffer failed with, or the request.
   */
  ask(
    run: (buffer: BrokerBuffer) => void,
    refused: (error: BrokerError) => void,
    ...others: readonly AwaitedBuffer[]
  ): void {
    const turn = () => {
      try {
        run(this.had());
      } catch (error) {
        refused(asRefusal(error));
      }
    };
    this.add(turn, ...others);
  }
}

/** A buffer's object (buffer.ts). */
export interface Subject extends Watcher {
  readonly broker: Broker;
  readonly connection: Connection;
  readonly version: number;
  readonly awaited: AwaitedBuffer;
  /** Its connection is the buffer's writer by this object. */
  readonly isWriter: boolean;
  /** Notes a refusal, and tells the object that it is about. */
  refused<I extends Refusing>(
    error: BrokerError,
    resource: Resource<I>,
    event?: RefusalEvent,
  ): void;
}
