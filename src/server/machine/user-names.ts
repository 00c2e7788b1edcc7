/**
 * What users are called where they are shown. Whoever asks waits for NSS (nss.ts) with nobody else waiting: one
 * question at a time, for all numbers that are not known, and each answer is good for a minute.
 *
 * Owns what it was told, of a bounded number of users.
 */
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { KEYS_AT_ONCE } from './nss.js';
import type { Resolver } from './resolver.js';
import { readPasswd } from './users.js';

const KNOWN_FOR_MS = 60_000;
export const MAX_USER_NAMES = 16_384;
/** (uid_t)-1 is nobody's. */
const LAST_UID = 4_294_967_294;

interface Known {
  /** Null: there is none, or it could not be asked for. */
  readonly name: string | null;
  readonly until: Monotonic;
}

export class UserNames {
  /** Those that are in no file, the oldest first. */
  readonly #known = new Map<number, Known>();
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly clock: Clock,
    private readonly resolver: Pick<Resolver, 'ask'>,
    private readonly local = () => readPasswd().names,
  ) {}

  /** The names of these users, as far as they have one. */
  async of(uids: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const local = this.local();
    const others = uids.filter((uid) => !local.has(uid) && uid <= LAST_UID);
    if (this.#unknown(others).length > 0) {
      this.#last = this.#last.then(() => this.#look(others));
      await this.#last;
    }
    const names = uids.map((uid) => [uid, local.get(uid) ?? this.#known.get(uid)?.name] as const);
    return new Map(names.filter((pair): pair is [number, string] => typeof pair[1] === 'string'));
  }

  #unknown(uids: readonly number[]): number[] {
    const now = this.clock.now();
    return uids.filter((uid) => (this.#known.get(uid)?.until ?? now) <= now);
  }

  async #look(uids: readonly number[]): Promise<void> {
    // Whoever was before may have asked for the same.
    const unknown = this.#unknown(uids);
    const names = new Map<number, string>();
    for (let at = 0; at < unknown.length; at += KEYS_AT_ONCE) {
      const entries = await this.resolver.ask('passwd', unknown.slice(at, at + KEYS_AT_ONCE));
      // Silent: so it would be for the rest.
      if (entries === null) break;
      for (const { name, id } of entries) if (!names.has(id)) names.set(id, name);
    }
    const until = after(this.clock.now(), KNOWN_FOR_MS);
    for (const uid of unknown) {
      this.#known.delete(uid);
      this.#known.set(uid, { name: names.get(uid) ?? null, until });
    }
    for (const uid of this.#known.keys()) {
      if (this.#known.size <= MAX_USER_NAMES) break;
      this.#known.delete(uid);
    }
  }
}
