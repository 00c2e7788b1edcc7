/**
 * Memory that a client brings, plane by plane, before it says what for (params.ts).
 *
 * Owns: the fds, until the broker has them. What is neither a dma_buf nor a memfd is closed at once; a
 * memfd is of use only where the broker itself has made it, which `adopt` finds out.
 */
import { type BrokerError, outOfFds } from '../../memory/errors.js';
import { noDmaBuf } from '../../memory/import.js';
import { MAX_WAITING_PLANES } from '../../memory/limits.js';
import { type BroughtPlane, MAX_PLANES } from '../../memory/plane.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import type { Connection } from './connection.js';
import { ProtocolError } from './resource.js';

/** In place of an fd that is no dma_buf. */
const NONE = -1;

export class BroughtFds {
  readonly #planes = new Map<number, BroughtPlane>();
  readonly #fds = new Set<number>();
  /** Why they cannot be imported; null where they can. */
  problem: BrokerError | null = null;

  constructor(private readonly connection: Connection) {}

  /** How many planes there are. */
  get size(): number {
    return this.#planes.size;
  }

  get fds(): readonly number[] {
    return [...this.#fds];
  }

  /** From 0 on; null where there is a gap. */
  get planes(): BroughtPlane[] | null {
    const planes: BroughtPlane[] = [];
    for (let index = 0; this.#planes.has(index); index++)
      planes.push(this.#planes.get(index) as BroughtPlane);
    return planes.length < this.#planes.size ? null : planes;
  }

  /** Takes the fd, whatever comes of it; false where the index is out of range or there already. */
  add(fd: number, index: number, offset: number, stride: number): boolean {
    const { connection } = this;
    if (index >= MAX_PLANES || this.#planes.has(index)) {
      connection.foreign.close(fd);
      return false;
    }
    if (connection.waitingPlanes >= MAX_WAITING_PLANES) {
      connection.foreign.close(fd);
      const text = `more than ${connection.waitingPlanes} planes wait for import`;
      throw new ProtocolError(1, wl_display.enums.error.no_memory, text);
    }
    connection.waitingPlanes++;
    const kind = connection.foreign.kindOf(fd);
    this.#planes.set(index, { fd: kind === 'dma_buf' ? fd : NONE, offset, stride });
    if (kind === 'dma_buf' || kind === 'memfd') this.#fds.add(fd);
    else connection.foreign.close(fd);
    if (kind !== 'dma_buf')
      this.problem ??= kind === 'unasked' ? outOfFds() : noDmaBuf(index, kind);
    return true;
  }

  /** These, or all, are the broker's now; the others are closed. */
  end(taken: readonly number[] = []): void {
    for (const fd of this.#fds) {
      if (taken.includes(fd)) this.connection.foreign.handOver(fd);
      else this.connection.foreign.close(fd);
    }
    this.#fds.clear();
    this.connection.waitingPlanes -= this.#planes.size;
    this.#planes.clear();
  }
}
