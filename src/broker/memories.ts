/**
 * Which buffers are the same memory: one may be registered several times, as an import of what the
 * broker has made itself, or imported twice. Known by st_dev:st_ino, so opaque fds are not.
 */
import type { BrokerBuffer } from './buffer.js';
import { Few } from './few.js';

const identitiesOf = ({ allocation }: BrokerBuffer) => allocation.identities ?? [];

export class Memories {
  /** By identity, in the order in which they were registered, until their memory is gone. */
  readonly #buffers = new Map<string, Few<BrokerBuffer>>();

  add(buffer: BrokerBuffer): void {
    for (const identity of identitiesOf(buffer)) {
      const known = this.#buffers.get(identity) ?? new Few();
      known.add(buffer);
      this.#buffers.set(identity, known);
    }
  }

  remove(buffer: BrokerBuffer): void {
    for (const identity of identitiesOf(buffer)) {
      const known = this.#buffers.get(identity);
      known?.delete(buffer);
      if (known?.size === 0) this.#buffers.delete(identity);
    }
  }

  /** In the place of one whose memory this was; `buffer` has other memory from now on. */
  replace(buffer: BrokerBuffer, former: BrokerBuffer): void {
    for (const identity of identitiesOf(former)) {
      const now = new Few<BrokerBuffer>();
      for (const each of this.#buffers.get(identity) ?? [])
        now.add(each === buffer ? former : each);
      this.#buffers.set(identity, now);
    }
    this.add(buffer);
  }

  /** Whether all of a buffer's memory was registered before it, and still is, or lingers. */
  areOlder(buffer: BrokerBuffer): boolean {
    const identities = identitiesOf(buffer);
    const first = (identity: string) => this.#buffers.get(identity)?.first;
    return identities.length > 0 && identities.every((identity) => first(identity) !== buffer);
  }
}
