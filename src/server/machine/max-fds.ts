/** How many file descriptors this process may have. */
import { readFileSync } from 'node:fs';

/** RLIMIT_NOFILE, which Node has raised as far as it may when it started (proc(5), limits). */
export function readMaxFds(limits = readFileSync('/proc/self/limits', 'utf8')): number {
  const [, soft] = /^Max open files +(\S+)/m.exec(limits) ?? [];
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}
