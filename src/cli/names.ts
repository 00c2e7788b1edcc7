/**
 * What the users and groups in the daemon's answers are called. Only of a daemon on a socket: at a URL it may be
 * another machine's, whose numbers are other people.
 */
import { type AccountDatabase, accounts } from './accounts.js';
import type { Rest } from './rest.js';

/** Where an answer has such a number, whatever it is about. */
const KEYS: Readonly<Record<string, AccountDatabase>> = {
  uid: 'passwd',
  gid: 'group',
  groups: 'group',
};
/** A quota's key is one where its scope says so. */
const SCOPES: Readonly<Record<string, AccountDatabase>> = { user: 'passwd', group: 'group' };

export class Names {
  /** null: it has none. */
  readonly #known = {
    passwd: new Map<number, string | null>(),
    group: new Map<number, string | null>(),
  };

  constructor(private readonly asked: boolean) {}

  static of(rest: Rest): Names {
    return new Names('socketPath' in rest.target.place);
  }

  /** Asks for all that an answer has and that is not known yet, once for users and once for groups. */
  async learn(answer: unknown): Promise<this> {
    if (!this.asked) return this;
    const found = { passwd: new Set<number>(), group: new Set<number>() };
    collect(answer, found);
    const databases = ['passwd', 'group'] as const;
    await Promise.all(databases.map((each) => this.#ask(each, [...found[each]])));
    return this;
  }

  /** By name, or by number where there is none. */
  readonly user = (uid: number): string => this.nameOf('passwd', uid) ?? String(uid);

  nameOf(database: AccountDatabase, id: number): string | null {
    return this.#known[database].get(id) ?? null;
  }

  async #ask(database: AccountDatabase, ids: readonly number[]): Promise<void> {
    const known = this.#known[database];
    const unknown = ids.filter((id) => !known.has(id));
    for (const id of unknown) known.set(id, null);
    for (const { id, name } of await accounts(database, unknown)) {
      // A name of digits would be taken for another's number.
      if (!/^\d+$/.test(name)) known.set(id, name);
    }
  }
}

/** Nobody is called anything. */
export const NUMBERS = new Names(false);

function collect(answer: unknown, found: Readonly<Record<AccountDatabase, Set<number>>>): void {
  if (typeof answer !== 'object' || answer === null) return;
  for (const [key, value] of Object.entries(answer)) {
    const database = KEYS[key];
    if (database === undefined) collect(value, found);
    else for (const id of [value].flat()) if (typeof id === 'number') found[database].add(id);
  }
  const { scope, key } = answer as { readonly scope?: unknown; readonly key?: unknown };
  const database = typeof scope === 'string' ? SCOPES[scope] : undefined;
  if (database !== undefined && /^\d+$/.test(String(key))) found[database].add(Number(key));
}
