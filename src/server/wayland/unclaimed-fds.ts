/**
 * File descriptors that have come and that no request has taken yet: they belong to the messages around them, in their
 * order, and may come a little before those.
 *
 * Owns: each of them, until a request takes it from the front (their charge is foreign-fds.ts's).
 */
import { MAX_FDS } from '../../memory/limits.js';
import { wl_display } from '../../protocol/wayland.gen.js';
import { WireError } from '../../protocol/wire.js';
import type { ForeignFds } from './foreign-fds.js';
import { DISPLAY_ID } from './objects.js';
import { ProtocolError } from './resource.js';

export class UnclaimedFds {
  /** Whoever reads a message takes those of it from the front. */
  readonly all: number[] = [];
  /** Those that were unclaimed when the input had been used up once already. */
  #stale = 0;

  constructor(private readonly foreign: ForeignFds) {}

  /** Returns false where its user has more than its part now. */
  arrived(fds: readonly number[]): boolean {
    this.all.push(...fds);
    return fds.map((fd) => this.foreign.arrived(fd)).every(Boolean);
  }

  /**
   * What has come cannot be sent back, and a stream of which fds are missing cannot be gone on with: all
   * of this ends the connection. It is the user's own, whose other connections are not touched.
   */
  check(fds: readonly number[], fit: boolean, lost: boolean): void {
    const { no_memory } = wl_display.enums.error;
    if (fds.some((fd) => this.foreign.kindOf(fd) === 'socket')) {
      // Held here, the other end of a connection would never see that its process has gone.
      throw new WireError('a socket: no request takes one');
    }
    if (this.all.length > MAX_FDS) throw new WireError(`more than ${MAX_FDS} file descriptors`);
    if (lost) {
      const text = 'the daemon is out of file descriptors, and some that you have sent are lost';
      throw new ProtocolError(DISPLAY_ID, no_memory, text);
    }
    if (!fit) {
      const text = 'the user has too many file descriptors with the daemon';
      throw new ProtocolError(DISPLAY_ID, no_memory, text);
    }
  }

  /**
   * The input is used up. libwayland may send fds a little ahead of the request that they belong to, never more than
   * one flush: what is still unclaimed after the next one is not the protocol's.
   */
  checkSurplus(): void {
    if (this.all.length === 0 && this.#stale === 0) return;
    if (this.#stale > 0 && this.all.length >= this.#stale) {
      throw new WireError('file descriptors that no request takes');
    }
    this.#stale = this.all.length;
  }

  close(): void {
    for (const fd of this.all.splice(0)) this.foreign.close(fd);
  }
}
