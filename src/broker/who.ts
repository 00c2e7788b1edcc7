/**
 * Who does something: processes as the kernel named them, and the copy of one that a history and the
 * audit keep, which keeps no client alive.
 */
import type { Cgroup } from './cgroup.js';

/**
 * A process as the kernel named it when it connected. Decisions rest on uid, gid and groups alone: a
 * pid may be reused, and names are the process's own choice.
 */
export interface Peer extends Cgroup {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups (SO_PEERGROUPS). */
  readonly groups: readonly number[];
  /** For people, never for a decision: a process chooses its own name. */
  readonly executable: string | null;
}

/** A process of which not everything may be known: one that speaks REST. */
export type PartialPeer = { readonly [K in keyof Peer]: Peer[K] | null };

/** A connection to the client socket, as far as it tells who somebody is. */
export interface Identity {
  /** `c1`, `c2`, …: never used again while the daemon runs. */
  readonly id: string;
  readonly peer: Peer;
}

/** A client, or somebody over REST (client null). */
export interface Doer {
  readonly client: Identity | null;
  readonly peer: PartialPeer;
  /** The name of the token with which a user of REST is known, who is otherwise not. */
  readonly token?: string;
}

/** A process as it was when it connected; what is not known of it is null. */
export interface Actor {
  /** Its connection to the client socket; null: it spoke REST. */
  readonly client: string | null;
  readonly uid: number | null;
  readonly pid: number | null;
  readonly executable: string | null;
  readonly unit: string | null;
  /** The name of the token with which it spoke REST over TCP. */
  readonly token: string | null;
}

/** A connection's is made once: it is told of with all that it does. */
const actors = new WeakMap<Identity, Actor>();

export function actorOfClient(client: Identity): Actor {
  const known = actors.get(client);
  if (known !== undefined) return known;
  const made = actor(client.id, client.peer, null);
  actors.set(client, made);
  return made;
}

export function actorOf({ client, peer, token }: Doer): Actor {
  return client === null ? actor(null, peer, token ?? null) : actorOfClient(client);
}

function actor(client: string | null, peer: PartialPeer, token: string | null): Actor {
  const { uid, pid, executable, unit } = peer;
  return { client, uid, pid, executable, unit, token };
}
