/**
 * What /proc tells of one process: who it is, and which shareable memories it has as fds and as
 * mappings. proc(5). Owns nothing; a process that ends meanwhile is as if it had not been there.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { type Cgroup, parseCgroup } from '../../broker/cgroup.js';
import { identityOf, makedev } from '../../native/libc/fd.js';
import { shareFds } from '../../native/libc/process.js';
import { queuedFdsOf } from '../../native/libc/socket.js';

/** How files are called whose memory can be the broker's: dma_bufs, and its own memfds. Others may be called so. */
const SHAREABLE = /^\/(?:dmabuf:|memfd:dmabroker:)/;
/** include/linux/sched.h: PF_KTHREAD, a thread of the kernel, which has no fds. */
const PF_KTHREAD = 0x0020_0000;
/** PF_EXITING, PF_POSTCOREDUMP, PF_SIGNALED: whichever it is, it never comes back to user space. */
const ENDING = 0x4 | 0x8 | 0x400;
/** sysconf(_SC_CLK_TCK), which is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Use {
  fds: number;
  mappings: number;
}

/** By st_dev:st_ino, as `identity` of libc/fd.ts writes it. */
export type Uses = Map<string, Use>;

export interface ProcessInfo extends Cgroup {
  readonly pid: number;
  readonly uid: number;
  readonly executable: string;
  /** When it started, in clock ticks since boot: with the number, what names a process. */
  readonly startTicks: string;
  /** The same as a date, by the machine's date as it is set now: milliseconds since 1970. */
  readonly startedAt: number;
}

const statFields = (pid: number): string[] => fieldsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** The fields after the name, which may hold spaces and parentheses itself. */
const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

export const startTime = (pid: number): string => statFields(pid)[19] ?? '';

/** Not one that has ended and is not waited for, nor a thread of the kernel. */
export function mayHaveFds(pid: number): boolean {
  const [state = '', , , , , , flags] = statFields(pid);
  return !isDead(state) && (Number(flags) & PF_KTHREAD) === 0;
}

/**
 * Whether a process runs no more, though it may still have its files: it was killed, and a thread of it waits
 * in the kernel for somebody else. Throws where there is no such process.
 */
export function isEnding(pid: number): boolean {
  const [state = '', , , , , , flags] = statFields(pid);
  return isDead(state) || (Number(flags) & ENDING) !== 0;
}

/** A zombie, or what is about to be one. */
const isDead = (state: string): boolean => /^[ZXx]$/.test(state);

/** The users that a process acts as: who started a program of another user's (set-user-ID) is one, too. */
export function usersOf(pid: number): number[] {
  const [, text = ''] = /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return [...new Set(text.split('\t').map(Number))];
}

function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * 1000;
}

export function processInfo(pid: number): ProcessInfo {
  const startTicks = startTime(pid);
  return {
    pid,
    uid: statSync(`/proc/${pid}`).uid,
    executable: readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd(),
    ...parseCgroup(readFileSync(`/proc/${pid}/cgroup`, 'utf8')),
    startTicks,
    startedAt: bootTime() + (Number(startTicks) * 1000) / TICKS_PER_SECOND,
  };
}

/** st_dev of a device that maps shows as `major:minor`, both hexadecimal. */
export function deviceOf(text: string): bigint {
  const [major = 0, minor = 0] = text.split(':').map((part) => Number.parseInt(part, 16));
  return makedev(major, minor);
}

/** Of one process. Who has more is as one that cannot be read. */
export const MAX_USES = 65_536;

function count(uses: Uses, key: string, kind: keyof Use): void {
  const use = uses.get(key) ?? { fds: 0, mappings: 0 };
  use[kind]++;
  uses.set(key, use);
  if (uses.size > MAX_USES) throw new TooMuch('memories');
}

/** Counts the mappings in the text of /proc/PID/maps. */
export function parseMaps(text: string, uses: Uses): void {
  // Most processes have none, and the text may be long.
  if (!text.includes(' /dmabuf:') && !text.includes(' /memfd:dmabroker:')) return;
  for (const line of text.split('\n')) {
    const found = /^\S+ \S+ \S+ ([0-9a-f]+:[0-9a-f]+) (\d+) +(\/.*)$/.exec(line);
    if (found === null || !SHAREABLE.test(found[3] ?? '')) continue;
    count(uses, `${deviceOf(found[1] ?? '')}:${found[2]}`, 'mappings');
  }
}

/**
 * Counts what a process has. Another user's takes CAP_SYS_PTRACE (ptrace(2), PTRACE_MODE_READ_FSCREDS), and
 * CAP_DAC_READ_SEARCH to enter fd/, whose mode is 0500. Yields now and then, so that thousands of fds can be read in slices. Of each
 * socket `onSocket` is told its name and how many fds lie in it unread.
 */
export function* readUses(
  pid: number,
  uses: Uses,
  onSocket: ((name: string, queued: number) => void) | null = null,
): Generator<void> {
  let mapped = false;
  for (const task of tasks(pid)) {
    for (const fd of readdirSync(`${task}/fd`)) {
      try {
        const target = readlinkSync(`${task}/fd/${fd}`);
        if (SHAREABLE.test(target)) {
          const identity = identityIfAny(`${task}/fd/${fd}`);
          if (identity !== null) count(uses, identity, 'fds');
        } else if (onSocket !== null && target.startsWith('socket:')) {
          onSocket(target, queuedFdsOf(`${task}/fdinfo/${fd}`));
        }
      } catch (error) {
        // Closed meanwhile.
        if (!isGone(error)) throw error;
      }
      yield;
    }
    // All threads have one memory.
    if (!mapped)
      for (const text of piecesOf(`${task}/maps`)) {
        parseMaps(text, uses);
        yield;
      }
    mapped = true;
  }
}

/** No memory of the daemon's refuses to be asked; a file of somebody's server that is called so may, with any error. */
function identityIfAny(path: string): string | null {
  try {
    return identityOf(path);
  } catch (error) {
    if (isOutOfFds(error)) throw error;
    return null;
  }
}

/** Nothing else runs between reading and decoding: one is enough for all. */
const piece = Buffer.alloc(256 * 1024);
/** Of mappings there are 65,530 (vm.max_map_count), each with a path of 4 KiB at most. */
const MAX_MAPS_BYTES = 64 * 1024 * 1024;

/** A file of /proc in pieces of whole lines: who is looked at decides how long it is. Throws TooMuch beyond a bound. */
function* piecesOf(path: string): Generator<string> {
  const fd = openSync(path, 'r');
  try {
    let rest = '';
    for (let all = 0; all <= MAX_MAPS_BYTES; ) {
      const count = readSync(fd, piece);
      if (count === 0) {
        yield rest;
        return;
      }
      all += count;
      const text = rest + piece.toString('latin1', 0, count);
      const end = text.lastIndexOf('\n') + 1;
      rest = text.slice(end);
      yield text.slice(0, end);
    }
  } finally {
    closeSync(fd);
  }
  throw new TooMuch(path);
}

/** A process has more than is read of one. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

/**
 * Folders of a process's threads, one for each table of file descriptors: a thread may have one of its own,
 * and the first may have ended before the others. Throws where that cannot be told: it takes what reading fd/ does, and a
 * kernel with kcmp(2).
 */
function tasks(pid: number): string[] {
  const all = readdirSync(`/proc/${pid}/task`).map(Number);
  const folder = (tid: number) => `/proc/${pid}/task/${tid}`;
  if (all.length === 1) return [`/proc/${pid}`];
  const found: number[] = [];
  for (const tid of all) {
    try {
      const state = readFileSync(`${folder(tid)}/stat`, 'utf8');
      if (isDead(fieldsOf(state)[0] ?? '')) continue;
      if (!found.some((other) => shareFds(other, tid))) found.push(tid);
    } catch (error) {
      // Ended meanwhile.
      if (!isGone(error)) throw error;
    }
  }
  return found.map(folder);
}

const codeOf = (error: unknown) =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** This process has no file descriptor left: it cannot look at all. */
export const isOutOfFds = (error: unknown): boolean =>
  ['EMFILE', 'ENFILE'].includes(`${codeOf(error)}`);

/** The process, or its fd, is no longer there. */
export const isGone = (error: unknown): boolean => ['ENOENT', 'ESRCH'].includes(`${codeOf(error)}`);
