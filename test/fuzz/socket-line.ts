/**
 * A session's bytes over the daemon's client socket, without an event loop: who plays has nothing else to
 * do.
 *
 * Owns: the socket, and the fds that came with answers.
 */
import { addressOf, callInt, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close } from '../../src/native/libc/fd.js';
import { POLLIN, POLLOUT } from '../../src/native/libc/poll.js';
import { connectUnix, type Received, receive, send } from '../../src/native/libc/socket.js';
import type { Fds } from './fds.js';
import type { Heard } from './heard.js';
import type { Piece } from './mutate.js';
import { Fault, type Line } from './session.js';

/** What waits so long waits for ever: 30 s. */
const PATIENCE = 300;
const LOOK_MS = 100;
/** A daemon that does not read is given up: what is not sent may be anything. */
const FULL_LOOKS = 20;
/** fds that were received and are kept, to be sent back. */
const KEPT = 4;

const pollFn = symbol('poll');
const pollfd = new Int32Array(2);
const pollfdAddress = addressOf(new Uint8Array(pollfd.buffer));

function poll(fd: number, events: number, milliseconds: number): void {
  pollfd[0] = fd;
  new Int16Array(pollfd.buffer)[2] = events;
  callInt(pollFn, pollfdAddress, 1, milliseconds);
}

export class SocketLine implements Line {
  readonly fd: number;
  readonly #received: Received[] = [];
  readonly #kept: number[] = [];
  #ended = false;
  #closed = false;

  constructor(
    path: string,
    private readonly fds: Fds,
    /** The ends of all connections of this process. */
    private readonly ends: ReadonlySet<number>,
  ) {
    this.fd = connectUnix(path);
  }

  get over(): boolean {
    return this.#ended || this.#closed;
  }

  send({ bytes, fds }: Piece): void {
    if (this.over || bytes.length === 0) return;
    const wishes = fds.slice(0, 28);
    let sent = wishes.map((wish) => this.fds.make(wish, [...this.ends], this.#kept));
    for (let [at, looks] = [0, 0]; at < bytes.length && !this.over; ) {
      const count = this.#send(bytes.subarray(at), sent);
      if (count > 0) {
        at += count;
        sent = [];
      } else if (this.over || looks++ > FULL_LOOKS) break;
      else this.#pull(POLLIN | POLLOUT, LOOK_MS);
    }
    this.fds.sweep();
  }

  #send(bytes: Buffer, fds: readonly number[]): number {
    try {
      return send(this.fd, bytes, fds) ?? 0;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      // Too much is in flight (ETOOMANYREFS): the fds stay here.
      if (error.code === 'ETOOMANYREFS') return this.#send(bytes, []);
      // Before it hung up, it may have said why.
      this.#pull(POLLIN, 0);
      this.#ended = true;
      return 0;
    }
  }

  /** Takes what is there; `read` makes sense of it. */
  #pull(events: number, milliseconds: number): void {
    if (milliseconds > 0) poll(this.fd, events, milliseconds);
    try {
      for (let got = receive(this.fd); got !== null; got = receive(this.fd)) {
        if (got.bytes.length === 0) {
          this.#ended = true;
          return;
        }
        this.#received.push(got);
      }
    } catch {
      // ECONNRESET: it left something of ours unread.
      this.#ended = true;
    }
  }

  read(heard: Heard): void {
    if (!this.over) this.#pull(POLLIN, 0);
    for (const { bytes, fds } of this.#received.splice(0)) heard.take(bytes, fds);
    this.#kept.push(...heard.fds.splice(0));
    while (this.#kept.length > KEPT) close(this.#kept.shift() as number);
  }

  wait(heard: Heard, done: () => boolean): void {
    // A user whose fds wait to be closed waits, too.
    this.fds.letGo();
    for (let looks = 0; looks < PATIENCE; looks++) {
      this.read(heard);
      if (done()) return;
      this.#pull(POLLIN, LOOK_MS);
    }
    throw new Fault(`no answer: objects ${[...heard.pending].join()} wait`);
  }

  hangUp(heard: Heard): void {
    if (this.#closed) return;
    this.#closed = true;
    close(this.fd);
    heard.over();
    const received = this.#received.splice(0).flatMap(({ fds }) => fds);
    for (const fd of [...received, ...heard.fds.splice(0), ...this.#kept.splice(0)]) close(fd);
  }
}
