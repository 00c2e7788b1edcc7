/**
 * File descriptors that a client has sent. Each is charged to the connection's user from the moment that
 * recvmsg(2) has installed it until it is closed or the broker has it, whether or not a request ever
 * names it; what it is has been asked of the kernel (native/kind.ts) before anything is done with it.
 *
 * Owns: each fd from `arrived` on, until `close` or `handOver`.
 */
import type { Allowance } from '../../broker/fair-pool.js';
import { badMetadata, checkMetadataSize } from '../../broker/metadata.js';
import { type BrokerError, outOfFds } from '../../memory/errors.js';
import { noMemfd } from '../../memory/own-memory.js';
import type { FdKind } from '../../native/kind.js';

/** What is done with fds. */
export interface FdWorld {
  kindOf(fd: number): FdKind;
  /** Why a memfd cannot be made into a dma_buf from an offset on; null where it can (native/own-memory.ts). */
  problemOf(memfd: number, offset: number): BrokerError | null;
  /** Closes at once: for what is known not to wait. */
  close(fd: number): void;
  /** What is in a memfd that is sealed against every change, of exactly so many bytes; or why it cannot be had. */
  sealedContent(fd: number, size: number): Uint8Array | string;
  /** Closes in a thread that may wait; `done` is called when it is closed, perhaps never. */
  closeLater(fd: number, done: () => void): void;
}

export class ForeignFds {
  readonly #kinds = new Map<number, FdKind>();

  constructor(
    private readonly world: FdWorld,
    /** What the connection's user may have of the daemon's fds. */
    private readonly allowance: Allowance,
  ) {}

  /** Returns false where its user has more than its part now: it is charged all the same. */
  arrived(fd: number): boolean {
    const fits = this.allowance.take(1);
    if (!fits) this.allowance.overdraw(1);
    this.#kinds.set(fd, this.world.kindOf(fd));
    return fits;
  }

  kindOf(fd: number): FdKind {
    const kind = this.#kinds.get(fd);
    if (kind === undefined) throw new Error(`fd ${fd} is none that the client has sent`);
    return kind;
  }

  /** As memory to be made into a dma_buf; null: it will do. */
  problemOf(fd: number, offset: number): BrokerError | null {
    const kind = this.kindOf(fd);
    if (kind === 'unasked') return outOfFds();
    return kind === 'memfd' ? this.world.problemOf(fd, offset) : noMemfd(kind);
  }

  /**
   * A copy of a memfd's content, of so many bytes. Throws BrokerError where it is none, or could change. It is a
   * file of the kernel's own and not long, so that nobody is waited for (native/kind.ts).
   */
  content(fd: number, size: number): Uint8Array {
    const kind = this.kindOf(fd);
    if (kind !== 'memfd') throw badMetadata(`it is no memfd but ${kind}`);
    checkMetadataSize(size);
    const content = this.world.sealedContent(fd, size);
    if (typeof content === 'string') throw badMetadata(content);
    return content;
  }

  /** A dma_buf is closed at once: its release belongs to a driver, and waits for nobody. */
  close(fd: number): void {
    const kind = this.kindOf(fd);
    this.#kinds.delete(fd);
    const closed = () => this.allowance.give(1);
    if (kind !== 'dma_buf') this.world.closeLater(fd, closed);
    else {
      this.world.close(fd);
      closed();
    }
  }

  /** It is the broker's from here on, and charged as a buffer's: a dma_buf, or a memfd that was the broker's before. */
  handOver(fd: number): void {
    const kind = this.kindOf(fd);
    if (kind !== 'dma_buf' && kind !== 'memfd') throw new Error(`fd ${fd} is no memory`);
    this.#kinds.delete(fd);
    this.allowance.give(1);
  }
}
