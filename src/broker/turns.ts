/**
 * Whose piece of work comes next. Users take turns, and so do the connections of each; what one
 * connection has asked for is done in its order. A turn is one piece (PIECE_BYTES), so that who asks for
 * little waits for one piece of each other user, however much these have asked for.
 *
 * Owns: the jobs that are not done.
 */

/** For whom something is done. */
export interface Asker {
  readonly uid: number;
  /** Null for a user of REST. */
  readonly connection: string | null;
}

/** What the daemon does for itself has its turn as a user has. */
export const NOBODY: Asker = { uid: -1, connection: null };

export interface Job {
  /** Does the next piece. Returns whether it was the last one. */
  step(): boolean;
  /** It will not be gone on with. */
  end(): void;
}

/** Those who wait, the one whose turn it is first. */
type Round<K, V> = Map<K, V>;

export class Turns {
  readonly #users: Round<number, Round<string | null, Job[]>> = new Map();

  add({ uid, connection }: Asker, job: Job): void {
    const connections = this.#users.get(uid) ?? new Map<string | null, Job[]>();
    const jobs = connections.get(connection) ?? [];
    jobs.push(job);
    this.#users.set(uid, connections.set(connection, jobs));
  }

  /** Whether nobody waits. */
  get empty(): boolean {
    return this.#users.size === 0;
  }

  /** Does one piece of what is next. */
  run(): void {
    const [user] = this.#users;
    if (user === undefined) return;
    const [uid, connections] = user;
    const [connection] = connections;
    if (connection === undefined) throw new Error(`user ${uid} waits for nothing`);
    const [id, jobs] = connection;
    // It may add jobs, behind those that are there.
    if (jobs[0]?.step() === true) jobs.shift();
    toBack(connections, id, jobs, jobs.length > 0);
    toBack(this.#users, uid, connections, connections.size > 0);
  }

  /** Nothing is gone on with. */
  close(): void {
    const all = [...this.#users.values()].flatMap((connections) =>
      [...connections.values()].flat(),
    );
    this.#users.clear();
    for (const job of all) job.end();
  }
}

function toBack<K, V>(round: Round<K, V>, key: K, value: V, stays: boolean): void {
  round.delete(key);
  if (stays) round.set(key, value);
}
