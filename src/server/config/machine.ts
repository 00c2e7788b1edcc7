/** What of the machine and its users a configuration depends on. Tests bring their own. */
import { totalmem } from 'node:os';
import { readGroups, readPasswd } from '../machine/users.js';

/** The numbers of names; null where there is no such user or group. */
export interface Names {
  user(name: string): number | null;
  group(name: string): number | null;
}

export interface Machine {
  /** Bytes. */
  readonly memory: number;
  readonly names: Names;
  /** The daemon's own user. */
  readonly uid: number;
}

/** By /etc/passwd and /etc/group, as they are now. */
export function thisMachine(): Machine {
  const { uids } = readPasswd();
  const groups = readGroups();
  return {
    memory: totalmem(),
    names: { user: (name) => uids.get(name) ?? null, group: (name) => groups.get(name) ?? null },
    uid: process.getuid?.() ?? 0,
  };
}
