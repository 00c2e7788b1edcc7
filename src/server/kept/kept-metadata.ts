/**
 * The documents of revisions in the service manager's store: a new one goes there before the record that names it is
 * written, and the old one leaves when it is. So whenever the process ends, what the record names is there.
 *
 * Owns: a reference to each document that is in the store, or on its way there.
 */
import type { BrokerBuffer } from '../../broker/buffer.js';
import type { Document } from '../../broker/document.js';
import type { HeldFds } from '../../broker/held-fds.js';
import type { FdStore } from './fd-store.js';
import { metadataName } from './names.js';

export class KeptMetadata {
  /** By buffer, those that are not to go yet by their number. */
  readonly #held = new Map<string, Map<number, HeldFds>>();

  constructor(
    private readonly store: Pick<FdStore, 'put' | 'drop' | 'has'>,
    private readonly identity: (fd: number) => string,
  ) {}

  /** `uid`: whose rate that takes. `done` is told whether it is in the store. */
  put(
    { id }: BrokerBuffer,
    { held, number }: Document,
    uid: number,
    done: (stored: boolean) => void,
  ): void {
    const [fd = -1] = held.fds;
    const name = metadataName(id, number);
    const all = this.#held.get(id) ?? new Map<number, HeldFds>();
    this.#held.set(id, all.set(number, held.retain()));
    const fds = [{ name, fd, identity: this.identity(fd) }];
    this.store.put(uid, { id: name, fds, done });
  }

  /** The record names the one that was published last. */
  only({ id, released, lasting }: BrokerBuffer): void {
    const metadata = lasting?.committed?.metadata ?? null;
    const number = metadata?.number ?? null;
    if (
      metadata !== null &&
      !this.#held.has(id) &&
      this.store.has(metadataName(id, metadata.number))
    )
      // Of before the daemon was restarted.
      this.#held.set(id, new Map([[metadata.number, metadata.held.retain()]]));
    this.#drop(id, (each) => released || (number !== null ? each < number : !isPending(lasting)));
  }

  /** Nothing is left of the buffer. */
  drop(id: string): void {
    this.#drop(id, () => true);
  }

  #drop(id: string, isPast: (number: number) => boolean): void {
    const all = this.#held.get(id);
    if (all === undefined) return;
    for (const [number, held] of all) {
      if (!isPast(number)) continue;
      this.store.drop(metadataName(id, number));
      all.delete(number);
      held.release();
    }
    if (all.size === 0) this.#held.delete(id);
  }
}

/** A first document may be on its way to the store while something else of the buffer is written. */
const isPending = (lasting: BrokerBuffer['lasting']): boolean => lasting?.pending != null;
