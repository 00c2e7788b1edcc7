/** A thread of another process that stands still (ptrace(2)): a child's of this one, or root's to stop. */
import { readdirSync, readFileSync } from 'node:fs';
import { callInt, callLong, lastErrno, symbol } from '../../src/native/ffi.js';
import { SystemError } from '../../src/native/libc/errno.js';

const PTRACE_DETACH = 17;
const PTRACE_SEIZE = 0x4206;
const PTRACE_INTERRUPT = 0x4207;
const __WALL = 0x40000000;

function ptrace(request: number, thread: number): void {
  if (callLong(symbol('ptrace'), request, thread, 0, 0) < 0) {
    throw new SystemError('ptrace', lastErrno(), `thread ${thread}`);
  }
}

/** The first thread of that name: those that it starts have its name, too. */
function threadNamed(pid: number, name: string): number {
  const tasks = readdirSync(`/proc/${pid}/task`).map(Number);
  const found = tasks
    .sort((a, b) => a - b)
    .find((task) => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trimEnd() === name);
  if (found === undefined) throw new Error(`process ${pid} has no thread ${name}`);
  return found;
}

function stop(pid: number, name: string): number {
  const thread = threadNamed(pid, name);
  ptrace(PTRACE_SEIZE, thread);
  ptrace(PTRACE_INTERRUPT, thread);
  callInt(symbol('waitpid'), thread, 0, __WALL);
  return thread;
}

/** Stops the thread; what is returned lets it go on. */
export function stopThread(pid: number, name: string): () => void {
  const thread = stop(pid, name);
  return () => ptrace(PTRACE_DETACH, thread);
}

/** Stops the thread, and returns when it has ended: until its tracer knows, its process is not gone. */
export function stopForGood(pid: number, name: string): void {
  callInt(symbol('waitpid'), stop(pid, name), 0, __WALL);
}
