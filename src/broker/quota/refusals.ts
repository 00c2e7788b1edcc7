/**
 * How a quota refuses: which scope and dimension, its limit, what is in use, what was asked for and
 * what would have been possible.
 */

import {
  type Amount,
  DIMENSIONS,
  type Dimension,
  type SharedDimension,
} from '../../memory/charged.js';
import { BrokerError } from '../../memory/errors.js';
import { askedFor, isExact } from '../../memory/exact.js';
import type { Possible } from '../../memory/refusal-words.js';
import type { Account } from './account.js';
import { burst } from './bucket.js';

/** What must be recalled from whom so that a user below its share can be served. */
export interface Need {
  /** The source whose capacity is short, or null: the daemon's. */
  readonly source: string | null;
  readonly dimension: SharedDimension;
  readonly shortfall: number;
  /** What each user holds above its share. */
  readonly over: ReadonlyMap<number, number>;
}

/**
 * When a user that is below its share may ask again; or how much less than it lacks can be had back at
 * most, in the dimension that is short.
 */
export type Prospect = { readonly afterSeconds: number } | { readonly recallable: number };

/** The refusal of a user below its share. */
export class ShareRefusal extends BrokerError {
  constructor(
    refused: BrokerError,
    readonly need: Need,
  ) {
    super(refused.code, refused.message, refused.refusal);
  }
}

const names: Record<Dimension, string> = {
  bytes: 'bytes',
  buffers: 'buffers',
  fds: 'file descriptors',
  pending: 'pending allocations',
};

const subject = ({ scope, key }: Account) =>
  scope === 'daemon'
    ? 'the daemon'
    : `${scope === 'connection' ? 'this' : 'the'} ${scope}${
        scope === 'connection' ? '' : ` ${key}`
      }`;

interface Refused {
  readonly account: Account;
  readonly dimension: Dimension;
  readonly limit: number;
  readonly requested: number;
  /** What could have been had. */
  readonly max: number;
  /** Why it is less than what the limit leaves, where it is. */
  readonly why?: string;
}

export function exceeded({ account, dimension, limit, requested, max, why }: Refused): BrokerError {
  const inUse = account.charge[dimension];
  const lingering = account.lingering[dimension];
  const possible = Math.max(0, max);
  const still = lingering > 0 ? `, ${lingering} of them released and still held` : '';
  const text =
    `${subject(account)} may have ${limit} ${names[dimension]} and has ${inUse}${still}: ` +
    `${isExact(requested) ? requested : 'so many'} more are not possible${why === undefined ? '' : ` (${why})`}`;
  return new BrokerError('limit_exceeded', text, {
    constraint: `quota.${account.scope}.${dimension}`,
    ...askedFor(requested),
    possible: { max: possible },
    quota: { scope: account.scope, key: account.key, dimension, limit, in_use: inUse, lingering },
  });
}

interface Hasty {
  readonly seconds: number | null;
  /** How many at once. */
  readonly requested: number;
  readonly now: number;
}

/** Of several equal allocations: how many of them would keep within the limit that refuses all. */
export function counted(error: BrokerError, each: Amount, count: number): BrokerError {
  const { quota, possible } = error.refusal;
  const max = (possible as { readonly max?: number } | undefined)?.max;
  const dimension = DIMENSIONS.find((name) => name === quota?.dimension);
  if (count === 1 || max === undefined || dimension === undefined) return error;
  const most = Math.floor(max / each[dimension]);
  const text = `${error.message}; ${most} of the ${count} buffers are`;
  const refusal = { ...error.refusal, possible: { max, count: most } };
  const told = new BrokerError(error.code, text, refusal);
  return error instanceof ShareRefusal ? new ShareRefusal(told, error.need) : told;
}

/** `seconds`: null, where so many are never had at once; `now`: how many could be had. */
export function tooFast(
  account: Account,
  rate: number,
  { seconds, requested, now }: Hasty,
): BrokerError {
  const wait = seconds === null ? null : Math.ceil(seconds * 1000) / 1000;
  const when = wait === null ? `${requested} at once are never possible` : `again in ${wait} s`;
  return new BrokerError(
    'limit_exceeded',
    `${subject(account)} may allocate ${rate} times a second: ${when}`,
    {
      constraint: `quota.${account.scope}.allocations_per_second`,
      requested,
      possible: {
        ...(wait === null ? { max: Math.floor(burst(rate)) } : { after_seconds: wait }),
        ...(requested > 1 && { count: now }),
      },
      quota: {
        scope: account.scope,
        key: account.key,
        dimension: 'allocations_per_second',
        limit: rate,
        in_use: rate,
        lingering: 0,
      },
    },
  );
}

/** The same refusal, and what becomes of it by recalling from others. */
export function recalling(
  { message, refusal, need }: ShareRefusal,
  prospect: Prospect,
): BrokerError {
  const told = (text: string, possible: Possible) => {
    const error = new BrokerError('limit_exceeded', `${message}; ${text}`, {
      ...refusal,
      possible,
    });
    return new ShareRefusal(error, need);
  };
  const { possible: most } = refusal;
  if ('recallable' in prospect) {
    const { recallable } = prospect;
    const bounds = typeof most === 'object' && !Array.isArray(most) ? most : {};
    const possible: Possible = { ...bounds, recalling: false, recallable };
    return told(`${recallable} can be recalled, which is not enough`, possible);
  }
  const { afterSeconds: seconds } = prospect;
  const possible = { ...(most as object), recalling: true, after_seconds: seconds };
  return told(`it is being recalled: ask again in ${seconds} s`, possible);
}
