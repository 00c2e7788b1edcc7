/** Users and groups by name, from wherever this machine keeps them (nsswitch.conf(5)): getent(1) asks. */
import type ChildProcess from 'node:child_process';
import { createRequire } from 'node:module';

/** Loaded where somebody is asked for: it costs a thirtieth of a command's time. */
const childProcess = () =>
  createRequire(import.meta.url)('node:child_process') as typeof ChildProcess;

export interface Account {
  readonly name: string;
  readonly id: number;
}

export type AccountDatabase = 'passwd' | 'group';

/** By name or number; null where there is none. */
export function account(database: AccountDatabase, key: string): Account | null {
  try {
    const line = childProcess().execFileSync('getent', ['--', database, key], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return accountOf(line);
  } catch {
    return null;
  }
}

/** A directory that does not answer is no reason to wait: numbers will do. */
const TIMEOUT_MS = 3000;

/** Those of some ids, asked for at once; one that nobody has is left out. */
export function accounts(database: AccountDatabase, ids: readonly number[]): Promise<Account[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return new Promise((resolve) => {
    // It ends with 2 where one is missing, and tells the others all the same.
    const asked = ['--', database, ...ids.map(String)];
    childProcess().execFile('getent', asked, { timeout: TIMEOUT_MS }, (_, stdout) => {
      resolve(stdout.split('\n').flatMap((line) => (line === '' ? [] : [accountOf(line)])));
    });
  });
}

function accountOf(line: string): Account {
  const [name = '', , id] = line.split(':');
  return { name, id: Number(id) };
}
