/**
 * Users and groups that are in no file of this machine: a directory's (LDAP, SSSD), systemd-homed's, those of
 * services with a user of their own. nsswitch.conf(5) says where they are, and getent(1) asks there, in a process of
 * its own: glibc's modules for it may be anything, and none of them is to be in the daemon.
 *
 * Nobody answers for a directory's time, so each question has a limit. What cannot be asked is no name: getent is
 * missing, say, or the directory is silent.
 */
import { spawnSync } from 'node:child_process';
import { type Entry, parseEntries } from './users.js';

export type Database = 'passwd' | 'group';

/** A configuration is read meanwhile, and nothing else done in this thread. */
const NOW_LIMIT_MS = 3000;

/** So many keys in one command: their names are far from ARG_MAX. */
export const KEYS_AT_ONCE = 500;

/** A group's line has all its members. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** `--`: a name may begin with a dash. */
const argumentsOf = (database: Database, keys: readonly string[]) => ['--', database, ...keys];

/**
 * What is known of these names or numbers, in their order; null: nobody has answered in time. Waits, and only while no
 * client can have given a file: fork(2) and execve(2) close this process's files in the child, and a file of a slow server is
 * closed when that likes, for which spawn(2) here would wait without a limit. Later the resolver is asked.
 */
export function askNow(
  database: Database,
  keys: readonly string[],
  limitMs = NOW_LIMIT_MS,
): Entry[] | null {
  const all: Entry[] = [];
  for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
    // A NUL is in no name, and in no argument.
    const batch = keys.slice(at, at + KEYS_AT_ONCE).filter((key) => !key.includes('\0'));
    if (batch.length === 0) continue;
    const { stdout, error } = spawnSync('getent', argumentsOf(database, batch), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: MAX_ANSWER_BYTES,
    });
    if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') return null;
    all.push(...parseEntries(stdout ?? ''));
  }
  return all;
}
