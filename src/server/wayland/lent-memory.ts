/**
 * A client's own memory, from the request that brings it until a dma_buf is made of it (params.ts).
 *
 * Owns: the fd, until `close`, which may come after the connection's end: what is made of it is made by a thread, which
 * must not find another's file under its number. It is its user's all the while.
 */

import type { LentMemory as Lent } from '../../broker/request.js';
import type { BrokerError } from '../../memory/errors.js';
import type { Connection } from './connection.js';

export class LentMemory {
  /** Why it cannot be used; null where it can. */
  readonly problem: BrokerError | null;
  #fd: number | null;

  /** Takes the fd. */
  constructor(
    private readonly connection: Connection,
    fd: number,
    private readonly offset: number,
  ) {
    this.#fd = fd;
    this.problem = connection.foreign.problemOf(fd, offset);
  }

  /** For a request that keeps it until its answer. */
  get lent(): Lent {
    return { fd: this.#fd ?? -1, offset: this.offset, over: () => this.close() };
  }

  close(): void {
    if (this.#fd !== null) this.connection.foreign.close(this.#fd);
    this.#fd = null;
  }
}
