/**
 * Calls that may take as long as they like: whose turn it is. Each has a thread of its own (native/later.ts); what
 * a user waits for counts as its own, and a user has as many threads as are still free (fair-pool.ts), so that it
 * waits for itself alone.
 *
 * Owns: what has no thread yet.
 */
import { FairPool } from './fair-pool.js';

interface Waiting<C> {
  readonly call: C;
  readonly done: (result: number) => void;
}

/** How long until a thread is asked for again where the machine had none. */
const RETRY_MS = 100;

/** Has a call made in a thread; false where there is none. `done` is told later what it returned, perhaps never. */
export type Begin<C> = (call: C, done: (result: number) => void) => boolean;

export class FairCalls<C> {
  readonly #threads: FairPool;
  /** By user, oldest first. */
  readonly #queues = new Map<number, Waiting<C>[]>();
  #refused = false;

  constructor(
    private readonly begin: Begin<C>,
    /** Threads of all users together. */
    most: number,
  ) {
    this.#threads = new FairPool(most);
  }

  /** `done` is called with what the call returned: perhaps never. */
  add(uid: number, call: C, done: (result: number) => void): void {
    const queue = this.#queues.get(uid) ?? [];
    queue.push({ call, done });
    this.#queues.set(uid, queue);
    this.#start(uid);
  }

  /** Goes on with what waits, when others may have ended. */
  run(): void {
    this.#refused = false;
    for (const uid of [...this.#queues.keys()]) this.#start(uid);
  }

  /** Milliseconds until `run` has something to do that nothing wakes it for; -1: never. */
  get wait(): number {
    return this.#refused ? RETRY_MS : -1;
  }

  /** How many of each user are not over. */
  get left(): Map<number, number> {
    const left = new Map(this.#threads.users);
    for (const [uid, { length }] of this.#queues) left.set(uid, (left.get(uid) ?? 0) + length);
    return left;
  }

  /** Whether something of a user's is not over. */
  waitsFor(uid: number): boolean {
    return this.#queues.has(uid) || this.#threads.taken(uid) > 0;
  }

  #start(uid: number): void {
    const queue = this.#queues.get(uid) ?? [];
    while (queue[0] !== undefined && !this.#refused && this.#threads.take(uid, 1)) {
      const [{ call, done }] = queue;
      const over = (result: number) => {
        this.#threads.give(uid, 1);
        done(result);
      };
      if (this.begin(call, over)) queue.shift();
      else {
        this.#threads.give(uid, 1);
        this.#refused = true;
      }
    }
    if (queue.length === 0) this.#queues.delete(uid);
  }
}
