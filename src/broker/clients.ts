/**
 * The connections to the client socket, and the processes behind those that have ended: memory that
 * they were handed may live as long as they do.
 */

import { BrokerError } from '../memory/errors.js';
import type { Client } from './buffer.js';
import type { KeptClient } from './kept.js';
import { PeerProcess } from './peer-process.js';
import type { Surroundings } from './surroundings.js';
import type { Peer } from './who.js';

export const noClient = (id: string): BrokerError =>
  new BrokerError('not_found', `there is no client ${id}`);

export class Clients {
  readonly #clients = new Map<string, Client>();
  /** Processes that have disconnected and are still of interest, oldest first. */
  readonly #past = new Set<PeerProcess>();
  /** The number of the last one. */
  last = 0;

  constructor(
    private readonly world: Surroundings,
    /** Beyond so many past processes the oldest is forgotten: time decides about what it may hold. */
    private readonly maxPast: number,
  ) {}

  get all(): Iterable<Client> {
    return this.#clients.values();
  }

  /** Throws `not_found`. */
  get(id: string): Client {
    const client = this.#clients.get(id);
    if (client === undefined) throw noClient(id);
    return client;
  }

  /** Takes ownership of the pidfd, if there is one. */
  add(peer: Peer, pidfd: number | null): Client {
    const client: Client = {
      id: `c${++this.last}`,
      peer,
      connectedAt: this.world.clock.now(),
      owned: new Set(),
      ownedBytes: 0,
      fdsSent: 0,
      connected: true,
      session: null,
      process: this.#process(pidfd),
    };
    this.#clients.set(client.id, client);
    return client;
  }

  #process(pidfd: number | null, known?: string | null): PeerProcess {
    const name = known ?? (pidfd === null ? null : this.world.processName(pidfd));
    return new PeerProcess({ pidfd, name }, this.world, (process) => this.#past.delete(process));
  }

  /** One that was connected before the daemon was restarted, and is not now. */
  restore({ id, peer, connectedAt, fdsSent, session, process }: KeptClient): Client {
    const pidfd = process === null ? null : this.world.openProcess(peer.pid, process);
    const client: Client = {
      ...{ id, peer, connectedAt, fdsSent, session },
      owned: new Set(),
      ownedBytes: 0,
      connected: false,
      process: this.#process(pidfd, process),
    };
    return client;
  }

  remove(client: Client): void {
    client.connected = false;
    this.#clients.delete(client.id);
    this.world.gone(client);
  }

  /** The connection's reference goes; a process that handed-out memory depends on is kept for a while. */
  departed({ process }: Client): void {
    process.disconnected();
    if (!process.watched) return;
    this.#past.add(process);
    for (const each of this.#past) {
      if (this.#past.size <= this.maxPast) break;
      each.abandon();
    }
  }
}
