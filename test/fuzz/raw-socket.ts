/**
 * A connection to one of the daemon's sockets, without an event loop: who plays has nothing else to do.
 *
 * Owns: the socket. fds that were received are whoever's takes them.
 */
import { addressOf, callInt, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';
import { close } from '../../src/native/libc/fd.js';
import { isReady, POLLIN, POLLOUT } from '../../src/native/libc/poll.js';
import { connectUnix, type Received, receive, send } from '../../src/native/libc/socket.js';
import { sendManyFds } from '../support/many-fds.js';

const LOOK_MS = 100;
/** A daemon that does not read is given up: what is not sent may be anything. */
const FULL_LOOKS = 20;
/** Too much is in flight (unix(7)), or the socket takes no fds (SO_PASSRIGHTS): they stay here. */
const WITHOUT_FDS = ['ETOOMANYREFS', 'EPERM'];

const pollFn = symbol('poll');
const pollfd = new Int32Array(2);
const pollfdAddress = addressOf(new Uint8Array(pollfd.buffer));

function poll(fd: number, events: number, milliseconds: number): void {
  pollfd[0] = fd;
  new Int16Array(pollfd.buffer)[2] = events;
  callInt(pollFn, pollfdAddress, 1, milliseconds);
}

export class RawSocket {
  readonly fd: number;
  #received: Received[] = [];
  #ended = false;
  #closed = false;

  constructor(path: string) {
    this.fd = connectUnix(path);
  }

  /** One of the two has hung up. */
  get over(): boolean {
    return this.#ended || this.#closed;
  }

  /** All of it, unless the other end does not read. */
  send(bytes: Buffer, fds: readonly number[]): void {
    let left = fds;
    for (let [at, looks] = [0, 0]; at < bytes.length && !this.over; ) {
      const count = this.#send(bytes.subarray(at), left);
      if (count > 0) {
        at += count;
        left = [];
      } else if (this.over || looks++ > FULL_LOOKS) break;
      else this.#pull(POLLIN | POLLOUT, LOOK_MS);
    }
  }

  /** An fd so many times in one message, if the socket is not full. */
  sendMany(bytes: Buffer, fd: number, count: number): void {
    if (!this.over && isReady(this.fd, POLLOUT)) sendManyFds(this.fd, bytes, fd, count);
  }

  #send(bytes: Buffer, fds: readonly number[]): number {
    try {
      return send(this.fd, bytes, fds) ?? 0;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (fds.length > 0 && WITHOUT_FDS.includes(error.code)) return this.#send(bytes, []);
      // Before it hung up, it may have said why.
      this.#pull(POLLIN, 0);
      this.#ended = true;
      return 0;
    }
  }

  /** What came until now, and comes in so many milliseconds if there is nothing yet. */
  take(milliseconds = 0): Received[] {
    if (!this.over) this.#pull(POLLIN, milliseconds);
    const received = this.#received;
    this.#received = [];
    return received;
  }

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

  /** Hangs up; returns what was not taken. */
  close(): Received[] {
    if (this.#closed) return [];
    this.#closed = true;
    close(this.fd);
    const received = this.#received;
    this.#received = [];
    return received;
  }
}
