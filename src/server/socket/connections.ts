/**
 * The clients' connections: what each turn of the data plane received goes to them, what they have to
 * send goes out, and they are ended.
 *
 * Owns: accepted sockets, until they end. The listener is main's.
 */
import type { Broker } from '../../broker/broker.js';
import type { Client, Owner } from '../../broker/buffer.js';
import { after, type Monotonic } from '../../broker/clock.js';
import { soonest } from '../../broker/deadlines.js';
import { BrokerError } from '../../broker/errors.js';
import { FairPool } from '../../broker/fair-pool.js';
import { CLIENT_FDS_PART, FDS_PER_CONNECTION, MAX_OBJECTS } from '../../broker/limits.js';
import { EMFILE, ENFILE, errnoName } from '../../native/libc/errno.js';
import { close } from '../../native/libc/fd.js';
import type { Input, Step } from '../../native/step.js';
import type { LogLevel } from '../messages.js';
import { identify } from '../peer.js';
import { Connection } from './connection.js';
import { createDisplay, type Global } from './display.js';
import { Outbox } from './outbox.js';

interface Connected {
  readonly connection: Connection;
  readonly outbox: Outbox;
  /** Not one too many of its user's, which is only told so. */
  readonly counted: boolean;
  /** Who has ended it over REST. */
  endedBy: Owner | null;
}

type InputOf<K extends Input['kind']> = Extract<Input, { kind: K }>;

/** How long accepting pauses when the process is out of file descriptors. */
const ACCEPT_PAUSE_MS = 100;

export class Connections {
  readonly #all = new Map<number, Connected>();
  /** Those that have something to send or to end. */
  readonly #active = new Set<number>();
  readonly #fds: FairPool;
  readonly #objects = new FairPool(MAX_OBJECTS);
  #acceptAgainAt: Monotonic | null = null;

  constructor(
    private readonly step: Step,
    private readonly broker: Broker,
    private readonly globals: readonly Global[],
    /** Of the process (RLIMIT_NOFILE); a part of them is the clients'. */
    maxFds: number,
    private readonly log: (level: LogLevel, text: string, fields: object) => void,
  ) {
    this.#fds = new FairPool(Math.floor(maxFds * CLIENT_FDS_PART));
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

  /** One thing that the step has received; the fds in it belong to the connection from here on. */
  take(input: Input): void {
    switch (input.kind) {
      case 'accept':
        this.#accepted(input);
        break;
      case 'accept-failed':
        if (input.errno === EMFILE || input.errno === ENFILE) {
          // The connection stays in the backlog; epoll would report it again at once.
          this.step.accepting(false);
          this.#acceptAgainAt = after(this.broker.clock.now(), ACCEPT_PAUSE_MS);
          this.log('error', 'out of file descriptors: not accepting for a moment', {});
        }
        break;
      case 'wake':
        // Messages are drained every turn.
        break;
      case 'writable':
        this.#all.get(input.fd)?.outbox.writable();
        this.#active.add(input.fd);
        break;
      case 'failed':
        this.#end(input.fd, errnoName(input.errno));
        break;
      case 'data':
        this.#received(input);
        break;
    }
  }

  #accepted({ fd, pid, uid, gid, pidfd: received }: InputOf<'accept'>): void {
    const { broker } = this;
    const { peer, pidfd } = identify(fd, { pid, uid, gid }, received);
    const client = broker.connect(peer, pidfd);
    const { uid: charged } = broker.quotas.whoIs({ client, peer });
    const [fds, objects] = [this.#fds.of(charged), this.#objects.of(charged)];
    const connection = new Connection(client, close, fds, objects, () => this.#active.add(fd));
    createDisplay(connection, this.globals);
    const counted = fds.take(FDS_PER_CONNECTION);
    const outbox = new Outbox(this.step, fd, connection, broker.clock);
    this.#all.set(fd, { connection, outbox, counted, endedBy: null });
    this.step.add(fd);
    if (!broker.policy.mayConnect(peer)) {
      const error = new BrokerError('permission_denied', `user ${uid} may not connect`, {
        constraint: 'connect',
        requested: uid,
      });
      broker.refused({ client, peer }, error);
      connection.refuse(`${error.code}: ${error.message}`);
      return;
    }
    if (!counted) {
      connection.refuse(`limit_exceeded: user ${uid} has too many connections`);
      return;
    }
    this.log('debug', 'client connected', { client: client.id, ...client.peer });
  }

  #received({ fd, bytes, fds, truncated }: InputOf<'data'>): void {
    const entry = this.#all.get(fd);
    if (entry === undefined) for (const stray of fds) close(stray);
    else if (bytes.length === 0) this.#end(fd, null);
    else entry.connection.receive(bytes, fds, truncated);
  }

  #end(fd: number, reason: string | null): void {
    const entry = this.#all.get(fd);
    if (entry === undefined) return;
    this.#all.delete(fd);
    this.#active.delete(fd);
    const { connection, counted, endedBy } = entry;
    const { client } = connection;
    this.step.remove(fd);
    connection.close();
    if (counted) connection.fds.give(FDS_PER_CONNECTION);
    this.broker.disconnect(client, endedBy);
    close(fd);
    const why = connection.failure ?? reason;
    if (why === null) this.log('debug', 'client left', { client: client.id });
    else this.log('warn', 'client dropped', { client: client.id, ...client.peer, why });
  }

  /** Ends one in the next turn, when the client has been told why. */
  disconnect(client: Client, by: Owner | null): void {
    const found = [...this.#all.values()].find(({ connection }) => connection.client === client);
    if (found === undefined) return;
    found.endedBy ??= by;
    found.connection.refuse('an administrator has ended the connection');
  }

  /**
   * Queues what connections have to send, ends those that are over, and accepts again when it is time.
   * Returns how long the step may wait, in milliseconds; -1: for ever.
   */
  flush(): number {
    let timeout = this.#acceptAgain();
    const batch = [...this.#active];
    this.#active.clear();
    for (const fd of batch) {
      const outbox = this.#all.get(fd)?.outbox;
      if (outbox === undefined) continue;
      const wait = outbox.flush();
      if (wait === 'over') this.#end(fd, null);
      else timeout = soonest(timeout, wait);
    }
    // The end of one connection may have given others something to send.
    if (this.#active.size > 0) timeout = 0;
    for (const fd of batch) {
      const entry = this.#all.get(fd);
      if (entry?.outbox.busy || entry?.connection.closing) this.#active.add(fd);
    }
    return timeout;
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
