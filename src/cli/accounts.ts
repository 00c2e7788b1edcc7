/** Users and groups by name, from wherever this machine keeps them (nsswitch.conf(5)): getent(1) asks. */
import { execFileSync } from 'node:child_process';

export interface Account {
  readonly name: string;
  readonly id: number;
}

/** By name or number; null where there is none. */
export function account(database: 'passwd' | 'group', key: string): Account | null {
  try {
    const line = execFileSync('getent', ['--', database, key], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [name = '', , id] = line.split(':');
    return { name, id: Number(id) };
  } catch {
    return null;
  }
}
