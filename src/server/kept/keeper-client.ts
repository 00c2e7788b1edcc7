/**
 * The daemon's side of the keeper (server/keeper): it has the fds that the service manager does not take. Nothing here
 * waits for it, but `take` at the start, when nobody is served yet.
 *
 * A keeper that dies is started anew by the next connection. What it had is owed to it then, and is put again; what it has
 * of before goes when all of that is there.
 *
 * Owns: the connection (keeper-connection.ts). fds stay the buffers', and are open until `drop`; those of `take` are the caller's.
 */
import { sooner } from '../../broker/deadlines.js';
import { after } from '../../memory/clock.js';
import { close } from '../../native/libc/fd.js';
import { nameOf, WrongLine } from '../words/keeper-lines.js';
import type { Overflow, Sent } from './fd-store.js';
import type { NamedFd } from './found.js';
import {
  type ConnectionWorld,
  KeeperConnection,
  LOOK_MS,
  PATIENCE_MS,
} from './keeper-connection.js';
import type { StoredFd } from './stored-files.js';

export interface KeeperWorld extends ConnectionWorld {
  /** There is a reference more to a file, or one less. */
  referred(identity: string, by: 1 | -1): void;
  /** Whether it may have something: written before it has. */
  used(may: boolean): void;
}

/** It reads when it has time; nothing tells when. */
const RETRY_MS = 2;

export class KeeperClient implements Overflow {
  readonly #held = new Map<string, StoredFd>();
  /** What it had, or is to have, and does not have now. */
  readonly #owed = new Map<string, StoredFd>();
  /** What `take` has brought, and nobody has claimed or dropped. */
  readonly #brought = new Set<string>();
  #drops: string[] = [];
  /** What it has, it is to have. */
  #settled = false;
  readonly #link: KeeperConnection;

  constructor(
    path: string,
    private readonly world: KeeperWorld,
  ) {
    this.#link = new KeeperConnection(path, world, () => this.#gone());
  }

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
    if (!this.#link.connect('take\n')) return taken;
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    let isAll = false;
    const understand = ([verb, ...names]: readonly string[]) => {
      if (verb === 'done') isAll = true;
      else if (verb !== 'have') throw new WrongLine('it says what is not understood');
      else for (const name of names) taken.push({ name: nameOf(name), fd: this.#link.fd() });
    };
    try {
      for (let silentFrom = this.world.clock.now(); !isAll; ) {
        const now = this.world.clock.now();
        if (this.#link.read(understand)) silentFrom = now;
        else if (now > after(silentFrom, PATIENCE_MS)) throw new WrongLine('it does not answer');
        else Atomics.wait(nothing, 0, 0, RETRY_MS);
      }
      for (const { name } of taken) this.#brought.add(name);
      this.#settled = true;
      return taken;
    } catch (error) {
      this.#link.lost(error);
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
    if (!this.#link.isThere()) return 'failed';
    if (this.#link.max === null) return 'full';
    if (this.size + fds.length > this.#link.max) return 'failed';
    if (this.#link.isBlocked || this.#drops.length > 0 || this.#owed.size > 0) return 'full';
    this.world.used(true);
    const sent = this.#link.tell(fds.map(({ name }) => `put ${name}\n`).join(''), fds);
    // Where it was lost just now, there is another.
    if (sent === 'failed' && this.#link.isThere()) return 'full';
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
    if (!this.#link.isOpen && this.#owed.size > 0) this.#link.isThere();
    if (!this.#link.isOpen) return;
    this.#link.run();
    if (this.#link.max !== null) this.#write(this.#link.max);
    if (!this.#link.isOpen || this.#link.isSilent || this.size > 0 || this.#drops.length > 0)
      return;
    this.world.used(false);
    this.#link.idle();
    if (!this.#link.isOpen) this.#settled = false;
  }

  get wait(): number {
    if (!this.#link.isOpen) {
      return this.#owed.size === 0 ? -1 : Math.max(RETRY_MS, this.#link.again);
    }
    return sooner(this.#link.isSilent || this.#drops.length > 0 ? RETRY_MS : -1, LOOK_MS);
  }

  close(): void {
    this.#link.close();
  }

  #write(max: number): void {
    for (let drop = this.#drops[0]; drop !== undefined; drop = this.#drops[0]) {
      if (this.#link.tell(`drop ${drop}\n`, []) !== 'sent') return;
      this.#drops.shift();
    }
    for (const each of this.#owed.values()) {
      if (this.#held.size + this.#brought.size >= max) break;
      if (this.#link.tell(`put ${each.name}\n`, [each]) !== 'sent') return;
      this.#owed.delete(each.name);
      this.#hold(each);
    }
    if (!this.#settled) this.#settled = this.#link.tell('settle\n', []) === 'sent';
  }

  #hold(each: StoredFd): void {
    this.#held.set(each.name, each);
    this.#refer(each, 1);
  }

  #refer(each: StoredFd | undefined, by: 1 | -1): void {
    if (each !== undefined && each.identity !== null) this.world.referred(each.identity, by);
  }

  /** What it had, the next one is to have. */
  #gone(): void {
    for (const each of this.#held.values()) {
      this.#refer(each, -1);
      this.#owed.set(each.name, each);
    }
    this.#held.clear();
    // It will not have these either.
    this.#drops = [];
    this.#brought.clear();
    this.#settled = false;
  }
}
