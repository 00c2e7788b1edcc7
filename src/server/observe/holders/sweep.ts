/**
 * Who has which shareable memory: one sweep over all processes answers for every buffer. It runs on
 * the main thread in slices of a few milliseconds, so that REST goes on; the data plane does not take
 * part. Its result is good for a second.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { after, type Clock, LONG_AGO, type Monotonic } from '../../../memory/clock.js';
import {
  isDenied,
  isGone,
  mayHaveFds,
  type ProcessInfo,
  processInfo,
  readUses,
  startTime,
  type Use,
  type Uses,
  usersOf,
} from '../../machine/proc.js';

const SLICE_MS = 5;
const GOOD_FOR_MS = 1000;

export type Holder = ProcessInfo & Use;

export interface Sweep {
  /** By st_dev:st_ino. */
  readonly holders: ReadonlyMap<string, readonly Holder[]>;
  /** What the daemon itself has. */
  readonly own: Uses;
  /** Processes that may not be read. */
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
  readonly scannedAt: Monotonic;
}

export class Sweeper {
  #last: Promise<Sweep> | null = null;
  /** Null while it is under way. */
  #goodUntil: Monotonic | null = LONG_AGO;

  constructor(private readonly clock: Clock) {}

  /** The result of a sweep that began within the last second, or of a new one. */
  sweep(): Promise<Sweep> {
    const isOver = this.#goodUntil !== null && this.clock.now() >= this.#goodUntil;
    if (this.#last === null || isOver) {
      this.#goodUntil = null;
      this.#last = sweep(this.clock).finally(() => {
        this.#goodUntil = after(this.clock.now(), GOOD_FOR_MS);
      });
    }
    return this.#last;
  }
}

/** `messages`: what is in messages is counted, too. */
export async function sweep(clock: Clock, messages = false): Promise<Sweep> {
  const inFlight = new InFlight();
  const scannedAt = clock.now();
  const holders = new Map<string, Holder[]>();
  const own: Uses = new Map();
  let unreadable = 0;
  const unread = new Set<number>();
  let sliceEnds = after(scannedAt, SLICE_MS);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const uses: Uses = pid === process.pid ? own : new Map();
    try {
      const started = startTime(pid);
      const onSocket = messages ? inFlight.of(pid) : null;
      for (const _ of readUses(pid, uses, onSocket)) {
        if (clock.now() < sliceEnds) continue;
        await setImmediate();
        sliceEnds = after(clock.now(), SLICE_MS);
      }
      if (pid === process.pid || uses.size === 0) continue;
      const info = processInfo(pid);
      // Its number may have been given to another process meanwhile.
      if (info.startTicks !== started) continue;
      for (const [identity, use] of uses) {
        const known = holders.get(identity) ?? [];
        known.push({ ...info, ...use });
        holders.set(identity, known);
      }
    } catch (error) {
      if (!isDenied(error) && !isGone(error)) throw error;
      const users = isDenied(error) ? usersOfUnread(pid) : null;
      if (users === null) continue;
      unreadable++;
      for (const user of users) unread.add(user);
    }
  }
  const hidden = !existsSync('/proc/1');
  return { holders, own, unreadable, unread, hidden, inFlight: inFlight.byUser, scannedAt };
}

/** The users of a process that cannot be read; null where it has no fds, or is gone. */
function usersOfUnread(pid: number): number[] | null {
  try {
    return mayHaveFds(pid) ? usersOf(pid) : null;
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
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
