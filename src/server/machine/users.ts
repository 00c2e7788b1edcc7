/**
 * Users of this machine as its files have them: their names (passwd(5)), its groups (group(5)), and whose subordinate uids
 * are whose (subuid(5)). A container without root runs as its owner's subuids, so the owner answers for them. Others
 * are asked for (names.ts).
 */
import { readFileSync } from 'node:fs';

export interface Passwd {
  readonly uids: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

export interface SubuidRange {
  readonly owner: number;
  readonly first: number;
  readonly count: number;
}

const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));

/** A uid or gid: 32 bits, of which the last is nobody's (chown(2) takes it for `leave as it is`). */
const isId = (text: string) => /^\d{1,10}$/.test(text) && Number(text) <= 4_294_967_294;

export interface Entry {
  readonly name: string;
  readonly id: number;
}

/** A name and a number of each line, as passwd(5) and group(5) begin alike. */
export function parseEntries(text: string): Entry[] {
  return lines(text).flatMap(([name = '', , id = '']) =>
    isId(id) ? [{ name, id: Number(id) }] : [],
  );
}

/** `name:password:uid:…`; of several names for a uid the first counts, as for getpwuid(3). */
export function parsePasswd(text: string): Passwd {
  const uids = new Map<string, number>();
  const names = new Map<number, string>();
  for (const { name, id } of parseEntries(text)) {
    if (!uids.has(name)) uids.set(name, id);
    if (!names.has(id)) names.set(id, name);
  }
  return { uids, names };
}

/** `name:password:gid:members` of group(5); the first of a name counts. Node has no getgrnam. */
export function parseGroups(text: string): ReadonlyMap<string, number> {
  const gids = new Map<string, number>();
  for (const { name, id } of parseEntries(text)) if (!gids.has(name)) gids.set(name, id);
  return gids;
}

/** `owner:first:count`, the owner by name or number. Lines that say nothing usable are left out. */
export function parseSubuids(text: string, uids: ReadonlyMap<string, number>): SubuidRange[] {
  return lines(text).flatMap(([name = '', first = '', count = '']) => {
    const owner = uids.get(name) ?? (/^\d{1,10}$/.test(name) ? Number(name) : undefined);
    if (owner === undefined || !/^\d{1,10}$/.test(first) || !/^\d{1,10}$/.test(count)) return [];
    return [{ owner, first: Number(first), count: Number(count) }];
  });
}

/** The user that answers for a uid. */
export function accountable(ranges: readonly SubuidRange[]): (uid: number) => number {
  return (uid) =>
    ranges.find(({ first, count }) => uid >= first && uid < first + count)?.owner ?? uid;
}

/** Of a file that may not be there. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

export const readPasswd = (): Passwd => parsePasswd(textOf('/etc/passwd'));
export const readGroups = () => parseGroups(textOf('/etc/group'));
export const readSubuidText = (): string => textOf('/etc/subuid');
