/**
 * fds of every kind that a client could send: those of test/support/strange-fds.ts, a memfd of some size,
 * memory that the daemon has handed out, an end of this connection or of another one.
 *
 * Owns: what it has made, until `close`.
 */
import { close } from '../../src/native/libc/fd.js';
import { sealedMemfd } from '../../src/native/libc/memory.js';
import { type StrangeFd, strangeFds } from '../support/strange-fds.js';
import type { Wish } from './message.js';

/** Sockets whose close waits: so many of one process at a time. */
const MAX_SLOW = 4;
/** Making one takes a while: its buffers are filled. */
const SLOW = 'a TCP socket that lingers';

export class Fds {
  readonly #kinds = [...strangeFds()];
  readonly #tame = this.#kinds.filter(([, { kind }]) => kind !== 'socket');
  /** What was sent is closed some sends later; what lingers is let go with it. */
  readonly #made: StrangeFd[] = [];
  #slow: StrangeFd[] = [];

  /** An fd for a wish, open until the next `swept`. `own`: the ends that this process has. */
  make({ choice, tame }: Wish, own: readonly number[], received: readonly number[]): number {
    const [kind, which] = [choice % 8, choice >> 3];
    const known = kind === 0 ? received : kind === 1 && !tame ? own : [];
    const fd = known[which % Math.max(1, known.length)];
    if (fd !== undefined) return fd;
    if (kind === 2) return this.#keep({ fd: sealedMemfd('fuzz', 1 + (which % 100_000)) });
    const kinds = tame ? this.#tame : this.#kinds;
    const [name, strange] = kinds[which % kinds.length] ?? [];
    if (strange === undefined) throw new Error('there are no fds');
    const made = strange.make();
    if (name !== SLOW) return this.#keep(made);
    this.#slow.push(made);
    if (this.#slow.length > MAX_SLOW) this.letGo();
    return made.fd;
  }

  #keep(made: StrangeFd): number {
    this.#made.push(made);
    return made.fd;
  }

  /** What was sent is the daemon's now. */
  sweep(): void {
    for (const { fd, end } of this.#made.splice(0)) {
      end?.();
      close(fd);
    }
  }

  /** Sockets linger no longer: whoever closes one goes on. */
  letGo(): void {
    for (const { fd, end } of this.#slow.splice(0)) {
      end?.();
      close(fd);
    }
  }

  close(): void {
    this.sweep();
    this.letGo();
  }
}
