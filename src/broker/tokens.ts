/**
 * Tokens: whoever shows one gets a buffer. They are kept as SHA-256 digests, so that no dump shows
 * one, and found by the whole digest as text: what a guess has in common with a real token does not show
 * in its digest, so that the time of the look-up tells nothing, nor does how the texts are compared.
 */
import crypto from 'node:crypto';
import { after, type Clock, type Monotonic } from '../memory/clock.js';
import { BrokerError } from '../memory/errors.js';
import { MAX_TOKEN_USES, MAX_TOKENS, MAX_TOKENS_PER_BUFFER } from '../memory/limits.js';
import { FairPool } from './fair-pool.js';
import { newToken, type Random } from './id.js';
import { includes, type Principals } from './policy.js';
import type { PartialPeer } from './who.js';

export interface TokenTerms {
  /** How often it can be redeemed, 1 … 1000. */
  readonly uses: number;
  /** The only user who may redeem it, or null for any. */
  readonly uid: number | null;
  /** Seconds that it is good for, or null: as long as its buffer. */
  readonly seconds: number | null;
  /** Whether who redeems it may renew the buffer's lease; by default not. */
  readonly mayRenew?: boolean;
  /** The only users and groups who may redeem it, or null for any. */
  readonly audience?: Principals | null;
}

/** What may be shown of a token. */
export interface TokenInfo {
  /** `t1`, `t2`, …: never used again while the daemon runs. */
  readonly id: string;
  readonly uid: number | null;
  readonly mayRenew: boolean;
  readonly createdAt: Monotonic;
  readonly expires: Monotonic | null;
  readonly usesLeft: number;
}

interface Entry<T> extends TokenInfo, Found<T> {
  readonly key: string;
  readonly audience: Principals | null;
  /** The user that made it, whose part of the tokens it is. */
  readonly issuer: number;
  usesLeft: number;
}

/** What outlives the daemon. */
export interface KeptToken extends TokenInfo {
  readonly audience: Principals | null;
  /** As text (`digestOf`). */
  readonly digest: string;
  readonly issuer: number;
}

export interface Issued {
  readonly info: TokenInfo;
  /** The secret; it is kept nowhere. */
  readonly token: string;
}

/** A token that was found, and what it stands for. */
export interface Found<T> {
  readonly target: T;
  /** As in TokenInfo. */
  readonly id: string;
  readonly mayRenew: boolean;
}

const ALGORITHM = 'sha256';
const asObject = (token: string) =>
  crypto.createHash(ALGORITHM).update(token).digest().toString('base64');

/** What is kept of a token, as text. At once a digest takes a fifth of the time; Node has that since 20.12. */
export const digestOf: (token: string) => string =
  typeof crypto.hash === 'function' ? (token) => crypto.hash(ALGORITHM, token, 'base64') : asObject;

export class Tokens<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #byTarget = new Map<T, Map<string, string>>();
  readonly #pool = new FairPool(MAX_TOKENS);
  #lastId = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** For the user `issuer`: nobody takes away how often others may share a buffer that they have, too. */
  issue(target: T, terms: TokenTerms, issuer: number): Issued {
    checkUses(terms);
    this.#dropExpired(target);
    const known = this.#byTarget.get(target) ?? new Map<string, string>();
    let own = 0;
    for (const key of known.values()) if (this.#entries.get(key)?.issuer === issuer) own++;
    if (own >= MAX_TOKENS_PER_BUFFER) {
      throw tooMany('of this buffer', own + 1, MAX_TOKENS_PER_BUFFER);
    }
    if (!this.#pool.take(issuer, 1)) throw tooMany('of all buffers', 1, 0);
    const token = newToken(this.random);
    const key = digestOf(token);
    const now = this.clock.now();
    const entry: Entry<T> = {
      key,
      target,
      audience: terms.audience ?? null,
      issuer,
      id: `t${++this.#lastId}`,
      uid: terms.uid,
      mayRenew: terms.mayRenew ?? false,
      createdAt: now,
      expires: terms.seconds === null ? null : after(now, terms.seconds * 1000),
      usesLeft: terms.uses,
    };
    this.#entries.set(key, entry);
    this.#byTarget.set(target, known.set(entry.id, key));
    return { info: infoOf(entry), token };
  }

  kept(target: T): KeptToken[] {
    const keys = [...(this.#byTarget.get(target)?.values() ?? [])];
    return keys.flatMap((key) => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return [];
      return [{ ...infoOf(entry), audience: entry.audience, digest: key, issuer: entry.issuer }];
    });
  }

  /** Those of a target that were kept, whatever the limits. */
  restore(target: T, tokens: readonly KeptToken[]): void {
    const known = this.#byTarget.get(target) ?? new Map<string, string>();
    for (const { digest: key, ...token } of tokens) {
      this.#pool.overdraw(token.issuer, 1);
      this.#entries.set(key, { ...token, key, target });
      known.set(token.id, key);
    }
    if (known.size > 0) this.#byTarget.set(target, known);
  }

  /** The number of the last one that was made. */
  get last(): number {
    return this.#lastId;
  }

  set last(number: number) {
    this.#lastId = number;
  }

  /** Throws where a user could not make a token on these terms for something new. */
  check(terms: TokenTerms, issuer: number): void {
    checkUses(terms);
    if (!this.#pool.take(issuer, 1)) throw tooMany('of all buffers', 1, 0);
    this.#pool.give(issuer, 1);
  }

  /** What the token stands for; it is not used yet. Throws alike for every kind of bad token. */
  find(token: string, who: Pick<PartialPeer, 'uid' | 'gid' | 'groups'>): Found<T> {
    const key = digestOf(token);
    const entry = this.#entries.get(key);
    const expired =
      entry !== undefined && entry.expires !== null && entry.expires <= this.clock.now();
    if (
      entry === undefined ||
      expired ||
      (entry.uid !== null && entry.uid !== who.uid) ||
      !admits(entry, who)
    ) {
      if (expired) this.#remove(key);
      throw new BrokerError(
        'invalid_token',
        'the token is unknown, used up, expired or not for you',
      );
    }
    return entry;
  }

  /** Uses once what was found just now. */
  use(found: Found<T>): void {
    const entry = found as Entry<T>;
    entry.usesLeft--;
    if (entry.usesLeft === 0) this.#remove(entry.key);
  }

  /** Returns false where the target has no such token (any more). */
  revoke(target: T, id: string): boolean {
    this.#dropExpired(target);
    const key = this.#byTarget.get(target)?.get(id);
    if (key === undefined) return false;
    this.#remove(key);
    return true;
  }

  /** When the first of a target's tokens expires; null: never. */
  nextExpiry(target: T): Monotonic | null {
    let next: Monotonic | null = null;
    for (const key of this.#byTarget.get(target)?.values() ?? []) {
      const expires = this.#entries.get(key)?.expires ?? null;
      if (expires !== null && (next === null || expires < next)) next = expires;
    }
    return next;
  }

  /** Those that can still be redeemed, oldest first. */
  list(target: T): TokenInfo[] {
    this.#dropExpired(target);
    const keys = [...(this.#byTarget.get(target)?.values() ?? [])];
    return keys.flatMap((key) => {
      const entry = this.#entries.get(key);
      return entry === undefined ? [] : [infoOf(entry)];
    });
  }

  /** Outstanding tokens of a target. */
  count(target: T): number {
    this.#dropExpired(target);
    return this.#byTarget.get(target)?.size ?? 0;
  }

  revokeAll(target: T): void {
    for (const key of [...(this.#byTarget.get(target)?.values() ?? [])]) this.#remove(key);
  }

  #dropExpired(target: T): void {
    const known = this.#byTarget.get(target);
    if (known === undefined) return;
    const now = this.clock.now();
    // A Map may lose what is looked at.
    for (const key of known.values()) {
      const expires = this.#entries.get(key)?.expires;
      if (expires != null && expires <= now) this.#remove(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#pool.give(entry.issuer, 1);
    const known = this.#byTarget.get(entry.target);
    known?.delete(entry.id);
    if (known?.size === 0) this.#byTarget.delete(entry.target);
  }
}

function checkUses({ uses }: TokenTerms): void {
  if (Number.isInteger(uses) && uses >= 1 && uses <= MAX_TOKEN_USES) return;
  throw new BrokerError('invalid_argument', `uses must be 1 to ${MAX_TOKEN_USES}`, {
    constraint: 'uses',
    requested: uses,
    possible: { min: 1, max: MAX_TOKEN_USES },
  });
}

function admits<T>(
  { audience }: Entry<T>,
  who: Pick<PartialPeer, 'uid' | 'gid' | 'groups'>,
): boolean {
  return audience === null || includes(audience, who);
}

function tooMany(what: string, requested: number, max: number): BrokerError {
  const message = `the user has too many tokens ${what} that can still be redeemed`;
  return new BrokerError('limit_exceeded', message, {
    constraint: 'tokens',
    requested,
    possible: { max },
  });
}

function infoOf({ id, uid, mayRenew, createdAt, expires, usesLeft }: TokenInfo): TokenInfo {
  return { id, uid, mayRenew, createdAt, expires, usesLeft };
}
