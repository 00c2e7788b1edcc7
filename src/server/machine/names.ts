/**
 * Names of this machine's users and groups, and their numbers: /etc/passwd and /etc/group first, which are fast and never
 * block; what they do not have is asked of NSS (nss.ts).
 */
import { askNow, type Database } from './nss.js';
import { parseSubuids, readGroups, readPasswd, readSubuidText, type SubuidRange } from './users.js';

/** getent would take it for one. */
const isNumber = (name: string) => /^\d+$/.test(name);

/**
 * The numbers of names, for whoever reads a configuration: the files as they are when it is made, each other name
 * asked for once. Waits for NSS; once that was silent, it is not asked any more.
 */
export class NamesNow {
  readonly #users = readPasswd().uids;
  readonly #groups = readGroups();
  readonly #asked = new Map<string, number | null>();
  #isSilent = false;

  user(name: string): number | null {
    return this.#users.get(name) ?? this.#ask('passwd', name);
  }

  group(name: string): number | null {
    return this.#groups.get(name) ?? this.#ask('group', name);
  }

  #ask(database: Database, name: string): number | null {
    if (isNumber(name)) return null;
    const key = `${database} ${name}`;
    const known = this.#asked.get(key);
    if (known !== undefined) return known;
    const found = this.#isSilent ? [] : askNow(database, [name]);
    this.#isSilent ||= found === null;
    // A directory may write the name otherwise (SSSD: without its domain).
    const id = found?.[0]?.id ?? null;
    this.#asked.set(key, id);
    return id;
  }
}

/** Whose subordinate uids are whose, by /etc/subuid. Waits for NSS where that names users of a directory. */
export function readSubuids(): SubuidRange[] {
  const text = readSubuidText();
  const uids = new Map(readPasswd().uids);
  const others = text
    .split('\n')
    .map((line) => line.split(':')[0] ?? '')
    .filter((name) => name !== '' && !name.startsWith('#') && !isNumber(name) && !uids.has(name));
  for (const { name, id } of askNow('passwd', [...new Set(others)]) ?? []) uids.set(name, id);
  return parseSubuids(text, uids);
}
