/**
 * Leases: buffers that the broker keeps for so many seconds unless they are renewed. At its end a
 * lease is recalled, everybody who has the buffer is told, and when the period of grace is over the
 * broker lets go of it. Nothing is taken from anybody: fds that were handed out stay good.
 */

import { after, type Clock, type Monotonic } from '../memory/clock.js';
import { BrokerError } from '../memory/errors.js';
import { DEFAULT_LEASE_GRACE_SECONDS } from '../memory/limits.js';
import type { BrokerBuffer, Owner, Watcher } from './buffer.js';
import { Deadlines } from './deadlines.js';
import { checkLease } from './lifetime.js';
import type { Registry } from './registry.js';
import type { Surroundings } from './surroundings.js';
import { tellings } from './tellings.js';

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

interface Parts {
  readonly world: Surroundings;
  readonly registry: Registry;
  /** Its lease and the period of grace are over. */
  letGo(buffer: BrokerBuffer): void;
  /** It has ended, and the broker will let go in so many seconds. */
  recalled(buffer: BrokerBuffer, seconds: number): void;
}

export class Leases {
  readonly #entries = new Map<BrokerBuffer, KeptLease>();
  readonly #tellings = tellings((watcher, buffer) =>
    watcher.leased?.((this.of(buffer) as Lease).endsIn),
  );
  readonly #deadlines = new Deadlines<BrokerBuffer>();
  /** From the recall until the broker lets go. */
  graceSeconds = DEFAULT_LEASE_GRACE_SECONDS;

  constructor(private readonly parts: Parts) {}

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

  /**
   * Gives it a lease in place of the lifetime, or the lease, that it has: it does not end with its owner's connection.
   * Tells as `renew` does. Throws where a lease may not be so long, or it has been released.
   */
  park(
    buffer: BrokerBuffer,
    seconds: number,
    by: Owner | null = null,
    asker: Watcher | null = null,
  ): Lease {
    checkThere(buffer);
    if (this.#entries.has(buffer)) this.#prolong(buffer, seconds);
    else this.start(buffer, seconds);
    const lease = this.#tell(buffer, asker);
    buffer.lifetime = { lease: seconds };
    const { world, registry } = this.parts;
    registry.happened({ type: 'buffer.parked', buffer, seconds, by });
    world.changed(buffer);
    world.keep(buffer, () => {});
    return lease;
  }

  /**
   * The lease ends so many seconds from now, or later where it would have: a holder that renews
   * takes nothing from another. A recall is withdrawn. The asker is answered with what is returned; everybody else
   * who has the buffer is told in the next turns, and of the last of several renewals alone: who may renew
   * decides how often, and for how many. Throws where it has none, or has been released.
   */
  renew(
    buffer: BrokerBuffer,
    seconds: number,
    by: Owner | null = null,
    asker: Watcher | null = null,
  ): Lease {
    checkThere(buffer);
    this.#prolong(buffer, seconds);
    const lease = this.#tell(buffer, asker);
    this.parts.registry.happened({ type: 'buffer.renewed', buffer, seconds, by });
    return lease;
  }

  #prolong(buffer: BrokerBuffer, seconds: number): void {
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
  }

  #tell(buffer: BrokerBuffer, asker: Watcher | null): Lease {
    this.parts.world.changed(buffer);
    this.#tellings.begin(buffer, asker);
    return this.of(buffer) as Lease;
  }

  of(buffer: BrokerBuffer): Lease | null {
    const entry = this.#entries.get(buffer);
    if (entry === undefined) return null;
    const { endsAt, letGoAt } = entry;
    const until = (moment: Monotonic) => (moment - this.#clock.now()) / 1000;
    return {
      ...entry,
      endsIn: until(endsAt),
      graceLeft: letGoAt === null ? null : Math.max(0, until(letGoAt)),
    };
  }

  /** The registry has let go of a buffer. */
  released(buffer: BrokerBuffer): void {
    this.#entries.delete(buffer);
    this.#tellings.end(buffer);
    this.#deadlines.delete(buffer);
  }

  /** Tells of renewals, recalls what has ended, and lets go of what was recalled and is out of grace. */
  run(): void {
    this.#tellings.run();
    const now = this.#clock.now();
    for (let buffer = this.#deadlines.take(now); buffer; buffer = this.#deadlines.take(now)) {
      const entry = this.#entries.get(buffer);
      if (entry === undefined) continue;
      if (entry.letGoAt !== null) this.parts.letGo(buffer);
      else this.#recall(buffer, entry);
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#tellings.waiting) return 0;
    const { next } = this.#deadlines;
    return next === null ? -1 : Math.max(0, Math.ceil(next - this.#clock.now()));
  }

  get #clock(): Clock {
    return this.parts.world.clock;
  }

  #in(seconds: number): Monotonic {
    return after(this.#clock.now(), seconds * 1000);
  }

  #recall(buffer: BrokerBuffer, entry: KeptLease): void {
    // A lease that is told after it would withdraw it.
    this.#tellings.end(buffer);
    this.#set(buffer, { ...entry, letGoAt: this.#in(this.graceSeconds) });
    this.parts.recalled(buffer, this.graceSeconds);
  }

  #set(buffer: BrokerBuffer, entry: KeptLease): void {
    this.#entries.set(buffer, entry);
    this.#deadlines.set(buffer, entry.letGoAt ?? entry.endsAt);
  }
}

function checkThere({ released }: BrokerBuffer): void {
  if (released) throw new BrokerError('not_found', 'the buffer is released');
}
