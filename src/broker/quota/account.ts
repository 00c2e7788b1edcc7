/** An account: what is charged for one scope, and the settings that hold for it. */

import { type Amount, DIMENSIONS, NOTHING, type Scope } from '../../memory/charged.js';
import { Bucket } from './bucket.js';
import type { Settings } from './rules.js';

export class Account {
  readonly bucket = new Bucket();
  #charge: Amount = NOTHING;
  #lingering: Amount = NOTHING;
  /** Connections that are there and would be charged here. */
  live = 0;

  constructor(
    readonly scope: Scope,
    /** `default` for the daemon; a user's or group's number, the cgroup's path, the source, the connection. */
    readonly key: string,
    /** Whose it is, of a user, cgroup or connection. */
    readonly uid: number | null,
    public settings: Settings,
  ) {}

  get charge(): Amount {
    return this.#charge;
  }

  /** How much of the charge is for memory that its owners have released. */
  get lingering(): Amount {
    return this.#lingering;
  }

  get empty(): boolean {
    return DIMENSIONS.every((dimension) => this.#charge[dimension] === 0);
  }

  /** Adds, or takes away where the amount is negative. */
  add(amount: Amount): void {
    this.#charge = sum(this.#charge, amount);
  }

  /** So much of the charge lingers from now on, or no longer where the amount is negative. */
  linger(amount: Amount): void {
    this.#lingering = sum(this.#lingering, amount);
  }
}

function combine(a: Amount, b: Amount, by: (a: number, b: number) => number): Amount {
  return {
    bytes: by(a.bytes, b.bytes),
    buffers: by(a.buffers, b.buffers),
    fds: by(a.fds, b.fds),
    pending: by(a.pending, b.pending),
  };
}

export const sum = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x + y);
export const difference = (a: Amount, b: Amount): Amount => combine(a, b, (x, y) => x - y);
