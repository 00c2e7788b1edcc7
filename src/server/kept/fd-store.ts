/**
 * The service manager's file-descriptor store (systemd.service(5), FileDescriptorStoreMax=): what is in it
 * comes back when the daemon is started again. The manager is one process for the whole machine, which
 * compares each new file with all that it has: so what one user may have it do is limited, and nobody here
 * waits for it. What is to be put there waits in a queue of its user, and the users have turns; where there is a keeper
 * (keeper-client.ts) that has what would wait, and what there is no room for.
 *
 * One file is in the store once: where two buffers are the same memory, the name of one is there, and the other's when
 * that one goes (stored-files.ts).
 *
 * Owns nothing: fds stay the buffers', and are open until `drop` (or `cancel`, where they are not in the store).
 */

import { sooner } from '../../broker/deadlines.js';
import { Bucket } from '../../broker/quota/bucket.js';
import type { Clock } from '../../memory/clock.js';
import { Pace } from './pace.js';
import { type StoredFd, StoredFiles } from './stored-files.js';

/** `full`: there is no room now, `failed`: there will be none. */
export type Sent = 'sent' | 'full' | 'failed';

export interface StoreWorld {
  /** sd_notify(3), with the fds. */
  send(state: string, fds: readonly number[]): Sent;
  /** Whether the manager has not read all that was sent. */
  unread(): boolean;
  /** The manager has a reference more to a file, or one less. */
  referred(identity: string, by: 1 | -1): void;
  readonly clock: Clock;
}

/** Who keeps what the manager has no room for, or would be told of too fast. It counts its references itself. */
export interface Overflow {
  /** fds that it has, or is to have. */
  readonly size: number;
  /** fds that it has. */
  readonly held: number;
  /** Names of those that it is to have, and has not. */
  readonly owed: Iterable<string>;
  has(name: string): boolean;
  /** All of them or none. */
  put(fds: readonly StoredFd[]): Sent;
  /** It is to have one as soon as it can. */
  owe(fd: StoredFd): void;
  /** Of what it had from before: somebody has that. */
  claim(fd: StoredFd): void;
  /** Nobody has the rest. */
  dropUnclaimed(): void;
  /** Returns whether it had that, or was to. */
  drop(name: string): boolean;
  run(): void;
  /** Milliseconds until `run` has something to do; -1: never. */
  readonly wait: number;
}

export interface StoreLimits {
  /** fds of buffers that the manager takes. */
  readonly max: number;
  /** Of each user: so many at once, and so many a second after that. */
  readonly perSecond: number;
}

interface Put {
  readonly id: string;
  readonly fds: readonly StoredFd[];
  /** Told once, with whether it is in the store. */
  readonly done: (stored: boolean) => void;
}

/** What it has from before, and whether under this name. */
export interface FoundFd extends StoredFd {
  readonly named: boolean;
}

interface Message {
  readonly name: string;
  readonly state: string;
  readonly fds: readonly number[];
}

const storing = ({ name, fd }: StoredFd): Message => {
  return { name, state: `FDSTORE=1\nFDPOLL=0\nFDNAME=${name}`, fds: [fd] };
};
const removing = (name: string): Message => {
  return { name, state: `FDSTOREREMOVE=1\nFDNAME=${name}`, fds: [] };
};

interface User {
  readonly bucket: Bucket;
  readonly queue: Put[];
}

/** The manager reads when it has time; nothing tells when. */
const RETRY_MS = 2;

export class FdStore {
  /** What is in the store, or with who has the overflow. */
  readonly #files = new StoredFiles();
  /** By buffer. */
  readonly #byBuffer = new Map<string, readonly StoredFd[]>();
  readonly #users = new Map<number, User>();
  /** What the manager is to be told before anything else, in this order. */
  readonly #outgoing: Message[] = [];
  readonly #pace: Pace;
  /** Until the next `run`. */
  #blocked = false;

  constructor(
    private readonly world: StoreWorld,
    private readonly limits: StoreLimits,
    private readonly overflow: Overflow | null = null,
  ) {
    this.#pace = new Pace(world);
  }

  /** What the manager has. */
  get size(): number {
    return this.#files.size - (this.overflow?.size ?? 0);
  }

  /** What it has who has the overflow. */
  get over(): number {
    return this.overflow?.held ?? 0;
  }

  /** Names of what is to be there, and nobody has. */
  get owed(): Iterable<string> {
    return this.overflow?.owed ?? [];
  }

  /** Memories that wait for the manager. */
  get waiting(): number {
    let waiting = 0;
    for (const { queue } of this.#users.values()) waiting += queue.length;
    return waiting;
  }

  /** What is kept from before, of all buffers, when what nobody knows is forgotten (`forget`). */
  found(buffers: ReadonlyMap<string, readonly FoundFd[]>): void {
    for (const [id, fds] of buffers) this.#byBuffer.set(id, fds);
    const all = [...buffers.values()].flat();
    for (const each of all) {
      if (!each.named) continue;
      this.overflow?.claim(each);
      this.#add(each);
    }
    this.overflow?.dropUnclaimed();
    for (const each of all) {
      if (each.named) continue;
      // The same file was there under a name that is no buffer's.
      if (!this.#files.has(each)) this.#outgoing.push(storing(each));
      this.#add(each);
    }
  }

  has(id: string): boolean {
    return this.#byBuffer.has(id);
  }

  /** For the user; all fds of a buffer or none. `done` is called at once where there is room for them. */
  put(uid: number, put: Put): void {
    const user = this.#users.get(uid) ?? this.#newUser(uid);
    user.queue.push(put);
    this.#tellAll();
    while (this.#serve(user));
  }

  /** They leave the store, with the next `run` at the latest, or do not come there. */
  drop(id: string): void {
    this.cancel(id);
    const fds = this.#byBuffer.get(id);
    if (fds === undefined) return;
    this.#byBuffer.delete(id);
    for (const each of fds) this.#remove(each);
  }

  /** They do not come there, if they are not there yet. */
  cancel(id: string): void {
    const waiting: Put[] = [];
    for (const { queue } of this.#users.values()) {
      for (let at = queue.length - 1; at >= 0; at--) {
        if (queue[at]?.id === id) waiting.unshift(...queue.splice(at, 1));
      }
    }
    for (const { done } of waiting) done(false);
  }

  /** Names that nobody knows. */
  forget(names: readonly string[]): void {
    for (const name of names) if (!this.#isOver(name)) this.#outgoing.push(removing(name));
  }

  /** Goes on with what waits: one buffer of each user, and again. */
  run(): void {
    this.#blocked = false;
    this.#tellAll();
    this.overflow?.run();
    for (let served = true; served; ) {
      served = false;
      for (const [uid, user] of [...this.#users]) {
        if (!this.#serve(user)) continue;
        served = true;
        // Who was not served yet comes first, also the next time.
        this.#users.delete(uid);
        this.#users.set(uid, user);
      }
    }
    this.#forgetUsers();
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    let wait = this.overflow?.wait ?? -1;
    // Each turn asks, and most have nothing for it.
    const isIdle = this.#outgoing.length === 0 && this.#users.size === 0;
    if (isIdle && !this.#pace.isMeasuring) return wait;
    const pace = Math.max(RETRY_MS, this.#pace.wait);
    wait = sooner(wait, this.#pace.isMeasuring ? RETRY_MS : -1);
    if (this.#outgoing.length > 0) return sooner(wait, this.#blocked ? pace : 0);
    for (const { queue, bucket } of this.#users.values()) {
      if (queue.length === 0) continue;
      const ms = bucket.wait(this.limits.perSecond, this.world.clock.now()) * 1000;
      wait = sooner(wait, Math.max(pace, Math.ceil(ms)));
    }
    return wait;
  }

  #forgetUsers(): void {
    const now = this.world.clock.now();
    for (const [uid, { bucket, queue }] of this.#users) {
      if (queue.length === 0 && bucket.full(this.limits.perSecond, now)) this.#users.delete(uid);
    }
  }

  #tellAll(): void {
    for (let [first] = this.#outgoing; first !== undefined && this.#mayTell(); ) {
      if (this.#tell(first) === 'full') return;
      this.#outgoing.shift();
      first = this.#outgoing[0];
    }
  }

  #newUser(uid: number): User {
    const user = { bucket: new Bucket(), queue: [] };
    this.#users.set(uid, user);
    return user;
  }

  /** The first that waits for a user; returns whether it was answered. */
  #serve({ bucket, queue }: User): boolean {
    const [put] = queue;
    if (put === undefined) return false;
    const sent = this.has(put.id) ? 'sent' : this.#send(put, bucket);
    if (sent === 'full') return false;
    queue.shift();
    put.done(sent === 'sent');
    return true;
  }

  /** Where not all of the buffer gets there, what does leaves again; `full`: it comes later. */
  #send({ id, fds }: Put, bucket: Bucket): Sent {
    const { perSecond, max } = this.limits;
    const now = this.world.clock.now();
    const fresh = fds.filter((each) => !this.#files.has(each)).length;
    if (this.size + fresh > max) return this.#putOver(id, fds);
    if (!fds.every((each) => this.#files.hasRoom(each))) return 'failed';
    // A double costs the manager nothing now, and as much as any other when it has the first one's place.
    if (this.#outgoing.length > 0 || !this.#mayTell() || bucket.wait(perSecond, now) > 0) {
      return fresh > 0 && this.#putOver(id, fds) === 'sent' ? 'sent' : 'full';
    }
    const sent: StoredFd[] = [];
    for (const each of fds) {
      const isDouble = this.#files.has(each);
      const told = isDouble ? 'sent' : this.#tell(storing(each));
      if (told !== 'sent') {
        for (const back of sent) this.#remove(back);
        return told;
      }
      bucket.take(perSecond, now);
      this.#add(each);
      sent.push(each);
    }
    this.#byBuffer.set(id, sent);
    return 'sent';
  }

  #putOver(id: string, fds: readonly StoredFd[]): Sent {
    if (this.overflow === null) return 'failed';
    const fresh = fds.filter((each) => !this.#files.has(each));
    const files = fresh.filter(
      ({ identity }, at) =>
        identity === null || fresh.findIndex((other) => other.identity === identity) === at,
    );
    const sent = this.overflow.put(files);
    if (sent !== 'sent') return sent;
    for (const each of fds) this.#add(each);
    this.#byBuffer.set(id, fds);
    return 'sent';
  }

  #isOver(name: string): boolean {
    return this.overflow?.has(name) === true;
  }

  #add(each: StoredFd): void {
    if (this.#files.add(each)) this.#refers(each);
  }

  /** It stands for its file from now on. */
  #refers({ name, identity }: StoredFd): void {
    if (identity !== null && !this.#isOver(name)) this.world.referred(identity, 1);
  }

  #remove(each: StoredFd): void {
    const removed = this.#files.remove(each);
    if (removed === null) return;
    const { name, identity } = each;
    const { next } = removed;
    if (this.overflow?.drop(name) === true) {
      if (next !== null) this.overflow.owe(next);
    } else {
      // Its fd may be closed by the time that the manager reads: then it is not sent any more.
      const late = this.#outgoing.findIndex(
        (message) => message.fds.length > 0 && message.name === name,
      );
      if (late >= 0) this.#outgoing.splice(late, 1);
      else this.#outgoing.push(removing(name));
      if (identity !== null) this.world.referred(identity, -1);
      // The manager has dropped the file by the time that it reads of it.
      if (next !== null) this.#outgoing.push(storing(next));
    }
    if (next !== null) this.#refers(next);
  }

  #mayTell(): boolean {
    if (!this.#blocked) this.#blocked = this.#pace.wait > 0;
    return !this.#blocked;
  }

  #tell({ state, fds }: Message): Sent {
    if (this.#blocked) return 'full';
    const told = this.world.send(state, fds);
    if (told === 'sent') this.#pace.told();
    this.#blocked = told === 'full';
    return told;
  }
}
