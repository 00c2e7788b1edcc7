/**
 * The daemon's side of the keeper (server/keeper): it has the fds that the service manager does not take. Nothing here
 * waits for it, but `take` at the start, when nobody is served yet.
 *
 * A keeper that dies is started anew by the next connection. What it had is owed to it then, and is put again; what it has
 * of before goes when all of that is there.
 *
 * Owns: the connection. fds stay the buffers', and are open until `drop`; those of `take` are the caller's.
 */
import { soonest } from '../../broker/deadlines.js';
import { after, type Clock, LONG_AGO, type Monotonic } from '../../memory/clock.js';
import { messageOf } from '../../memory/errors.js';
import type { LogLevel } from '../../memory/log-level.js';
import { isSystemError } from '../../native/libc/errno.js';
import { close } from '../../native/libc/fd.js';
import { connectUnix, receive, send } from '../../native/libc/socket.js';
import { KEEPER_VERSION, Lines, nameOf, WrongLine } from '../words/keeper-lines.js';
import type { Overflow, Sent, StoredFd } from './fd-store.js';
import type { NamedFd } from './found.js';

export interface KeeperWorld {
  readonly clock: Clock;
  /** There is a reference more to a file, or one less. */
  referred(identity: string, by: 1 | -1): void;
  /** Whether it may have something: written before it has. */
  used(may: boolean): void;
  /** Who it is; null: it is not there any more. */
  process(pid: number | null): void;
  log(level: LogLevel, text: string, fields: object): void;
}

/** It reads when it has time; nothing tells when. */
const RETRY_MS = 2;
/** It ends, and nothing tells, between two of these. */
const LOOK_MS = 1000;
/** For as long it may be silent when it is to do something: to start, on a machine that starts. */
const PATIENCE_MS = 10_000;
/** From a connection that failed to the next. */
const AGAIN_MS = 2_000;

export class KeeperClient implements Overflow {
  readonly #held = new Map<string, StoredFd>();
  /** What it had, or is to have, and does not have now. */
  readonly #owed = new Map<string, StoredFd>();
  /** What `take` has brought, and nobody has claimed or dropped. */
  readonly #brought = new Set<string>();
  #drops: string[] = [];
  #socket: number | null = null;
  #lines = new Lines();
  /** How many fds it keeps; null: it has not greeted yet. */
  #max: number | null = null;
  #settled = false;
  #blocked = false;
  #connected: Monotonic = LONG_AGO;
  #looked: Monotonic = LONG_AGO;
  /** Since when it is to do something and does not; null: it does. */
  #silent: Monotonic | null = null;
  #notBefore: Monotonic = LONG_AGO;
  #told = false;

  constructor(
    private readonly path: string,
    private readonly world: KeeperWorld,
  ) {}

  get size(): number {
    return this.#held.size + this.#owed.size + this.#brought.size;
  }

  get held(): number {
    return this.#held.size;
  }

  /** Names of what it should have. */
  get owed(): Iterable<string> {
    return this.#owed.keys();
  }

  has(name: string): boolean {
    return this.#held.has(name) || this.#owed.has(name) || this.#brought.has(name);
  }

  /** All that it has kept for a daemon before this one; the fds are the caller's. Waits for it. */
  take(): NamedFd[] {
    const taken: NamedFd[] = [];
    if (!this.#connect('take\n')) return taken;
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    let isAll = false;
    const understand = ([verb, ...names]: readonly string[]) => {
      if (verb === 'done') isAll = true;
      else if (verb !== 'have') throw new WrongLine('it says what is not understood');
      else for (const name of names) taken.push({ name: nameOf(name), fd: this.#lines.fd() });
    };
    try {
      for (let silentFrom = this.world.clock.now(); !isAll; ) {
        const now = this.world.clock.now();
        if (this.#read(understand)) silentFrom = now;
        else if (now > after(silentFrom, PATIENCE_MS)) throw new WrongLine('it does not answer');
        else Atomics.wait(nothing, 0, 0, RETRY_MS);
      }
      for (const { name } of taken) this.#brought.add(name);
      this.#settled = true;
      return taken;
    } catch (error) {
      this.#lost(error);
      for (const { fd } of taken) close(fd);
      return [];
    }
  }

  claim(each: StoredFd): void {
    if (this.#brought.delete(each.name)) this.#hold(each);
  }

  dropUnclaimed(): void {
    for (const name of this.#brought) this.drop(name);
  }

  put(fds: readonly StoredFd[]): Sent {
    if (!this.#isThere()) return 'failed';
    if (this.#max === null) return 'full';
    if (this.size + fds.length > this.#max) return 'failed';
    if (this.#blocked || this.#drops.length > 0 || this.#owed.size > 0) return 'full';
    this.world.used(true);
    const sent = this.#tell(fds.map(({ name }) => `put ${name}\n`).join(''), fds);
    // Where it was lost just now, there is another.
    if (sent === 'failed' && this.#isThere()) return 'full';
    if (sent !== 'sent') return sent;
    for (const each of fds) this.#hold(each);
    return 'sent';
  }

  /** It gets there with the next `run`s. */
  owe(each: StoredFd): void {
    this.#owed.set(each.name, each);
    this.world.used(true);
  }

  drop(name: string): boolean {
    if (this.#owed.delete(name)) return true;
    const held = this.#held.get(name);
    if (held === undefined && !this.#brought.has(name)) return false;
    this.#held.delete(name);
    this.#brought.delete(name);
    this.#drops.push(name);
    this.#refer(held, -1);
    return true;
  }

  run(): void {
    if (this.#socket === null && this.#owed.size > 0) this.#isThere();
    if (this.#socket === null) return;
    this.#blocked = false;
    const now = this.world.clock.now();
    if (this.#max === null || now >= after(this.#looked, LOOK_MS)) this.#look(now);
    if (this.#max !== null) this.#write(this.#max);
    if (this.#socket === null) return;
    if (this.#silent !== null) {
      if (now <= after(this.#silent, PATIENCE_MS)) return;
      this.#lost(new WrongLine('it does not answer'));
      // Nor would it at once.
      this.#notBefore = after(now, AGAIN_MS);
      return;
    }
    if (this.size > 0 || this.#drops.length > 0) return;
    this.world.used(false);
    if (now >= after(this.#connected, AGAIN_MS)) this.#hangUp();
  }

  get wait(): number {
    const now = this.world.clock.now();
    if (this.#socket === null) {
      return this.#owed.size === 0 ? -1 : Math.max(RETRY_MS, this.#notBefore - now);
    }
    return soonest(this.#silent !== null || this.#drops.length > 0 ? RETRY_MS : -1, LOOK_MS);
  }

  close(): void {
    this.#hangUp();
  }

  #isThere(): boolean {
    if (this.#socket !== null) return true;
    return this.world.clock.now() >= this.#notBefore && this.#connect('');
  }

  #connect(words: string): boolean {
    this.#connected = this.world.clock.now();
    try {
      this.#socket = connectUnix(this.path, { wait: false });
      this.#silent = this.#connected;
      this.#settled = false;
      return this.#tell(`hello ${KEEPER_VERSION}\n${words}`, []) === 'sent';
    } catch (error) {
      this.#notBefore = after(this.#connected, AGAIN_MS);
      const text = 'there is no process that keeps file descriptors beside the service manager';
      this.world.log('debug', text, { socket: this.path, reason: messageOf(error) });
      return false;
    }
  }

  #write(max: number): void {
    for (let drop = this.#drops[0]; drop !== undefined; drop = this.#drops[0]) {
      if (this.#tell(`drop ${drop}\n`, []) !== 'sent') return;
      this.#drops.shift();
    }
    for (const each of this.#owed.values()) {
      if (this.#held.size + this.#brought.size >= max) break;
      if (this.#tell(`put ${each.name}\n`, [each]) !== 'sent') return;
      this.#owed.delete(each.name);
      this.#hold(each);
    }
    if (!this.#settled) this.#settled = this.#tell('settle\n', []) === 'sent';
  }

  #look(now: Monotonic): void {
    this.#looked = now;
    try {
      this.#read(() => {
        throw new WrongLine('it says what was not asked');
      });
    } catch (error) {
      this.#lost(error);
    }
  }

  /** What is there; its greeting is understood here. Returns whether there was something; throws where it has ended. */
  #read(understand: (words: readonly string[]) => void): boolean {
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

  #greeted([verb, version, max, pid]: readonly string[]): void {
    if (verb !== 'hello' || version !== `${KEEPER_VERSION}`) {
      throw new WrongLine('it is of another version');
    }
    this.#max = Number(max);
    this.#silent = null;
    this.world.process(Number(pid));
  }

  #tell(words: string, fds: readonly StoredFd[]): Sent {
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
        this.#lost(error);
        return 'failed';
      }
    }
    this.#blocked = true;
    this.#silent ??= this.world.clock.now();
    return 'full';
  }

  #hold(each: StoredFd): void {
    this.#held.set(each.name, each);
    this.#refer(each, 1);
  }

  #refer(each: StoredFd | undefined, by: 1 | -1): void {
    if (each !== undefined && each.identity !== null) this.world.referred(each.identity, by);
  }

  #lost(error: unknown): void {
    const reason = messageOf(error);
    const fields = { event: 'keeper_lost', socket: this.path, reason, fds: this.#held.size };
    const text = 'the process that keeps file descriptors does not have them any more';
    // Once: it may be one that always dies.
    this.world.log(this.#told ? 'debug' : 'warn', text, fields);
    this.#told = true;
    // One that lived is started anew at once.
    const lived = this.#max !== null && this.world.clock.now() > after(this.#connected, AGAIN_MS);
    if (!lived) this.#notBefore = after(this.world.clock.now(), AGAIN_MS);
    this.#hangUp();
    for (const each of this.#held.values()) {
      this.#refer(each, -1);
      this.#owed.set(each.name, each);
    }
    this.#held.clear();
    // It will not have these either.
    this.#drops = [];
    this.#brought.clear();
  }

  #hangUp(): void {
    for (const fd of this.#lines.left()) close(fd);
    this.#lines = new Lines();
    if (this.#socket !== null) close(this.#socket);
    this.#socket = null;
    if (this.#max !== null) this.world.process(null);
    this.#max = null;
    this.#blocked = false;
  }
}
