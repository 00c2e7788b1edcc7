/**
 * The service manager's file-descriptor store (systemd.service(5), FileDescriptorStoreMax=): what is in it
 * comes back when the daemon is started again. The manager is one process for the whole machine, which
 * compares each new file with all that it has: so what one user may have it do is limited, and nobody here
 * waits for it. What is to be put there waits in a queue of its user, and the users have turns.
 *
 * One file is in the store once (the manager takes no second one, whatever its name): where two buffers are
 * the same memory, the name of one is there, and the other's when that one goes.
 *
 * Owns nothing: fds stay the buffers', and are open until `drop`.
 */

import { soonest } from '../../broker/deadlines.js';
import { Bucket } from '../../broker/quota/bucket.js';
import type { Clock } from '../../memory/clock.js';

/** A memory of a buffer. */
export interface StoredFd {
  /** FDNAME=. */
  readonly name: string;
  readonly fd: number;
  /** st_dev:st_ino; null where files do not tell memories apart. */
  readonly identity: string | null;
}

export interface StoreWorld {
  /** sd_notify(3), with the fds; false: the manager's socket has no room now. */
  send(state: string, fds: readonly number[]): boolean;
  /** The manager has a reference more to a file, or one less. */
  referred(identity: string, by: 1 | -1): void;
  readonly clock: Clock;
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

interface Message {
  readonly state: string;
  readonly fds: readonly number[];
}

const storing = ({ name, fd }: StoredFd): Message => {
  return { state: `FDSTORE=1\nFDPOLL=0\nFDNAME=${name}`, fds: [fd] };
};
const removing = (name: string): Message => {
  return { state: `FDSTOREREMOVE=1\nFDNAME=${name}`, fds: [] };
};

interface User {
  readonly bucket: Bucket;
  readonly queue: Put[];
}

/** The manager reads when it has time; nothing tells when. */
const RETRY_MS = 2;

export class FdStore {
  /** By name: what is in the store. */
  readonly #stored = new Map<string, StoredFd>();
  /** By identity: what would be, but that another name of the same file is. */
  readonly #doubles = new Map<string, StoredFd[]>();
  readonly #names = new Map<string, string>();
  /** By buffer. */
  readonly #byBuffer = new Map<string, readonly StoredFd[]>();
  readonly #users = new Map<number, User>();
  /** What the manager is to be told before anything else, in this order. */
  readonly #outgoing: Message[] = [];
  #blocked = false;

  constructor(
    private readonly world: StoreWorld,
    private readonly limits: StoreLimits,
  ) {}

  get size(): number {
    return this.#stored.size;
  }

  /** Memories that wait for the manager. */
  get waiting(): number {
    let waiting = 0;
    for (const { queue } of this.#users.values()) waiting += queue.length;
    return waiting;
  }

  /** What the manager has from before; `id`: of a buffer that has it, or null. */
  found(id: string | null, fds: readonly StoredFd[]): void {
    if (id !== null) this.#byBuffer.set(id, fds);
    for (const each of fds) this.#add(each);
  }

  has(id: string): boolean {
    return this.#byBuffer.has(id);
  }

  /** For the user; all fds of a buffer or none. `done` is called at once where there is room for them. */
  put(uid: number, put: Put): void {
    const user = this.#users.get(uid) ?? this.#newUser(uid);
    user.queue.push(put);
    this.#serve(user);
  }

  /** They leave the store, or do not come there. */
  drop(id: string): void {
    for (const { queue } of this.#users.values()) {
      const at = queue.findIndex((put) => put.id === id);
      if (at >= 0) for (const { done } of queue.splice(at, 1)) done(false);
    }
    const fds = this.#byBuffer.get(id);
    if (fds === undefined) return;
    this.#byBuffer.delete(id);
    for (const each of fds) this.#remove(each);
    this.run();
  }

  /** Names that nobody knows. */
  forget(names: readonly string[]): void {
    this.#outgoing.push(...names.map(removing));
    this.run();
  }

  /** Goes on with what waits. */
  run(): void {
    this.#blocked = false;
    for (let next = this.#outgoing[0]; next !== undefined; next = this.#outgoing[0]) {
      if (!this.#tell(next)) return;
      this.#outgoing.shift();
    }
    for (const user of [...this.#users.values()]) this.#serve(user);
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#outgoing.length > 0) return RETRY_MS;
    let wait = -1;
    for (const { queue, bucket } of this.#users.values()) {
      const [next] = queue;
      if (next === undefined) continue;
      const ms = bucket.wait(this.limits.perSecond, this.world.clock.now()) * 1000;
      wait = soonest(wait, Math.max(RETRY_MS, Math.ceil(ms)));
    }
    return wait;
  }

  #newUser(uid: number): User {
    const user = { bucket: new Bucket(), queue: [] };
    this.#users.set(uid, user);
    return user;
  }

  #serve({ bucket, queue }: User): void {
    if (this.#outgoing.length > 0) return;
    for (let put = queue[0]; put !== undefined && !this.#blocked; put = queue[0]) {
      const now = this.world.clock.now();
      const isFull = this.#stored.size + put.fds.length > this.limits.max;
      if (!isFull && bucket.wait(this.limits.perSecond, now) > 0) return;
      if (!isFull && !this.#send(put, bucket)) return;
      queue.shift();
      put.done(!isFull);
    }
  }

  /** Returns false where the manager has no room: what is there of the buffer leaves again, and comes later. */
  #send({ id, fds }: Put, bucket: Bucket): boolean {
    const sent: StoredFd[] = [];
    for (const each of fds) {
      const { identity } = each;
      const isDouble = identity !== null && this.#names.has(identity);
      if (!isDouble && !this.#tell(storing(each))) {
        for (const back of sent) this.#remove(back);
        return false;
      }
      if (!isDouble) bucket.take(this.limits.perSecond, this.world.clock.now());
      this.#add(each);
      sent.push(each);
    }
    this.#byBuffer.set(id, sent);
    return true;
  }

  #add(each: StoredFd): void {
    const { name, identity } = each;
    if (identity !== null && this.#names.has(identity)) {
      this.#doubles.set(identity, [...(this.#doubles.get(identity) ?? []), each]);
      return;
    }
    this.#stored.set(name, each);
    if (identity === null) return;
    this.#names.set(identity, name);
    this.world.referred(identity, 1);
  }

  #remove(each: StoredFd): void {
    const { name, identity } = each;
    const doubles = identity === null ? [] : (this.#doubles.get(identity) ?? []);
    if (!this.#stored.delete(name)) {
      const left = doubles.filter((double) => double.name !== name);
      if (identity !== null && left.length > 0) this.#doubles.set(identity, left);
      else if (identity !== null) this.#doubles.delete(identity);
      return;
    }
    this.#outgoing.push(removing(name));
    if (identity === null) return;
    this.#names.delete(identity);
    this.world.referred(identity, -1);
    this.#doubles.delete(identity);
    // The next one has its place; the manager has dropped the file by the time that it reads of it.
    const [next] = doubles;
    if (next !== undefined) this.#outgoing.push(storing(next));
    for (const double of doubles) this.#add(double);
  }

  #tell({ state, fds }: Message): boolean {
    if (this.#blocked) return false;
    this.#blocked = !this.world.send(state, fds);
    return !this.#blocked;
  }
}
