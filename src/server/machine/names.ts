/**
 * Names of this machine's users and groups, and their numbers: /etc/passwd and /etc/group first, which are fast and never
 * block; what they do not have is asked of NSS (nss.ts).
 */
import { SystemClock } from '../../native/clock.js';
import { askNow, type Database } from './nss.js';
import type { Resolver } from './resolver.js';
import { parseSubuids, readGroups, readPasswd, readSubuidText, type SubuidRange } from './users.js';

/** getent would take it for one, as strtoul(3) does. */
const isNumber = (name: string) => /^\s*[+-]?\d+$/.test(name);

const clock = new SystemClock();
/** For all names of a configuration together. */
const LIMIT_MS = 3000;

/** Who somebody is could not be asked: that is no fault of the configuration, and may be otherwise the next time. */
export class SilentDirectory extends Error {
  override readonly name = 'SilentDirectory';

  constructor(name: string) {
    super(
      `nobody has said within ${LIMIT_MS / 1000} s who ${name} is (nsswitch.conf(5)): is the directory there?`,
    );
  }
}

/** Found at the start: to ask again takes a process, which is not to be made once there are clients (nss.ts). */
const remembered = new Map<string, number>();

/**
 * The numbers of names, for whoever reads a configuration at the start: the files as they are when it is made, each other
 * name asked for once. Waits for NSS. Throws SilentDirectory.
 */
export class NamesNow {
  readonly #users = readPasswd().uids;
  readonly #groups = readGroups();
  readonly #unknown = new Set<string>();
  #leftMs = LIMIT_MS;

  constructor(private readonly ask = askNow) {}

  user(name: string): number | null {
    return this.#users.get(name) ?? this.#ask('passwd', name);
  }

  group(name: string): number | null {
    return this.#groups.get(name) ?? this.#ask('group', name);
  }

  #ask(database: Database, name: string): number | null {
    const key = `${database} ${name}`;
    if (isNumber(name) || this.#unknown.has(key)) return null;
    const known = remembered.get(key);
    if (known !== undefined) return known;
    if (this.#leftMs <= 0) throw new SilentDirectory(name);
    const began = clock.now();
    const found = this.ask(database, [name], Math.ceil(this.#leftMs));
    this.#leftMs -= clock.now() - began;
    if (found === null) throw new SilentDirectory(name);
    // A directory may write the name otherwise (SSSD: without its domain).
    const id = found[0]?.id;
    if (id === undefined) this.#unknown.add(key);
    else remembered.set(key, id);
    return id ?? null;
  }
}

/**
 * The same while there are clients: a name that no file has is `missing`, until `learn` has asked for all of them at once.
 * The configuration is read again then.
 */
export class NamesLater {
  readonly #users = readPasswd().uids;
  readonly #groups = readGroups();
  readonly #asked = new Map<string, number | null>();
  readonly #missing: Record<Database, Set<string>> = { passwd: new Set(), group: new Set() };

  constructor(private readonly resolver: Pick<Resolver, 'ask'>) {}

  user(name: string): number | null {
    return this.#users.get(name) ?? this.#find('passwd', name);
  }

  group(name: string): number | null {
    return this.#groups.get(name) ?? this.#find('group', name);
  }

  get missing(): boolean {
    return this.#missing.passwd.size + this.#missing.group.size > 0;
  }

  /** Throws SilentDirectory. */
  async learn(): Promise<void> {
    for (const database of ['passwd', 'group'] as const) {
      for (const name of this.#missing[database]) {
        const found = await this.resolver.ask(database, [name]);
        if (found === null) throw new SilentDirectory(name);
        this.#asked.set(`${database} ${name}`, found[0]?.id ?? null);
      }
      this.#missing[database].clear();
    }
  }

  #find(database: Database, name: string): number | null {
    if (isNumber(name)) return null;
    const known = this.#asked.get(`${database} ${name}`);
    if (known === undefined) this.#missing[database].add(name);
    return known ?? null;
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
