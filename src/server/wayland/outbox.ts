/**
 * Sends a connection's packets through the step, and decides what to watch the socket for. The server never
 * waits for a client: one that does not read is no longer read.
 *
 * File descriptors in flight are charged to the daemon (ETOOMANYREFS, unix(7)), so that a connection may have some of
 * them, and all of a user's together a part (flight.ts); beyond that a message with fds goes out only when its peer,
 * or others of its user's, have read what was sent before (SIOCOUTQ). What is charged until it is received is asked
 * about in the same way.
 *
 * What a client sends and nobody reads can hold its own end of the connection, or another's: that one would
 * never be seen to hang up, since the daemon itself keeps its end open. So who has sent fds is read after a
 * while, whether or not it reads.
 */

import { sooner } from '../../broker/deadlines.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { ETOOMANYREFS } from '../../native/libc/errno.js';
import { FULL, type Queued, type Sender, type Step, UNDRAINED } from '../../native/step.js';
import type { Connection } from './connection.js';
import { Flight, type Flights } from './flight.js';
import type { Packet } from './output.js';

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
  /** There may be something to do for it in the next turn. */
  touched(): void;
}

const NONE: readonly number[] = [];

/** Where it is noted that a packet has been sent. */
function toldAt(told: Packet['told']): readonly number[] {
  let addresses = NONE;
  for (const each of told) {
    const address = each.toldAt();
    if (address !== 0) addresses = [...addresses, address];
  }
  return addresses;
}

export class Outbox implements Sender {
  /** The current step had no room for a packet. */
  #turnedAway = false;
  /** The socket is full; epoll says when it is writable. */
  #full = false;
  #retryAt: Monotonic | null = null;
  #retryMs = FIRST_RETRY_MS;
  /** What is given to the step next. */
  readonly #next: Queued;
  private readonly flight: Flight;
  /** The first of those that the step has goes only where all before it were read. */
  #drains = false;
  /** Of those, how many have not gone. */
  #unsent = 0;
  /** When it is looked whether the peer has received something that is charged until then. */
  #receiptAt: Monotonic | null = null;
  #receiptMs = FIRST_RETRY_MS;
  #reading = true;
  /** epoll tells when the socket is writable. */
  #watchingFull = false;
  /** Its hang-up is not even looked at, while what it has sent before waits for its turn. */
  #muted = false;
  #broken = false;
  /** When it is looked next whether fds wait in what is not read. */
  #lookAt: Monotonic | null = null;
  #fdsWaiting = false;

  constructor(
    private readonly step: Step,
    private readonly socket: ConnectedSocket,
    private readonly clock: Clock,
    private readonly flights: Flights,
    uid: number,
  ) {
    const { fd, connection } = socket;
    this.flight = new Flight(flights, uid, () => step.unread(fd) === 0);
    this.#next = {
      ...{ fd, from: connection.output, skip: 0, length: 0 },
      ...{ fds: NONE, drained: false, told: NONE },
    };
  }

  writable(): void {
    this.#full = false;
    this.socket.connection.stalled = false;
  }

  /** Whether what the client sends is read. */
  get reading(): boolean {
    return this.#reading;
  }

  /** It wants `flush` to be called again after the step. */
  get busy(): boolean {
    return this.#turnedAway || this.stuck || this.socket.connection.output.awaitsReceipt;
  }

  /**
   * Gives its packets to the step. Returns in how many ms it wants to be asked again (-1: not
   * before something happens), or `over` when the connection has nothing left to live for.
   */
  flush(): number | 'over' {
    const { closing, output, withheld } = this.socket.connection;
    const empty = output.packets.length === 0;
    this.#turnedAway = false;
    if (this.#broken || (closing && (empty || this.stuck))) return 'over';
    const look = this.#look();
    const wait = empty || withheld ? -1 : this.#send();
    this.#watch();
    return sooner(sooner(wait, look), this.#lookReceived());
  }

  /**
   * Looks, when it is time, whether what is charged until the peer has it was received. Returns in how
   * many ms it wants to look again; -1: not at all.
   */
  #lookReceived(): number {
    const { output } = this.socket.connection;
    if (!output.awaitsReceipt) return -1;
    const now = this.clock.now();
    if (this.#receiptAt === null || now >= this.#receiptAt) {
      if (this.step.unread(this.socket.fd) === 0) output.received();
      if (!output.awaitsReceipt) {
        this.#receiptAt = null;
        this.#receiptMs = FIRST_RETRY_MS;
        return -1;
      }
      this.#receiptAt = after(now, this.#receiptMs);
      this.#receiptMs = Math.min(this.#receiptMs * 2, LAST_LOOK_MS);
    }
    return Math.ceil(this.#receiptAt - now);
  }

  /**
   * The connection has ended. Whether no fd is on its way to the peer; where not, `landed` is called when the peer has
   * them, or has gone.
   */
  end(landed: () => void): boolean {
    this.flight.end();
    if (this.flight.look()) return true;
    this.flights.whenLanded(this.flight, landed);
    return false;
  }

  /** Its peer has not read what was sent before. */
  get stuck(): boolean {
    return this.#full || this.#retryAt !== null;
  }

  /** Looks, when it is time, for fds in what is not read. Returns milliseconds until the next time. */
  #look(): number {
    if (!this.stuck) {
      this.#lookAt = null;
      this.#fdsWaiting = false;
      return -1;
    }
    const now = this.clock.now();
    this.#lookAt ??= after(now, LOOK_MS);
    if (now >= this.#lookAt) {
      this.#fdsWaiting = this.step.waitingFds(this.socket.fd) > 0;
      this.#lookAt = after(now, this.flight.pace(LOOK_MS));
    }
    return Math.ceil(this.#lookAt - now);
  }

  /** Returns in how many ms there is more to send. */
  #send(): number {
    if (this.#full) return -1;
    const now = this.clock.now();
    if (this.#retryAt !== null && now < this.#retryAt) return Math.ceil(this.#retryAt - now);
    const { output } = this.socket.connection;
    const { packets } = output;
    this.#next.skip = 0;
    while (output.sending < packets.length && !this.#turnedAway) {
      const given = this.#give(packets[output.sending] as Packet, output.sending === 0);
      if (given === 'later') return this.#waitFrom(now);
      this.#turnedAway = !given;
    }
    // The step sends, then waits: it must not wait with more to do than what it has, nor while this socket is
    // not read (a retry), for then nothing the client says would end the wait.
    const idle = !this.#turnedAway && !this.socket.connection.closing;
    return idle && this.#retryAt === null ? -1 : 0;
  }

  /** Returns false where the packet has to wait for another turn; `later`: until its user has received others. */
  #give({ length, held, told }: Packet, isFirst: boolean): boolean | 'later' {
    const next = this.#next;
    next.length = length;
    next.fds = held?.fds ?? NONE;
    const departure = next.fds.length === 0 ? 'now' : this.flight.departure(next.fds.length);
    // What goes before it in this turn will not have been read.
    if (departure !== 'now' && !isFirst) return false;
    if (departure === 'later') return 'later';
    next.drained = departure === 'drained';
    if (isFirst) this.#drains = next.drained;
    next.told = told.length === 0 ? NONE : toldAt(told);
    if (!this.step.send(next, this)) return false;
    this.flight.boards(next.fds.length);
    this.socket.connection.output.sending++;
    next.skip += length;
    return true;
  }

  /** What became of the next of the packets that the step was given. */
  sent(result: number): void {
    const { connection, touched } = this.socket;
    const { output } = connection;
    // Those of this turn that have not gone stand before it.
    const packet = output.packets[this.#unsent];
    // The connection has ended meanwhile.
    if (packet === undefined) return;
    output.sending--;
    const fds = packet.held?.fds.length ?? 0;
    if (this.#unsent > 0 || result < 0) this.flight.stays(fds);
    else this.flight.leaves(fds);
    if (this.#unsent > 0) this.#unsent++;
    else {
      this.#retryAt = null;
      this.flight.waits = false;
      if (result < 0) this.#failed(result);
      else {
        this.#retryMs = FIRST_RETRY_MS;
        if (this.#drains) this.flight.landed(fds);
        if (result < packet.length) this.#unsent++;
        connection.sent(result);
      }
      this.#drains = false;
    }
    if (output.sending > 0) return;
    if (output.packets.length > 0 || connection.closing || output.awaitsReceipt) touched();
    this.#unsent = 0;
  }

  #failed(result: number): void {
    this.#unsent++;
    if (result === FULL) {
      this.#full = true;
      this.socket.connection.stalled = true;
    }
    // Too many are in flight, to whomever (unix(7)): there will be fewer.
    else if (result === UNDRAINED || result === -ETOOMANYREFS) {
      this.#waitFrom(this.clock.now());
    } else this.#broken = true;
  }

  /** It is tried again later; returns in how many ms. */
  #waitFrom(now: Monotonic): number {
    this.flight.waits = true;
    const wait = this.#retryMs;
    this.#retryMs = Math.min(wait * 2, this.flight.pace(LAST_RETRY_MS));
    this.#retryAt = after(now, wait);
    return wait;
  }

  /** Reads only from those who have read what was for them, or have sent fds. */
  #watch(): void {
    const { fd, connection, heldBack } = this.socket;
    const waits = heldBack() || connection.waits.behind || connection.paused;
    const able = (!this.stuck || this.#fdsWaiting) && !waits;
    const reading = !connection.closing && able;
    const same = reading === this.#reading && this.#full === this.#watchingFull;
    // One that does not read is to be heard hanging up.
    const muted = connection.paused && !this.stuck;
    if (same && muted === this.#muted) return;
    this.#reading = reading;
    this.#watchingFull = this.#full;
    this.#muted = muted;
    if (muted) this.step.mute(fd, this.#full);
    else this.step.watch(fd, reading, this.#full);
  }
}
