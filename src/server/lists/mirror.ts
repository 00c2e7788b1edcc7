/**
 * What main knows of the data plane's registry: a copy that lists are made from, brought up to date
 * by the changes that the data plane sends when it is asked to (plane/journal.ts).
 */

import type { BufferInfo, ClientInfo } from '../../rest/contract.js';
import type { Changes } from '../words/messages.js';
import { Collection } from './collection.js';
import { shared } from './shared.js';

export const bufferCollection = () =>
  new Collection<BufferInfo>({
    created_at: (buffer) => buffer.created_at,
    size: (buffer) => buffer.size,
    id: (buffer) => buffer.id,
  });

export const clientCollection = () =>
  new Collection<ClientInfo>({
    connected_at: (client) => client.connected_at,
    bytes: (client) => client.bytes,
    id: (client) => client.id,
  });

export class Mirror {
  readonly buffers = bufferCollection();
  readonly clients = clientCollection();
  /** The buffers that each connected client was handed. */
  readonly #received = new Map<string, Set<string>>();
  /** Came before: what is alike in the next one is its. */
  #last: BufferInfo | null = null;

  apply({ buffers, clients, goneBuffers, goneClients }: Changes): void {
    for (const client of clients) this.clients.set(client);
    for (const sent of buffers) {
      const buffer = shared(sent, this.#last);
      this.#last = buffer;
      this.#forget(buffer.id);
      this.buffers.set(buffer);
      for (const { client, connected } of buffer.recipients) {
        if (!connected) continue;
        const received = this.#received.get(client) ?? new Set();
        this.#received.set(client, received.add(buffer.id));
      }
    }
    for (const id of goneBuffers) {
      this.#forget(id);
      this.buffers.delete(id);
    }
    for (const id of goneClients) {
      this.clients.delete(id);
      this.#left(id);
    }
  }

  #forget(id: string): void {
    for (const { client } of this.buffers.get(id)?.recipients ?? []) {
      const received = this.#received.get(client);
      received?.delete(id);
      if (received?.size === 0) this.#received.delete(client);
    }
  }

  /** The data plane does not send a client's buffers again only because it has left. */
  #left(client: string): void {
    const ids = this.#received.get(client) ?? [];
    this.#received.delete(client);
    for (const id of ids) {
      const buffer = this.buffers.get(id);
      if (buffer === undefined) continue;
      const recipients = buffer.recipients.map((recipient) =>
        recipient.client === client ? { ...recipient, connected: false } : recipient,
      );
      this.buffers.set({ ...buffer, recipients });
    }
  }
}
