/** A thread of another process, a child of this one, that stands still (ptrace(2)). */
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

/** Stops the thread; what is returned lets it go on. */
export function stopThread(pid: number, name: string): () => void {
  const thread = threadNamed(pid, name);
  ptrace(PTRACE_SEIZE, thread);
  ptrace(PTRACE_INTERRUPT, thread);
  callInt(symbol('waitpid'), thread, 0, __WALL);
  return () => ptrace(PTRACE_DETACH, thread);
}
