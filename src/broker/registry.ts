/**
 * The buffers that there are, and what every change of one has in common: its fds are held, its charge
 * is set right, it is kept in its history and told.
 */

import { BrokerError } from '../memory/errors.js';
import { everyFd } from '../memory/faces.js';
import { asRefusal } from '../memory/result.js';
import { type Allocation, NOTHING_KEPT } from '../memory/source.js';
import { Alike } from './alike.js';
import type { BrokerBuffer, Owner } from './buffer.js';
import type { BufferEvent } from './events.js';
import { HeldFds } from './held-fds.js';
import { newBufferId } from './id.js';
import { Memories } from './memories.js';
import type { Charge } from './quota/charge.js';
import type { Quotas } from './quota/quotas.js';
import type { Surroundings } from './surroundings.js';

export const noBuffer = (id: string): BrokerError =>
  new BrokerError('not_found', `there is no buffer ${id}`);

export class Registry {
  readonly #buffers = new Map<string, BrokerBuffer>();
  /** Of live buffers and of those that linger. */
  readonly memories = new Memories();
  #lastNumber = 0;
  readonly #alike = new Alike();
  /** One for all that is held. */
  readonly #closeFd = (fd: number) => this.world.closeFd(fd);

  constructor(
    private readonly world: Surroundings,
    private readonly quotas: Quotas,
  ) {}

  /** Destroys what the source keeps; of what an earlier daemon has made there is nothing. */
  free(allocation: Allocation): void {
    if (allocation.key !== NOTHING_KEPT) this.world.free(allocation);
  }

  /** For a buffer that is made. */
  nextNumber(): number {
    return ++this.#lastNumber;
  }

  /** One of before the daemon was restarted; released ones are listed elsewhere. */
  restore(buffer: BrokerBuffer): void {
    this.#lastNumber = Math.max(this.#lastNumber, buffer.number);
    if (!buffer.released) this.add(buffer);
    else this.memories.add(buffer);
  }

  get buffers(): Iterable<BrokerBuffer> {
    return this.#buffers.values();
  }

  /** Throws `not_found`. */
  get(id: string): BrokerBuffer {
    const buffer = this.#buffers.get(id);
    if (buffer === undefined) throw noBuffer(id);
    return buffer;
  }

  add(buffer: BrokerBuffer): void {
    buffer.allocation = this.#alike.allocation(buffer.allocation);
    this.memories.add(buffer);
    this.#buffers.set(buffer.id, buffer);
    buffer.owner.client?.owned.add(buffer);
  }

  remove(buffer: BrokerBuffer): void {
    this.#buffers.delete(buffer.id);
    buffer.owner.client?.owned.delete(buffer);
  }

  /** An id that no buffer has, nor one that lingers. */
  newId(lingers: (id: string) => boolean): string {
    for (;;) {
      const id = newBufferId(this.world.random);
      if (!this.#buffers.has(id) && !lingers(id)) return id;
    }
  }

  /** Charges what was allocated instead of what was asked for; lets go of it where that is too much. */
  settle(
    charge: Charge,
    allocation: Allocation,
    held: HeldFds,
    bytes = allocation.size,
  ): BrokerError | null {
    try {
      const actual = { bytes, fds: held.each.length };
      this.quotas.settle(charge, actual, allocation, this.buffers);
      return null;
    } catch (error) {
      this.world.free(allocation);
      held.release();
      return asRefusal(error);
    }
  }

  /** The bytes that a client owns have changed by so many. */
  owns({ client }: Owner, bytes: number): void {
    if (client === null) return;
    client.ownedBytes += bytes;
    if (client.connected) this.world.changed(client);
  }

  hold(allocation: Allocation): HeldFds {
    return new HeldFds(everyFd(allocation), this.#closeFd);
  }

  /** Tells what has happened to a buffer, and keeps it with the buffer. */
  happened(event: BufferEvent & { readonly buffer: BrokerBuffer }): void {
    event.buffer.history.add(event, this.world.clock);
    this.world.report(event);
  }
}
