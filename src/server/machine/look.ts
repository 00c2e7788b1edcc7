/**
 * A look at every process: which shareable memories each has. One look answers for all buffers. Owns nothing;
 * who looks decides how much of a turn it may take.
 */
import { existsSync, readdirSync } from 'node:fs';
import {
  isGone,
  isOutOfFds,
  mayHaveFds,
  type ProcessInfo,
  processInfo,
  readUses,
  startTime,
  type Uses,
  usersOf,
} from './proc.js';

/** A process that has some. */
export interface Seen {
  readonly info: ProcessInfo;
  readonly uses: Uses;
}

/** What a look could not see, or sees in no process. */
export interface Unseen {
  /** Processes that may not be read, or have too much of it. */
  readonly unreadable: number;
  /** Users of those. */
  readonly unread: ReadonlySet<number>;
  /** Whether processes of others are not even listed (ProtectProc=, hidepid=). */
  readonly hidden: boolean;
  /**
   * By user, how many fds lie in messages that their processes have not received, in which no process has
   * them; empty where that was not asked for.
   */
  readonly inFlight: ReadonlyMap<number, number>;
}

/** A moment to do something else in, or the next process. */
export type Step = Seen | null;

/** `messages`: what is in messages is counted, too. */
export function* look(messages: boolean): Generator<Step, Unseen> {
  const inFlight = new InFlight();
  let unreadable = 0;
  const unread = new Set<number>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const uses: Uses = new Map();
    try {
      const started = startTime(pid);
      for (const _ of readUses(pid, uses, messages ? inFlight.of(pid) : null)) yield null;
      if (uses.size === 0) continue;
      const info = processInfo(pid);
      // Its number may have been given to another process meanwhile.
      if (info.startTicks === started) yield { info, uses };
    } catch (error) {
      // Whatever it is about one process, the others are looked at.
      if (isOutOfFds(error)) throw error;
      const users = isGone(error) ? null : usersOfUnread(pid);
      if (users === null) continue;
      unreadable++;
      for (const user of users) unread.add(user);
    }
  }
  return { unreadable, unread, hidden: !existsSync('/proc/1'), inFlight: inFlight.byUser };
}

/** The users of a process that cannot be read; null where it has no fds, or is gone. */
function usersOfUnread(pid: number): number[] | null {
  try {
    return mayHaveFds(pid) ? usersOf(pid) : null;
  } catch (error) {
    if (isOutOfFds(error)) throw error;
    return null;
  }
}

/** Counts fds in messages; a socket that a user has several times counts once. */
class InFlight {
  readonly byUser = new Map<number, number>();
  readonly #counted = new Set<string>();

  /** What counts those of a process's sockets. */
  of(pid: number): (socket: string, queued: number) => void {
    return (socket, queued) => {
      if (queued === 0) return;
      for (const user of usersOf(pid)) {
        const key = `${user} ${socket}`;
        if (this.#counted.has(key)) continue;
        this.#counted.add(key);
        this.byUser.set(user, (this.byUser.get(user) ?? 0) + queued);
      }
    };
  }
}
