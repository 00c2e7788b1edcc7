/**
 * Objects for equal buffers that a client wants all of, or none (`add_buffer`, `create_batch`): one request of the
 * broker's, whose one refusal all of them are told.
 *
 * Owns: which they are, until it is known what becomes of them.
 */
import type { Broker } from '../../broker/broker.js';
import type { BrokerBuffer, Owner } from '../../broker/buffer.js';
import type { AllocationRequest } from '../../broker/request.js';
import type { BrokerError } from '../../memory/errors.js';
import type { BufferObject } from './buffer.js';
import { connectionEnded } from './subject.js';

export class Batch {
  readonly #objects: BufferObject[] = [];

  constructor(
    private readonly broker: Broker,
    private readonly owner: Owner,
  ) {}

  get size(): number {
    return this.#objects.length;
  }

  /** It is to be asked for with the others, when the client says so. */
  add(object: BufferObject): void {
    object.awaited.unasked();
    this.#objects.push(object);
  }

  /** Asks for as many equal buffers as there are objects: each is answered as by `BufferObject.allocate`. */
  allocate(request: AllocationRequest): void {
    const objects = this.#objects;
    for (const each of objects) each.asked();
    const giveUp = this.broker.allocateMany(
      this.owner,
      request,
      (result) => {
        if ('error' in result) this.refuse(result.error);
        else for (const [i, each] of objects.entries()) each.answered(result[i] as BrokerBuffer);
      },
      (place) => {
        for (const each of objects) each.waits(place);
      },
    );
    // Those who are left wait on.
    const left = new Set(objects);
    for (const each of objects)
      each.givesUpBy((why) => {
        left.delete(each);
        if (left.size === 0) giveUp(why);
      });
  }

  /** All have the same answer. It is one refusal, and noted as such. */
  refuse(error: BrokerError): void {
    if (this.size === 0) return;
    this.broker.refused(this.owner, error, null);
    for (const each of this.#objects) each.failedWith(error);
  }

  /** The connection has ended before they were asked for: other objects' requests may wait for these. */
  end(): void {
    for (const each of this.#objects) each.awaited.answer(connectionEnded());
  }
}
