/**
 * A connection that speaks the protocol of wire.ts, whichever end made it: what comes is told message by message, and
 * what goes is taken whole or not at all.
 *
 * Owns: the socket, until it has ended.
 */
import { ETOOMANYREFS, isSystemError } from '../native/libc/errno.js';
import { close } from '../native/libc/fd.js';
import { receive, send } from '../native/libc/socket.js';
import { type Watch, watch } from '../native/libc/watch.js';
import { type Message, PeerFault, Reader } from './codec/wire.js';

export interface Heard {
  /** The fds of a buffer are the listener's. */
  message(message: Message): void;
  /** It is over: null where the other side has closed it, else why. Told once, and not after `end`. */
  ended(why: string | null): void;
}

/** Who sends without end is read so often, then others are. */
const READS_AT_ONCE = 8;
const GONE = new Set(['EPIPE', 'ECONNRESET']);

export class Line {
  readonly #reader = new Reader(close);
  #watch: Watch | null = null;
  #open = true;
  #paused = false;

  constructor(
    private readonly fd: number,
    private readonly heard: Heard,
  ) {
    this.#listen();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Nothing is read for now; what was read already is told all the same. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    if (this.#open) this.#listen();
  }

  #listen(): void {
    this.#watch ??= watch(this.fd, () => this.#readable());
  }

  #readable(): void {
    try {
      for (let reads = 0; this.#open && reads < READS_AT_ONCE; reads++) {
        if (this.#paused) {
          // It would be called again and again.
          this.#watch?.close();
          this.#watch = null;
          return;
        }
        const received = receive(this.fd);
        if (received === null) return;
        const { bytes, fds, lost } = received;
        // The reader's, also where there is nothing else.
        for (const message of this.#reader.push(bytes, fds)) {
          if (this.#open) this.heard.message(message);
          else if (message.type === 'buffer') for (const fd of message.fds) close(fd);
        }
        if (lost) throw new PeerFault('there was no room for its file descriptors');
        if (bytes.length === 0) this.#fail(null);
      }
    } catch (error) {
      if (error instanceof PeerFault) this.#fail(error.message);
      else if (isSystemError(error)) this.#fail(GONE.has(error.code) ? null : error.message);
      else throw error;
    }
  }

  /**
   * Sends a message with its fds, which stay the caller's. False: there is no room for it now, since the other side does
   * not read, or it is over. What is smaller than half of the socket's room is taken whole (unix_stream_sendmsg).
   */
  send(message: Buffer, fds: readonly number[] = []): boolean {
    if (!this.#open) return false;
    try {
      const sent = send(this.fd, message, fds);
      if (sent === null) return false;
      if (sent === message.length) return true;
      this.#later('it does not read');
    } catch (error) {
      if (!isSystemError(error)) throw error;
      // What it has sent before it left is still to be read, and then its end. Or nobody has received what this user has
      // sent already.
      const waits = GONE.has(error.code) || ('errno' in error && error.errno === ETOOMANYREFS);
      if (!waits) this.#later(error.message);
    }
    return false;
  }

  /** Not in the midst of what its owner does with it. */
  #later(why: string): void {
    queueMicrotask(() => this.#fail(why));
  }

  #fail(why: string | null): void {
    if (!this.#open) return;
    this.end();
    this.heard.ended(why);
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.close();
    this.#reader.close();
    close(this.fd);
  }
}
