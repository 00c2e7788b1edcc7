/** Who did something, as a history and the audit keep it: a copy that keeps no client alive. */
import type { Owner } from './buffer.js';

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

/** null: the daemon by itself. */
export function actorOf(owner: Owner | null): Actor | null {
  if (owner === null) return null;
  const { client, peer, token = null } = owner;
  const { uid, pid, executable, unit } = peer;
  return { client: client?.id ?? null, uid, pid, executable, unit, token };
}
