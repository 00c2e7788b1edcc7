/**
 * The closing of what clients gave: whose turn it is. close(2) of a foreign file may wait for as long as
 * its owner likes, so that threads of the shim do it; what they wait for counts as its user's until they
 * are done, and a user has as many of them as are still free (broker/fair-pool.ts), so that it waits for
 * itself alone.
 *
 * Owns: each fd from `add` on, until a thread has it.
 */
import { FairPool } from '../../broker/fair-pool.js';
import { MAX_CLOSERS } from '../../memory/limits.js';

/** native/closers.ts */
export interface Closer {
  closeLater(fd: number, ticket: number, isConnection: boolean): boolean;
  closed(): number[];
}

interface Waiting {
  readonly uid: number;
  readonly fd: number;
  /** Called when it has been closed. */
  readonly done: () => void;
  /** One of the daemon's own, which was shut down: nothing unread may be left in it. */
  readonly isConnection: boolean;
}

/** How long until a thread is asked for again where the machine had none. */
const RETRY_MS = 100;

export class Closing {
  readonly #threads = new FairPool(MAX_CLOSERS);
  /** By user; what has no thread yet, oldest first. */
  readonly #queues = new Map<number, Waiting[]>();
  /** By ticket; what a thread closes now. */
  readonly #running = new Map<number, Waiting>();
  #lastTicket = 0;
  #refused = false;

  constructor(private readonly closer: Closer) {}

  /** Takes the fd. `done` is called, from `run`, when it has been closed: perhaps never. */
  add(uid: number, fd: number, done: () => void, isConnection = false): void {
    const queue = this.#queues.get(uid) ?? [];
    queue.push({ uid, fd, done, isConnection });
    this.#queues.set(uid, queue);
    this.#start(uid);
  }

  /** Tells what has been closed, and goes on with what waits. */
  run(): void {
    for (const ticket of this.closer.closed()) {
      const closed = this.#running.get(ticket);
      if (closed === undefined) continue;
      this.#running.delete(ticket);
      this.#threads.give(closed.uid, 1);
      closed.done();
    }
    this.#refused = false;
    for (const uid of [...this.#queues.keys()]) this.#start(uid);
  }

  /** Milliseconds until `run` has something to do that nothing wakes it for; -1: never. */
  get wait(): number {
    return this.#refused ? RETRY_MS : -1;
  }

  /** How many fds of each user are not closed yet. */
  get left(): Map<number, number> {
    const left = new Map<number, number>();
    const all = [...this.#running.values(), ...[...this.#queues.values()].flat()];
    for (const { uid } of all) left.set(uid, (left.get(uid) ?? 0) + 1);
    return left;
  }

  /** Whether something of a user's waits to be closed. */
  waitsFor(uid: number): boolean {
    return this.#queues.has(uid) || [...this.#running.values()].some((each) => each.uid === uid);
  }

  #start(uid: number): void {
    const queue = this.#queues.get(uid) ?? [];
    while (queue[0] !== undefined && !this.#refused && this.#threads.take(uid, 1)) {
      const [next] = queue;
      const ticket = this.#nextTicket();
      if (this.closer.closeLater(next.fd, ticket, next.isConnection)) {
        this.#running.set(ticket, next);
        queue.shift();
      } else {
        this.#threads.give(uid, 1);
        this.#refused = true;
      }
    }
    if (queue.length === 0) this.#queues.delete(uid);
  }

  #nextTicket(): number {
    do this.#lastTicket = (this.#lastTicket + 1) % 2 ** 32;
    while (this.#running.has(this.#lastTicket));
    return this.#lastTicket;
  }
}
