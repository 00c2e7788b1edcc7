/**
 * The clients' connections: what each turn of the data plane received goes to them, what they have to
 * send goes out, and they are ended: when the client hangs up, when its process has ended (whoever else
 * may have its socket), or by the daemon.
 *
 * Owns: accepted sockets, until they end; they are closed by threads that may wait (closing.ts), since
 * what was sent and not received is closed with them. The listener is main's.
 */
import type { Broker } from '../../broker/broker.js';
import type { Client, Owner } from '../../broker/buffer.js';
import { Deadlines, sooner } from '../../broker/deadlines.js';
import { FairPool } from '../../broker/fair-pool.js';
import { NOBODY } from '../../broker/turns.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import {
  FDS_PER_CONNECTION,
  MAX_CARRIED_BYTES,
  MAX_OBJECTS,
  MAX_QUEUED,
} from '../../memory/limits.js';
import type { LogLevel } from '../../memory/log-level.js';
import { EAGAIN, EMFILE, ENFILE, errnoName } from '../../native/libc/errno.js';
import { isReady, POLLIN } from '../../native/libc/poll.js';
import { shutdown } from '../../native/libc/socket.js';
import type { Receiver, Step } from '../../native/step.js';
import { identify } from '../machine/peer.js';
import { ClientFds } from './client-fds.js';
import type { Closing } from './closing.js';
import { Connection } from './connection.js';
import { createDisplay, type Global } from './display.js';
import { FairRequests, type Part, type User } from './fair-requests.js';
import { Flights } from './flight.js';
import { Outbox } from './outbox.js';

type Accepted = Parameters<Receiver['accepted']>[1];

interface Connected {
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** The user that is charged for its fds. */
  readonly uid: number;
  readonly user: User;
  /** Its process, where there is a pidfd; the broker's. */
  readonly pidfd: number | null;
  /** Who has ended it over REST. */
  endedBy: Owner | null;
  /** How often it may still be heard; null while its process is there. */
  readsLeft: number | null;
}

/** How long accepting pauses when there are no file descriptors for connections. */
const ACCEPT_PAUSE_MS = 100;

/**
 * What a process has sent before it ended is still heard: more than a socket's buffer holds (212,992
 * bytes, net.core.wmem_default) at 4 KiB at once. Somebody else who has the socket is not heard for ever.
 */
const LAST_READS = 64;

/** What connections have of the data plane beside its step and its broker. */
export interface PlaneParts {
  readonly globals: readonly Global[];
  readonly closing: Closing;
  /** Read within a turn. */
  readonly clock: Pick<Clock, 'now'>;
  /** What all clients may have of the process's fds. */
  readonly fds: number;
  /** How many fds may be on their way to clients, who have perhaps received them. */
  readonly inFlight: number;
  log(level: LogLevel, text: string, fields: object, by?: string): void;
}

export class Connections implements Receiver {
  readonly #all = new Map<number, Connected>();
  /**
   * Sockets of connections that have ended, and whose they were, while fds are on their way to their peers. What these
   * have sent is read: their own end could be among it, and would never be seen to be closed.
   */
  readonly #leaving = new Map<number, number>();
  /** Those that have something to send or to end. */
  #active = new Set<number>();
  /** Those that want to be asked again at a moment, and not before unless something happens. */
  readonly #later = new Deadlines<number>();
  /** Those of the turn before, which is empty between two turns. */
  #before = new Set<number>();
  /** By pidfd. */
  readonly #processes = new Map<number, number>();
  readonly #fds: ClientFds;
  readonly #flights: Flights;
  readonly #requests: FairRequests;
  /** Nobody's connection is read. */
  #held = false;
  readonly #objects = new FairPool(MAX_OBJECTS);
  readonly #carried = new FairPool(MAX_CARRIED_BYTES);
  readonly #queued = new FairPool(MAX_QUEUED);
  #acceptAgainAt: Monotonic | null = null;

  constructor(
    private readonly step: Step,
    private readonly broker: Broker,
    private readonly plane: PlaneParts,
    /** Told when a step has ended its wait, and when somebody has called `wake`. */
    private readonly told: Pick<Receiver, 'turned' | 'woken'>,
  ) {
    this.#flights = new Flights(plane.inFlight, broker.clock);
    this.#requests = new FairRequests(plane.clock);
    this.#fds = new ClientFds(plane.fds, plane.closing, (uid) => {
      for (const [fd, entry] of this.#all) if (entry.uid === uid) this.#active.add(fd);
    });
  }

  get size(): number {
    return this.#all.size;
  }

  /** Bytes that wait to be sent. */
  get queuedBytes(): number {
    let bytes = 0;
    for (const { connection } of this.#all.values()) bytes += connection.queuedBytes;
    return bytes;
  }

  get clientFds(): FairPool['use'] {
    return this.#fds.use;
  }

  get protocolObjects(): FairPool['use'] {
    return this.#objects.use;
  }

  // ---- what a step has received; the fds in it belong to the connection from here on ------------

  turned(): void {
    this.#requests.begin(this.step.waited);
    this.told.turned();
  }

  woken(): void {
    this.told.woken();
  }

  acceptFailed(errno: number): void {
    // The connection stays in the backlog; epoll would report it again at once.
    if (errno === EMFILE || errno === ENFILE) {
      this.#pauseAccepting('error', 'out of file descriptors');
    }
  }

  writable(fd: number): void {
    this.#all.get(fd)?.outbox.writable();
    this.#active.add(fd);
  }

  failed(fd: number, errno: number): void {
    this.#deafen(fd);
    // It is readable and has nothing to read: what lies in it is out of band (unix(7), MSG_OOB).
    this.#end(fd, errno === EAGAIN ? 'it has sent out-of-band data' : errnoName(errno));
  }

  accepted(fd: number, { pid, uid, gid }: Accepted, received: number): void {
    const { broker } = this;
    const { peer, pidfd } = identify(fd, { pid, uid, gid }, received);
    const client = broker.connect(peer, pidfd);
    const { uid: charged } = broker.quotas.whoIs({ client, peer });
    const fds = this.#fds.of(charged);
    const foreign = this.#fds.foreign(charged);
    const touched = () => this.#active.add(fd);
    const [objects, carried] = [this.#objects.of(charged), this.#carried.of(charged)];
    const queue = this.#queued.of(charged);
    const connection = new Connection(client, foreign, { objects, carried, queue }, touched);
    createDisplay(connection, this.plane.globals);
    const fits = fds.take(FDS_PER_CONNECTION);
    if (!fits) fds.overdraw(FDS_PER_CONNECTION);
    if (this.#fds.overdrawn) this.#pauseAccepting('warn', 'refused connections are not closed yet');
    const heldBack = () => this.#held || this.#fds.holdsBack(charged);
    const outbox = new Outbox(
      this.step,
      { fd, connection, heldBack, touched },
      broker.clock,
      this.#flights,
      charged,
    );
    const user = this.#requests.connected(charged);
    const entry = { connection, outbox, uid: charged, user, pidfd, endedBy: null, readsLeft: null };
    this.#all.set(fd, entry);
    this.step.add(fd);
    if (pidfd !== null) {
      this.#processes.set(pidfd, fd);
      this.step.addProcess(pidfd);
    }
    if (!broker.policy.mayConnect(peer)) {
      const error = broker.policy.notConnected(uid);
      broker.refused({ client, peer }, error);
      connection.refuse(`${error.code}: ${error.message}`);
      return;
    }
    if (!fits) {
      connection.refuse(
        `limit_exceeded: user ${uid} has too many connections, or fds that no buffer has`,
      );
      return;
    }
    this.plane.log('debug', 'client connected', { client: client.id, ...client.peer });
  }

  data(
    fd: number,
    bytes: Buffer,
    at: number,
    end: number,
    fds: readonly number[],
    lost: boolean,
  ): void {
    const entry = this.#all.get(fd);
    if (entry === undefined) {
      const uid = this.#leaving.get(fd) ?? NOBODY.uid;
      for (const stray of fds) this.plane.closing.close(uid, stray, () => {});
      if (at === end) this.#deafen(fd);
    } else if (at === end) {
      if (entry.connection.paused) entry.connection.deaf = true;
      else this.#end(fd, null);
    } else {
      if (entry.readsLeft !== null) entry.readsLeft--;
      const { connection, user } = entry;
      connection.receive(bytes, at, end, fds, lost, this.#requests.of(user));
      if (connection.paused) this.#requests.waits(user, fd);
    }
  }

  /** A connection with requests that wait for their turn has it, or a part. */
  readonly #goOn = (fd: number, part: Part): 'heard' | 'more' | 'blocked' => {
    const entry = this.#all.get(fd);
    if (entry === undefined) return 'heard';
    const { connection, outbox } = entry;
    connection.goOn(part);
    if (!connection.paused) return 'heard';
    return outbox.stuck && connection.full && !connection.deaf ? 'blocked' : 'more';
  };

  /** What it sent before is still heard: it may have released something, and ended. */
  exited(pidfd: number): void {
    const fd = this.#processes.get(pidfd);
    const entry = fd === undefined ? undefined : this.#all.get(fd);
    if (fd === undefined || entry === undefined) return;
    entry.readsLeft = LAST_READS;
    this.#active.add(fd);
  }

  /** Whether a connection's process has ended, and all that it had sent was heard. */
  #gone(fd: number, { readsLeft, outbox, connection }: Connected): boolean {
    if (readsLeft === null || connection.paused) return false;
    return readsLeft <= 0 || !outbox.reading || !isReady(fd, POLLIN);
  }

  /** What an ended connection's peer has sent was all read. */
  #deafen(fd: number): void {
    if (this.#leaving.delete(fd)) this.step.remove(fd);
  }

  /** Reads nobody's requests, or everybody's again. */
  hold(held: boolean): void {
    this.#held = held;
    for (const fd of this.#all.keys()) this.#active.add(fd);
  }

  #end(fd: number, reason: string | null): void {
    const entry = this.#all.get(fd);
    if (entry === undefined) return;
    this.#all.delete(fd);
    this.#active.delete(fd);
    this.#later.delete(fd);
    const { connection, outbox, uid, user, pidfd, endedBy } = entry;
    this.#requests.left(user, fd);
    const { client } = connection;
    if (pidfd !== null) {
      this.#processes.delete(pidfd);
      this.step.remove(pidfd);
    }
    connection.close();
    this.broker.disconnect(client, endedBy);
    const fds = this.#fds.of(uid);
    fds.give(FDS_PER_CONNECTION - 1);
    // Its peer knows at once, whatever the close has to wait for.
    shutdown(fd);
    const close = () => {
      this.#deafen(fd);
      this.#fds.closeLater(uid, fd, () => fds.give(1), true);
    };
    this.#leaving.set(fd, uid);
    if (outbox.end(close)) close();
    else this.step.watch(fd, true, false);
    const why = connection.failure ?? reason;
    if (why === null) this.plane.log('debug', 'client left', { client: client.id });
    else {
      const fields = { client: client.id, ...client.peer, why };
      this.plane.log('warn', 'client dropped', fields, `user ${uid}`);
    }
  }

  /** Ends one in the next turn, when the client has been told why. */
  disconnect(client: Client, by: Owner | null): void {
    const found = [...this.#all.values()].find(({ connection }) => connection.client === client);
    if (found === undefined) return;
    found.endedBy ??= by;
    found.connection.refuse('the connection was ended over REST');
  }

  /**
   * Queues what connections have to send, ends those that are over, and accepts again when it is time.
   * Returns how long the step may wait, in milliseconds; -1: for ever.
   */
  flush(): number {
    let timeout = sooner(this.#acceptAgain(), this.#flights.look());
    if (!this.#held && this.#requests.goOn(this.#goOn)) timeout = 0;
    const now = this.broker.clock.now();
    for (let fd = this.#later.take(now); fd !== undefined; fd = this.#later.take(now)) {
      this.#active.add(fd);
    }
    if (this.#active.size > 0) timeout = sooner(timeout, this.#flushActive(now));
    const { next } = this.#later;
    return next === null ? timeout : sooner(timeout, Math.max(0, Math.ceil(next - now)));
  }

  /** Returns 0 where the step is not to wait; -1: for ever, as far as these are concerned. */
  #flushActive(now: Monotonic): number {
    let timeout = -1;
    const batch = this.#active;
    this.#active = this.#before;
    this.#before = batch;
    for (const fd of batch) {
      const entry = this.#all.get(fd);
      if (entry === undefined) continue;
      const wait = entry.outbox.flush();
      if (wait === 'over' || this.#gone(fd, entry)) {
        if (entry.connection.paused) {
          // What it had asked for is heard before.
          entry.connection.deaf = true;
          batch.delete(fd);
        } else this.#end(fd, null);
        continue;
      }
      const ending = entry.connection.closing || entry.readsLeft !== null;
      if (!ending && !(entry.outbox.busy && wait <= 0)) batch.delete(fd);
      if (wait > 0) this.#later.set(fd, after(now, wait));
      else {
        this.#later.delete(fd);
        timeout = sooner(timeout, wait);
      }
    }
    // The end of one connection may have given others something to send.
    if (this.#active.size > 0) timeout = 0;
    for (const fd of batch) if (this.#all.has(fd)) this.#active.add(fd);
    batch.clear();
    return timeout;
  }

  #pauseAccepting(level: LogLevel, why: string): void {
    if (this.#acceptAgainAt !== null) return;
    this.step.accepting(false);
    this.#acceptAgainAt = after(this.broker.clock.now(), ACCEPT_PAUSE_MS);
    const waiting = Object.fromEntries(this.plane.closing.left);
    this.plane.log(level, `${why}: not accepting for a moment`, { waiting });
  }

  #acceptAgain(): number {
    if (this.#acceptAgainAt === null) return -1;
    const wait = Math.ceil(this.#acceptAgainAt - this.broker.clock.now());
    if (wait > 0) return wait;
    this.#acceptAgainAt = null;
    this.step.accepting(true);
    return -1;
  }

  /** The daemon ends: all of them go. */
  close(): void {
    for (const fd of [...this.#all.keys()]) this.#end(fd, null);
  }
}
