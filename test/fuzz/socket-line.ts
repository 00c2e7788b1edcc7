/**
 * A session's bytes over the daemon's client socket.
 *
 * Owns: the socket, and the fds that came with answers.
 */

import { MAX_FDS } from '../../src/memory/limits.js';
import { close } from '../../src/native/libc/fd.js';
import type { Fds } from './fds.js';
import type { Heard } from './heard.js';
import type { Piece } from './mutate.js';
import { RawSocket } from './raw-socket.js';
import { Fault, type Line } from './session.js';

/** What waits so long waits for ever: 30 s. */
const PATIENCE = 300;
const LOOK_MS = 100;
/** fds that were received and are kept, to be sent back. */
const KEPT = 4;

export class SocketLine implements Line {
  readonly #socket: RawSocket;
  readonly #kept: number[] = [];

  constructor(
    path: string,
    private readonly fds: Fds,
    /** Ends of other connections of this process. */
    private readonly others: readonly number[],
  ) {
    this.#socket = new RawSocket(path);
  }

  get fd(): number {
    return this.#socket.fd;
  }

  get over(): boolean {
    return this.#socket.over;
  }

  send({ bytes, fds }: Piece): void {
    if (this.over || bytes.length === 0) return;
    // More than the shim would send are one fd, so many times.
    const wishes = fds.slice(0, fds.length > MAX_FDS ? 1 : MAX_FDS);
    const sent = wishes.map((wish) => this.fds.make(wish, [this.fd, ...this.others], this.#kept));
    const [fd] = sent;
    if (fd !== undefined && fds.length > MAX_FDS) this.#socket.sendMany(bytes, fd, fds.length);
    else this.#socket.send(bytes, sent);
    this.fds.sweep();
  }

  read(heard: Heard): void {
    this.#take(heard, 0);
  }

  #take(heard: Heard, milliseconds: number): void {
    for (const { bytes, fds } of this.#socket.take(milliseconds)) heard.take(bytes, fds);
    this.#kept.push(...heard.fds.splice(0));
    while (this.#kept.length > KEPT) close(this.#kept.shift() as number);
  }

  wait(heard: Heard, done: () => boolean): void {
    // A user whose fds wait to be closed waits, too.
    this.fds.letGo();
    for (let looks = 0; looks < PATIENCE; looks++) {
      this.read(heard);
      if (done()) return;
      this.#take(heard, LOOK_MS);
    }
    throw new Fault(`no answer: objects ${[...heard.pending].join()} wait`);
  }

  hangUp(heard: Heard): void {
    const received = this.#socket.close().flatMap(({ fds }) => fds);
    heard.over();
    for (const fd of [...received, ...heard.fds.splice(0), ...this.#kept.splice(0)]) close(fd);
  }
}
