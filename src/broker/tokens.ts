/**
 * Tokens: whoever shows one gets a buffer. They are kept as SHA-256 digests, so that looking one
 * up takes the same time whatever a guess has in common with a real one, and no dump shows one.
 */
import { createHash } from 'node:crypto';
import { BrokerError } from './errors.js';
import { newToken, type Random } from './id.js';
import { MAX_TOKEN_USES, MAX_TOKENS_PER_BUFFER } from './limits.js';

export interface TokenTerms {
  /** How often it can be redeemed, 1 … 1000. */
  readonly uses: number;
  /** The only user who may redeem it, or null for any. */
  readonly uid: number | null;
  /** Seconds that it is good for, or null: as long as its buffer. */
  readonly seconds: number | null;
}

interface Entry<T> {
  readonly target: T;
  readonly uid: number | null;
  /** Milliseconds on the broker's clock. */
  readonly expires: number | null;
  usesLeft: number;
}

export interface Issued {
  /** The secret; it is kept nowhere. */
  readonly token: string;
  readonly expires: number | null;
}

const digest = (token: string) => createHash('sha256').update(token).digest('base64');

export class Tokens<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #byTarget = new Map<T, Set<string>>();

  constructor(
    private readonly clock: () => number,
    private readonly random: Random,
  ) {}

  issue(target: T, terms: TokenTerms): Issued {
    if (!Number.isInteger(terms.uses) || terms.uses < 1 || terms.uses > MAX_TOKEN_USES) {
      throw new BrokerError('invalid_argument', `uses must be 1 to ${MAX_TOKEN_USES}`, {
        constraint: 'uses',
        requested: terms.uses,
        possible: { min: 1, max: MAX_TOKEN_USES },
      });
    }
    this.#dropExpired(target);
    const known = this.#byTarget.get(target) ?? new Set();
    if (known.size >= MAX_TOKENS_PER_BUFFER) {
      throw new BrokerError('limit_exceeded', 'too many outstanding tokens for this buffer', {
        constraint: 'tokens',
        requested: known.size + 1,
        possible: { max: MAX_TOKENS_PER_BUFFER },
      });
    }
    const token = newToken(this.random);
    const key = digest(token);
    const expires = terms.seconds === null ? null : this.clock() + terms.seconds * 1000;
    this.#entries.set(key, { target, uid: terms.uid, expires, usesLeft: terms.uses });
    this.#byTarget.set(target, known.add(key));
    return { token, expires };
  }

  /**
   * What the token stands for; uses it once. One answer for every kind of bad token. `admit` may
   * refuse by throwing: then the token is not used.
   */
  redeem(token: string, uid: number, admit: (target: T) => void = () => {}): T {
    const key = digest(token);
    const entry = this.#entries.get(key);
    const expired = entry?.expires != null && entry.expires <= this.clock();
    if (entry === undefined || expired || (entry.uid !== null && entry.uid !== uid)) {
      if (expired) this.#remove(key);
      throw new BrokerError(
        'invalid_token',
        'the token is unknown, used up, expired or not for you',
      );
    }
    admit(entry.target);
    entry.usesLeft--;
    if (entry.usesLeft === 0) this.#remove(key);
    return entry.target;
  }

  revoke(token: string): void {
    this.#remove(digest(token));
  }

  /** Outstanding tokens of a target. */
  count(target: T): number {
    this.#dropExpired(target);
    return this.#byTarget.get(target)?.size ?? 0;
  }

  revokeAll(target: T): void {
    for (const key of this.#byTarget.get(target) ?? []) this.#entries.delete(key);
    this.#byTarget.delete(target);
  }

  #dropExpired(target: T): void {
    const now = this.clock();
    for (const key of this.#byTarget.get(target) ?? []) {
      const expires = this.#entries.get(key)?.expires;
      if (expires != null && expires <= now) this.#remove(key);
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const known = this.#byTarget.get(entry.target);
    known?.delete(key);
    if (known?.size === 0) this.#byTarget.delete(entry.target);
  }
}
