/**
 * The connection to the keeper (server/keeper), for those who must not wait for it. One that has ended, is silent for too
 * long or says what is wrong is closed, and another is made when it is needed, after a while.
 *
 * Owns: the socket, and fds that have come and nobody has taken.
 */
import { after, type Clock, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import type { LogLevel } from '../../memory/log-level.js';
import { isSystemError } from '../../native/libc/errno.js';
import { close } from '../../native/libc/fd.js';
import { connectUnix, receive, send } from '../../native/libc/socket.js';
import { KEEPER_VERSION, Lines, WrongLine } from '../words/keeper-lines.js';
import type { Sent } from './fd-store.js';
import type { StoredFd } from './stored-files.js';

export interface ConnectionWorld {
  readonly clock: Clock;
  /** Who it is; null: it is not there any more. */
  process(pid: number | null): void;
  log(level: LogLevel, text: string, fields: object): void;
}

/** It ends, and nothing tells, between two of these. */
export const LOOK_MS = 1000;
/** For as long it may be silent when it is to do something: to start, on a machine that starts. */
export const PATIENCE_MS = 10_000;
/** From a connection that failed to the next. */
const AGAIN_MS = 2_000;

export class KeeperConnection {
  #socket: number | null = null;
  #lines = new Lines();
  #max: number | null = null;
  #blocked = false;
  #connected: Monotonic = LONG_AGO;
  #looked: Monotonic = LONG_AGO;
  /** Since when it is to do something and does not; null: it does. */
  #silent: Monotonic | null = null;
  #notBefore: Monotonic = LONG_AGO;
  #told = false;

  constructor(
    private readonly path: string,
    private readonly world: ConnectionWorld,
    /** What it had it has no more. */
    private readonly gone: () => void,
  ) {}

  get isOpen(): boolean {
    return this.#socket !== null;
  }

  /** How many fds it keeps; null: it has not greeted yet. */
  get max(): number | null {
    return this.#max;
  }

  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** It is to do something, and has not. */
  get isSilent(): boolean {
    return this.#silent !== null;
  }

  /** Milliseconds until there may be another. */
  get again(): number {
    return this.#notBefore - this.world.clock.now();
  }

  /** Once a turn: whether there is still somebody. */
  run(): void {
    // Nobody has found it so since the last time.
    if (this.#max !== null && !this.#blocked) this.#silent = null;
    this.#blocked = false;
    const now = this.world.clock.now();
    if (this.#max === null || now >= after(this.#looked, LOOK_MS)) this.#look(now);
    if (this.#silent === null || now <= after(this.#silent, PATIENCE_MS)) return;
    this.lost(new WrongLine('it does not answer'));
    // Nor would it at once.
    this.#notBefore = after(now, AGAIN_MS);
  }

  /** Nobody needs it now. */
  idle(): void {
    if (this.world.clock.now() >= after(this.#connected, AGAIN_MS)) this.close();
  }

  isThere(): boolean {
    if (this.#socket !== null) return true;
    return this.world.clock.now() >= this.#notBefore && this.connect('');
  }

  /** Says these words behind the greeting. */
  connect(words: string): boolean {
    this.#connected = this.world.clock.now();
    try {
      this.#socket = connectUnix(this.path, { wait: false });
      this.#silent = this.#connected;
      return this.tell(`hello ${KEEPER_VERSION}\n${words}`, []) === 'sent';
    } catch (error) {
      this.#notBefore = after(this.#connected, AGAIN_MS);
      const text = 'there is no process that keeps file descriptors beside the service manager';
      this.world.log('debug', text, { socket: this.path, reason: messageOf(error) });
      return false;
    }
  }

  #look(now: Monotonic): void {
    this.#looked = now;
    try {
      this.read(() => {
        throw new WrongLine('it says what was not asked');
      });
    } catch (error) {
      this.lost(error);
    }
  }

  /** What is there; its greeting is understood here. Returns whether there was something; throws where it has ended. */
  read(understand: (words: readonly string[]) => void): boolean {
    const received = this.#socket === null ? null : receive(this.#socket);
    if (received === null) return false;
    if (received.bytes.length === 0) throw new WrongLine('it has ended');
    for (const words of this.#lines.add(received.bytes, received.fds)) {
      if (this.#max === null) this.#greeted(words);
      else understand(words);
    }
    if (received.lost) throw new WrongLine('there is no file descriptor left for what it has');
    return true;
  }

  /** An fd for what was just read; the caller's. */
  fd(): number {
    return this.#lines.fd();
  }

  #greeted([verb, version, max, pid]: readonly string[]): void {
    if (verb !== 'hello' || version !== `${KEEPER_VERSION}`) {
      throw new WrongLine('it is of another version');
    }
    this.#max = Number(max);
    this.#silent = null;
    this.world.process(Number(pid));
  }

  tell(words: string, fds: readonly StoredFd[]): Sent {
    if (this.#socket === null) return 'failed';
    if (this.#blocked) return 'full';
    const bytes = Buffer.from(words);
    try {
      const numbers = fds.map(({ fd }) => fd);
      const sent = send(this.#socket, bytes, numbers);
      // So few bytes are sent whole.
      if (sent !== null) {
        if (this.#max !== null) this.#silent = null;
        return 'sent';
      }
    } catch (error) {
      // Too many of this user's are on their way, to whomever (unix(7)): there will be fewer.
      if (!isSystemError(error) || error.code !== 'ETOOMANYREFS') {
        this.lost(error);
        return 'failed';
      }
    }
    this.#blocked = true;
    this.#silent ??= this.world.clock.now();
    return 'full';
  }

  lost(error: unknown): void {
    const reason = messageOf(error);
    const fields = { event: 'keeper_lost', socket: this.path, reason };
    const text = 'the process that keeps file descriptors does not have them any more';
    // Once: it may be one that always dies.
    this.world.log(this.#told ? 'debug' : 'warn', text, fields);
    this.#told = true;
    // One that lived is started anew at once.
    const lived = this.#max !== null && this.world.clock.now() > after(this.#connected, AGAIN_MS);
    if (!lived) this.#notBefore = after(this.world.clock.now(), AGAIN_MS);
    this.close();
    this.gone();
  }

  close(): void {
    for (const fd of this.#lines.left()) close(fd);
    this.#lines = new Lines();
    if (this.#socket !== null) close(this.#socket);
    this.#socket = null;
    if (this.#max !== null) this.world.process(null);
    this.#max = null;
    this.#blocked = false;
  }
}
