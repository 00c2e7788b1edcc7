/**
 * Sends a connection's packets through the step, one at a time, and decides what to watch the
 * socket for. The server never waits for a client: one that does not read is no longer read.
 *
 * File descriptors in flight are charged to the daemon (ETOOMANYREFS, unix(7)), so a message with
 * fds goes out only when its peer has read what was sent before (SIOCOUTQ). What is charged until it is
 * received is asked about in the same way.
 */
import { after, type Clock, type Monotonic } from '../../broker/clock.js';
import { soonest } from '../../broker/deadlines.js';
import type { Step } from '../../native/step.js';
import type { Connection, Packet } from './connection.js';

/** How often a peer that has not read is looked at again; nothing tells when it has. */
const FIRST_RETRY_MS = 1;
const LAST_RETRY_MS = 64;
/** The same for who has nothing to send, and lets something of its user's be charged. */
const LAST_LOOK_MS = 1000;

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
  #lookAt: Monotonic | null = null;
  #lookMs = FIRST_RETRY_MS;
  #reading = true;
  #broken = false;

  constructor(
    private readonly step: Step,
    private readonly fd: number,
    private readonly connection: Connection,
    private readonly clock: Clock,
    /** Whether its user has to wait, for a reason that is not this connection's. */
    private readonly heldBack: () => boolean = () => false,
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
    const { sending, awaitsReceipt } = this.connection;
    return sending || this.#turnedAway || this.#retryAt !== null || awaitsReceipt;
  }

  /**
   * Gives the next packet to the step. Returns in how many ms it wants to be asked again (-1: not
   * before something happens), or `over` when the connection has nothing left to live for.
   */
  flush(): number | 'over' {
    const { closing, nextPacket } = this.connection;
    const stuck = this.#full || this.#retryAt !== null;
    this.#turnedAway = false;
    if (this.#broken || (closing && (nextPacket === undefined || stuck))) return 'over';
    const wait = nextPacket === undefined ? -1 : this.#tryNext(nextPacket);
    this.#watch();
    return soonest(wait, this.#look());
  }

  /** Returns in how many ms it wants to look again; -1: not at all. */
  #look(): number {
    const { connection } = this;
    if (!connection.awaitsReceipt) return -1;
    const now = this.clock.now();
    if (this.#lookAt === null || now >= this.#lookAt) {
      if (this.step.unread(this.fd) === 0) connection.received();
      if (!connection.awaitsReceipt) {
        this.#lookAt = null;
        this.#lookMs = FIRST_RETRY_MS;
        return -1;
      }
      this.#lookAt = after(now, this.#lookMs);
      this.#lookMs = Math.min(this.#lookMs * 2, LAST_LOOK_MS);
    }
    return Math.ceil(this.#lookAt - now);
  }

  #tryNext({ bytes, held }: Packet): number {
    if (this.#full) return -1;
    const now = this.clock.now();
    if (this.#retryAt !== null && now < this.#retryAt) return Math.ceil(this.#retryAt - now);
    const drained = held !== null && this.#fdsInFlight;
    const { connection } = this;
    connection.sending = this.step.send(this.fd, bytes, held?.fds ?? [], drained, (result) => {
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
    });
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

  /** Reads only from those who have read what was for them. */
  #watch(): void {
    const waits = this.heldBack() || this.connection.behind;
    const able = !this.#full && this.#retryAt === null && !waits;
    const reading = !this.connection.closing && able;
    if (reading === this.#reading && !this.#full) return;
    this.#reading = reading;
    this.step.watch(this.fd, reading, this.#full);
  }
}
