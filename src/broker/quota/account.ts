/** An account: what is charged for one scope, and the settings that hold for it. */

import { type Amount, type Dimension, NOTHING, type Scope } from '../../memory/charged.js';
import { Bucket } from './bucket.js';
import type { Settings } from './rules.js';

/** What somebody has of something. */
export class Held {
  /** It changes in place: it is added to some times for every buffer. */
  readonly #charge = { ...NOTHING };

  constructor(
    /** Whose it is, of a user, cgroup or connection. */
    readonly uid: number | null,
  ) {}

  /** As it is now, and changes. */
  get charge(): Amount {
    return this.#charge;
  }

  get empty(): boolean {
    const { bytes, buffers, fds, pending } = this.#charge;
    return bytes === 0 && buffers === 0 && fds === 0 && pending === 0;
  }

  /** Adds, or takes away where the amount is negative. */
  add(amount: Amount): void {
    increase(this.#charge, amount);
  }
}

export class Account extends Held {
  readonly bucket = new Bucket();
  readonly #lingering = { ...NOTHING };
  /** Connections that are there and would be charged here. */
  live = 0;
  /** It is in no table any more. */
  dropped = false;

  constructor(
    readonly scope: Scope,
    /** `default` for the daemon; a user's or group's number, the cgroup's path, the source, the connection. */
    readonly key: string,
    uid: number | null,
    public settings: Settings,
  ) {
    super(uid);
  }

  /** How much of the charge is for memory that its owners have released. */
  get lingering(): Amount {
    return this.#lingering;
  }

  /** So much of the charge lingers from now on, or no longer where the amount is negative. */
  linger(amount: Amount): void {
    increase(this.#lingering, amount);
  }
}

function increase(sum: { -readonly [D in Dimension]: number }, amount: Amount): void {
  sum.bytes += amount.bytes;
  sum.buffers += amount.buffers;
  sum.fds += amount.fds;
  sum.pending += amount.pending;
}

export const sum = (a: Amount, b: Amount): Amount => {
  const both = { ...a };
  increase(both, b);
  return both;
};

export const difference = (a: Amount, b: Amount): Amount => ({
  bytes: a.bytes - b.bytes,
  buffers: a.buffers - b.buffers,
  fds: a.fds - b.fds,
  pending: a.pending - b.pending,
});
