/** What of the machine and its users a configuration depends on. Tests bring their own. */
import { totalmem } from 'node:os';
import { NamesNow } from '../machine/names.js';

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

/** What a name is that has no number, with the command that shows it. */
export const unknownName = (kind: 'user' | 'group', name: string): string =>
  `this machine has no ${kind} ${name} (getent ${kind === 'user' ? 'passwd' : 'group'} ${name}); a number would do`;

/** The user of the system's unit. */
const UNIT_USER = 'dmabroker';

/** As it is now. */
export function thisMachine(): Machine {
  return { memory: totalmem(), names: new NamesNow(), uid: process.getuid?.() ?? 0 };
}

/** For whom a configuration is checked: where root asks, it is for the unit's user, if there is one. */
export function checkedMachine(): Machine {
  const machine = thisMachine();
  return machine.uid === 0 ? { ...machine, uid: machine.names.user(UNIT_USER) ?? 0 } : machine;
}
