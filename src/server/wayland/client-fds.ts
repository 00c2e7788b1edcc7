/**
 * What all clients have of the daemon's fds: each user its part (broker/fair-pool.ts), and who waits
 * because of what is still being closed.
 */
import { type Allowance, FairPool } from '../../broker/fair-pool.js';
import { MAX_FDS } from '../../memory/limits.js';
import { kindOf } from '../../native/kind.js';
import { close } from '../../native/libc/fd.js';
import { problemOf } from '../../native/own-memory.js';
import { sealedContent } from '../../native/sealed-content.js';
import type { Closing } from './closing.js';
import { ForeignFds } from './foreign-fds.js';

export class ClientFds {
  readonly #pool: FairPool;
  /** Users whose connections are not read. */
  readonly #heldBack = new Set<number>();

  constructor(
    total: number,
    private readonly closing: Closing,
    /** Told when a user's connections are to be read no more, or again. */
    private readonly turned: (uid: number) => void,
  ) {
    this.#pool = new FairPool(total);
  }

  of(uid: number): Allowance {
    return this.#pool.of(uid);
  }

  /** For what one connection of a user sends. */
  foreign(uid: number): ForeignFds {
    const closeLater = (fd: number, done: () => void) => this.closeLater(uid, fd, done);
    const world = { kindOf, problemOf, close, closeLater, sealedContent };
    return new ForeignFds(world, this.of(uid));
  }

  /** What all clients have, and may have. */
  get use(): FairPool['use'] {
    return this.#pool.use;
  }

  /** Whether refused connections have taken as much again as there is. */
  get overdrawn(): boolean {
    return this.#pool.overdrawn;
  }

  /**
   * Whether a user has no room for the fds of one more message because of what is still being closed: it
   * is not read until there is, and waits for itself.
   */
  holdsBack(uid: number): boolean {
    return this.#heldBack.has(uid);
  }

  /** Closes what may take as long as its user likes, who is charged for it until `done`. */
  closeLater(uid: number, fd: number, done: () => void, isConnection = false): void {
    const closed = () => {
      done();
      this.#look(uid);
    };
    this.closing.close(uid, fd, closed, isConnection);
    this.#look(uid);
  }

  #look(uid: number): void {
    const full = !this.#pool.has(uid, MAX_FDS) && this.closing.waitsFor(uid);
    if (full === this.#heldBack.has(uid)) return;
    if (full) this.#heldBack.add(uid);
    else this.#heldBack.delete(uid);
    this.turned(uid);
  }
}
