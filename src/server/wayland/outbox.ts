/**
 * Sends a connection's packets through the step, one at a time, and decides what to watch the
 * socket for. The server never waits for a client: one that does not read is no longer read.
 *
 * File descriptors in flight are charged to the daemon (ETOOMANYREFS, unix(7)), so a message with
 * fds goes out only when its peer has read what was sent before (SIOCOUTQ). What is charged until it is
 * received is asked about in the same way.
 *
 * What a client sends and nobody reads can hold its own end of the connection, or another's: that one would
 * never be seen to hang up, since the daemon itself keeps its end open. So who has sent fds is read after a
 * while, whether or not it reads.
 */

import { soonest } from '../../broker/deadlines.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import type { Step } from '../../native/step.js';
import type { Connection, Packet } from './connection.js';

/** How often a peer that has not read is looked at again; nothing tells when it has. */
const FIRST_RETRY_MS = 1;
const LAST_RETRY_MS = 64;
/** The same for who has nothing to send, and lets something of its user's be charged. */
const LAST_LOOK_MS = 1000;

/** How often it is looked whether one that is not read has sent fds: a file of /proc is read for it. */
const LOOK_MS = 500;

/** A socket, and the connection that it carries. */
export interface ConnectedSocket {
  readonly fd: number;
  readonly connection: Connection;
  /** Whether its user has to wait, for a reason that is not this connection's. */
  heldBack(): boolean;
}

export class Outbox {
  /** The current step had no room for a packet. */
  #turnedAway = false;
  /** The socket is full; epoll says when it is writable. */
  #full = false;
  #retryAt: Monotonic | null = null;
  #retryMs = FIRST_RETRY_MS;
  /** fds were sent that the peer may not have read yet. */
  #fdsInFlight = false;
  /** When it is looked whether the peer has received something that is charged until then. */
  #receiptAt: Monotonic | null = null;
  #receiptMs = FIRST_RETRY_MS;
  #reading = true;
  /** epoll tells when the socket is writable. */
  #watchingFull = false;
  #broken = false;
  /** When it is looked next whether fds wait in what is not read. */
  #lookAt: Monotonic | null = null;
  #fdsWaiting = false;

  constructor(
    private readonly step: Step,
    private readonly socket: ConnectedSocket,
    private readonly clock: Clock,
  ) {}

  writable(): void {
    this.#full = false;
  }

  /** Whether what the client sends is read. */
  get reading(): boolean {
    return this.#reading;
  }

  /** It wants `flush` to be called again after the step. */
  get busy(): boolean {
    const { sending, awaitsReceipt } = this.socket.connection;
    return sending || this.#turnedAway || this.#stuck || awaitsReceipt;
  }

  /**
   * Gives the next packet to the step. Returns in how many ms it wants to be asked again (-1: not
   * before something happens), or `over` when the connection has nothing left to live for.
   */
  flush(): number | 'over' {
    const { closing, nextPacket } = this.socket.connection;
    this.#turnedAway = false;
    if (this.#broken || (closing && (nextPacket === undefined || this.#stuck))) return 'over';
    const look = this.#look();
    const wait = nextPacket === undefined ? -1 : this.#tryNext(nextPacket);
    this.#watch();
    return soonest(soonest(wait, look), this.#lookReceived());
  }

  /**
   * Looks, when it is time, whether what is charged until the peer has it was received. Returns in how
   * many ms it wants to look again; -1: not at all.
   */
  #lookReceived(): number {
    const { connection } = this.socket;
    if (!connection.awaitsReceipt) return -1;
    const now = this.clock.now();
    if (this.#receiptAt === null || now >= this.#receiptAt) {
      if (this.step.unread(this.socket.fd) === 0) connection.received();
      if (!connection.awaitsReceipt) {
        this.#receiptAt = null;
        this.#receiptMs = FIRST_RETRY_MS;
        return -1;
      }
      this.#receiptAt = after(now, this.#receiptMs);
      this.#receiptMs = Math.min(this.#receiptMs * 2, LAST_LOOK_MS);
    }
    return Math.ceil(this.#receiptAt - now);
  }

  /** Its peer has not read what was sent before. */
  get #stuck(): boolean {
    return this.#full || this.#retryAt !== null;
  }

  /** Looks, when it is time, for fds in what is not read. Returns milliseconds until the next time. */
  #look(): number {
    if (!this.#stuck) {
      this.#lookAt = null;
      this.#fdsWaiting = false;
      return -1;
    }
    const now = this.clock.now();
    this.#lookAt ??= after(now, LOOK_MS);
    if (now >= this.#lookAt) {
      this.#fdsWaiting = this.step.waitingFds(this.socket.fd) > 0;
      this.#lookAt = after(now, LOOK_MS);
    }
    return Math.ceil(this.#lookAt - now);
  }

  #tryNext({ bytes, held, told }: Packet): number {
    if (this.#full) return -1;
    const now = this.clock.now();
    if (this.#retryAt !== null && now < this.#retryAt) return Math.ceil(this.#retryAt - now);
    const drained = held !== null && this.#fdsInFlight;
    const { connection } = this.socket;
    connection.sending = this.step.send(
      this.socket.fd,
      bytes,
      held?.fds ?? [],
      { drained, told: told?.() ?? 0 },
      (result) => {
        connection.sending = false;
        this.#retryAt = null;
        if (result === 'full') this.#full = true;
        else if (result === 'undrained') this.#retryAt = after(this.clock.now(), this.#nextRetry());
        else if (typeof result === 'object') this.#broken = true;
        else {
          this.#retryMs = FIRST_RETRY_MS;
          if (held !== null) this.#fdsInFlight = true;
          connection.sent(result);
        }
      },
    );
    this.#turnedAway = !connection.sending;
    // The step sends, then waits: it must not wait with more to do than this one packet, nor while
    // this socket is not read (a retry), for then nothing the client says would end the wait.
    const idle = connection.packets === 1 && !connection.closing;
    return connection.sending && idle && this.#retryAt === null ? -1 : 0;
  }

  #nextRetry(): number {
    const now = this.#retryMs;
    this.#retryMs = Math.min(now * 2, LAST_RETRY_MS);
    return now;
  }

  /** Reads only from those who have read what was for them, or have sent fds. */
  #watch(): void {
    const waits = this.socket.heldBack() || this.socket.connection.behind;
    const able = (!this.#stuck || this.#fdsWaiting) && !waits;
    const reading = !this.socket.connection.closing && able;
    if (reading === this.#reading && this.#full === this.#watchingFull) return;
    this.#reading = reading;
    this.#watchingFull = this.#full;
    this.step.watch(this.socket.fd, reading, this.#full);
  }
}
