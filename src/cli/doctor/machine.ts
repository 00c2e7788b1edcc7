/** What the doctor looks at: the daemon over REST, its unit, and files of the machine. */
import { existsSync, readFileSync } from 'node:fs';
import { account } from '../accounts.js';
import type { Rest } from '../rest.js';
import { type RunProgram, runProgram, Service } from '../service.js';

export interface Machine {
  readonly rest: Pick<Rest, 'get'>;
  /** Null where the daemon is asked at an address: then it may be another machine's. */
  readonly service: Service | null;
  readonly version: string;
  /** Null where it cannot be read. */
  read(path: string): string | null;
  exists(path: string): boolean;
  /** The members of a group, by name; null where there is no such group. */
  members(group: string): readonly string[] | null;
  /** The groups of this process. */
  readonly gids: readonly number[];
  readonly user: { readonly uid: number; readonly name: string };
  gidOf(group: string): number | null;
}

export function thisMachine(rest: Rest, version: string, run: RunProgram = runProgram): Machine {
  const { place } = rest.target;
  const uid = process.getuid?.() ?? 0;
  return {
    rest,
    service: 'socketPath' in place ? Service.at(place.socketPath, process.env, run) : null,
    version,
    read: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
    exists: existsSync,
    members: (group) => {
      const line = run('getent', 'group', group);
      return line?.status === 0
        ? (line.stdout.trim().split(':')[3] ?? '').split(',').filter((name) => name !== '')
        : null;
    },
    gids: [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])],
    user: { uid, name: account('passwd', String(uid))?.name ?? String(uid) },
    gidOf: (group) => account('group', group)?.id ?? null,
  };
}
