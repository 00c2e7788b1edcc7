/**
 * The closing of what clients gave: close(2) of a foreign file may wait for as long as its owner likes, so that
 * threads do it which may wait (native/later.ts), and each user waits for its own files alone.
 *
 * Owns: each fd from `add` on, until a thread has it.
 */
import { type Begin, FairCalls } from '../../broker/fair-calls.js';
import { MAX_CLOSERS } from '../../memory/limits.js';

interface Close {
  readonly fd: number;
  /** One of the daemon's own, which was shut down: nothing unread may be left in it. */
  readonly isConnection: boolean;
}

export class Closing extends FairCalls<Close> {
  constructor(begin: Begin<Close>) {
    super(begin, MAX_CLOSERS);
  }

  /** Takes the fd. `done` is called when it has been closed: perhaps never. */
  close(uid: number, fd: number, done: () => void, isConnection = false): void {
    this.add(uid, { fd, isConnection }, done);
  }
}
