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

/** The user of the system's unit. */
const UNIT_USER = 'dmabroker';

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

/** For whom a configuration is checked: where root asks, it is for the unit's user, if there is one. */
export function checkedMachine(): Machine {
  const machine = thisMachine();
  return machine.uid === 0 ? { ...machine, uid: machine.names.user(UNIT_USER) ?? 0 } : machine;
}
