// Why: nothing that the guest's runner starts may outlive it, however it ends (SIGKILL included).
// This file owns how children are started and how a lock is held.
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemPath } from './packages.js';

// pdeathsig is set in the child, so a parent that died before is seen by its changed parent id.
const GUARD = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"';

/**
 * Starts a program that the kernel kills with `signal` when this thread ends. The returned
 * process id is the program's own: the wrappers replace themselves with it. With `ownGroup` it is also that
 * of a process group.
 */
export function spawnBound(
  argv: readonly string[],
  stdio: StdioOptions,
  signal: 'KILL' | 'TERM' = 'KILL',
  { ownGroup = false }: { ownGroup?: boolean } = {},
): ChildProcess {
  const guard = ['--pdeathsig', signal, 'sh', '-c', GUARD, 'sh', String(process.pid), ...argv];
  const env = { ...process.env, PATH: systemPath() };
  return spawn('setpriv', guard, { stdio, env, detached: ownGroup });
}

/** Resolves with the exit code once the process has ended and its pipes are drained. */
export async function ended(child: ChildProcess): Promise<{ code: number | null }> {
  const [code] = (await once(child, 'close')) as [number | null];
  return { code };
}

/**
 * Runs `body` while holding an exclusive lock on the file. The kernel drops it when its holder
 * dies, so that there is no stale lock; `waiting` is called once if somebody else has it.
 */
export async function withLock<T>(
  path: string,
  waiting: () => void,
  body: () => Promise<T>,
): Promise<T> {
  const holder = spawnBound(
    ['flock', '--exclusive', '--no-fork', path, 'sh', '-c', 'echo held; exec cat'],
    ['pipe', 'pipe', 'inherit'],
  );
  const closed = ended(holder);
  const timer = setTimeout(waiting, 500);
  try {
    const held = holder.stdout === null ? undefined : once(holder.stdout, 'data');
    const first = await Promise.race([held, closed]);
    if (!Array.isArray(first)) throw new Error(`flock could not lock ${path}`);
    clearTimeout(timer);
    return await body();
  } finally {
    clearTimeout(timer);
    holder.stdin?.end();
    await closed;
  }
}
