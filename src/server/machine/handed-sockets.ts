/**
 * Sockets that the service manager listens on for the daemon, so that who connects while it is started anew waits
 * (systemd.socket(5)). Which is which is decided by where a socket is bound, never by the name that comes with it.
 *
 * Owns each until it is taken.
 */
import type { Inherited } from '../../native/inherited.js';
import { close, setNonBlocking } from '../../native/libc/fd.js';
import { listeningPath, turnAway } from '../../native/libc/socket.js';

export class HandedSockets {
  readonly #byPath = new Map<string, number>();

  /** Takes those that listen; `others` is all else, untouched and still whose it was. */
  static sort(inherited: readonly Inherited[]): {
    readonly sockets: HandedSockets;
    readonly others: readonly Inherited[];
  } {
    const sockets = new HandedSockets();
    const others = inherited.filter((each) => {
      const path = listeningPath(each.fd);
      if (path === null) return true;
      if (sockets.#byPath.has(path)) close(each.fd);
      else sockets.#byPath.set(path, each.fd);
      return false;
    });
    return { sockets, others };
  }

  /** Where those listen that nobody has taken. */
  get paths(): readonly string[] {
    return [...this.#byPath.keys()];
  }

  /** The one that is bound there, from now on the caller's; null where there is none. */
  take(path: string): number | null {
    const fd = this.#byPath.get(path) ?? null;
    this.#byPath.delete(path);
    return fd;
  }

  /**
   * Ends who waits there. For a daemon that cannot start and will not the next time: else they would have the manager
   * start it again and again, and wait for it.
   */
  turnAway(): void {
    for (const fd of this.#byPath.values()) {
      setNonBlocking(fd);
      turnAway(fd);
    }
  }

  /** Those that nobody has taken. The manager goes on listening on them. */
  close(): void {
    for (const fd of this.#byPath.values()) close(fd);
    this.#byPath.clear();
  }
}
