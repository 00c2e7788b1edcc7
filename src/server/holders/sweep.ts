/**
 * Who has which shareable memory: one sweep over all processes answers for every buffer. It runs on
 * the main thread in slices of a few milliseconds, so that REST goes on; the data plane does not take
 * part. Its result is good for a second.
 */
import { existsSync, readdirSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { after, type Clock, LONG_AGO, type Monotonic } from '../../broker/clock.js';
import {
  isDenied,
  isGone,
  isKernelThread,
  type ProcessInfo,
  processInfo,
  readUses,
  startTime,
  type Use,
  type Uses,
} from './proc.js';

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
  /** Whether processes of others are not even listed (ProtectProc=, hidepid=). */
  readonly hidden: boolean;
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

export async function sweep(clock: Clock): Promise<Sweep> {
  const scannedAt = clock.now();
  const holders = new Map<string, Holder[]>();
  const own: Uses = new Map();
  let unreadable = 0;
  let sliceEnds = after(scannedAt, SLICE_MS);
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const uses: Uses = pid === process.pid ? own : new Map();
    try {
      const started = startTime(pid);
      for (const _ of readUses(pid, uses)) {
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
      if (isDenied(error)) unreadable += mayHaveFds(pid) ? 1 : 0;
      else if (!isGone(error)) throw error;
    }
  }
  return { holders, own, unreadable, hidden: !existsSync('/proc/1'), scannedAt };
}

function mayHaveFds(pid: number): boolean {
  try {
    return !isKernelThread(pid);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
