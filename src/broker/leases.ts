/**
 * Leases: buffers that the broker keeps for so many seconds unless they are renewed. At its end a
 * lease is recalled, everybody who has the buffer is told, and when the period of grace is over the
 * broker lets go of it. Nothing is taken from anybody: fds that were handed out stay good.
 */

import { after, type Clock, type Monotonic } from '../memory/clock.js';
import { BrokerError } from '../memory/errors.js';
import { DEFAULT_LEASE_GRACE_SECONDS } from '../memory/limits.js';
import type { BrokerBuffer } from './buffer.js';
import { Deadlines } from './deadlines.js';
import { checkLease } from './lifetime.js';

export interface Lease {
  /** What was asked for last. */
  readonly seconds: number;
  /** Seconds until it ends; negative where it has. */
  readonly endsIn: number;
  /** Seconds until the broker lets go of the buffer, where it has been recalled; else null. */
  readonly graceLeft: number | null;
  readonly endsAt: Monotonic;
  readonly letGoAt: Monotonic | null;
}

/** What outlives the daemon. */
export interface KeptLease {
  readonly seconds: number;
  readonly endsAt: Monotonic;
  readonly letGoAt: Monotonic | null;
}

export class Leases {
  readonly #entries = new Map<BrokerBuffer, KeptLease>();
  readonly #deadlines = new Deadlines<BrokerBuffer>();
  /** From the recall until the broker lets go. */
  graceSeconds = DEFAULT_LEASE_GRACE_SECONDS;

  constructor(
    private readonly clock: Clock,
    private readonly letGo: (buffer: BrokerBuffer) => void,
    /** Its lease is another than it was. */
    private readonly changed: (buffer: BrokerBuffer) => void,
    /** It has ended, and the broker will let go in so many seconds. */
    private readonly recalled: (buffer: BrokerBuffer, seconds: number) => void,
  ) {}

  start(buffer: BrokerBuffer, seconds: number): void {
    checkLease(seconds);
    this.#set(buffer, { seconds, endsAt: this.#in(seconds), letGoAt: null });
  }

  kept(buffer: BrokerBuffer): KeptLease | null {
    return this.#entries.get(buffer) ?? null;
  }

  /** Goes on where it was. */
  restore(buffer: BrokerBuffer, lease: KeptLease): void {
    this.#set(buffer, lease);
  }

  /** In place of another lifetime, or of the lease that it has. Tells everybody who has the buffer. */
  park(buffer: BrokerBuffer, seconds: number): void {
    if (this.#entries.has(buffer)) {
      this.renew(buffer, seconds);
      return;
    }
    this.start(buffer, seconds);
    this.#tell(buffer);
  }

  /**
   * The lease ends so many seconds from now, or later where it would have: a holder that renews
   * takes nothing from another. A recall is withdrawn. Tells everybody who has the buffer.
   */
  renew(buffer: BrokerBuffer, seconds: number): Lease {
    const entry = this.#entries.get(buffer);
    if (entry === undefined) {
      throw new BrokerError('invalid_argument', 'the buffer has no lease', {
        constraint: 'lifetime',
        requested: 'lease',
      });
    }
    checkLease(seconds);
    const endsAt = this.#in(seconds);
    if (endsAt > entry.endsAt) this.#set(buffer, { seconds, endsAt, letGoAt: null });
    return this.#tell(buffer);
  }

  #tell(buffer: BrokerBuffer): Lease {
    this.changed(buffer);
    const lease = this.of(buffer) as Lease;
    for (const watcher of [...buffer.watchers]) watcher.leased?.(lease.endsIn);
    return lease;
  }

  of(buffer: BrokerBuffer): Lease | null {
    const entry = this.#entries.get(buffer);
    if (entry === undefined) return null;
    const { endsAt, letGoAt } = entry;
    const until = (moment: Monotonic) => (moment - this.clock.now()) / 1000;
    return {
      ...entry,
      endsIn: until(endsAt),
      graceLeft: letGoAt === null ? null : Math.max(0, until(letGoAt)),
    };
  }

  /** The registry has let go of a buffer. */
  released(buffer: BrokerBuffer): void {
    this.#entries.delete(buffer);
    this.#deadlines.delete(buffer);
  }

  /** Recalls what has ended, and lets go of what was recalled and is out of grace. */
  run(): void {
    const now = this.clock.now();
    for (let buffer = this.#deadlines.take(now); buffer; buffer = this.#deadlines.take(now)) {
      const entry = this.#entries.get(buffer);
      if (entry === undefined) continue;
      if (entry.letGoAt !== null) this.letGo(buffer);
      else this.#recall(buffer, entry);
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    const { next } = this.#deadlines;
    return next === null ? -1 : Math.max(0, Math.ceil(next - this.clock.now()));
  }

  #in(seconds: number): Monotonic {
    return after(this.clock.now(), seconds * 1000);
  }

  #recall(buffer: BrokerBuffer, entry: KeptLease): void {
    this.#set(buffer, { ...entry, letGoAt: this.#in(this.graceSeconds) });
    this.recalled(buffer, this.graceSeconds);
  }

  #set(buffer: BrokerBuffer, entry: KeptLease): void {
    this.#entries.set(buffer, entry);
    this.#deadlines.set(buffer, entry.letGoAt ?? entry.endsAt);
  }
}
