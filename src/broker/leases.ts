/**
 * Leases: buffers that the broker keeps for so many seconds unless they are renewed. At its end a
 * lease is recalled, everybody who has the buffer is told, and when the period of grace is over the
 * broker lets go of it. Nothing is taken from anybody: fds that were handed out stay good.
 *
 * Moments are on a clock that only goes forward; setting the machine's date ends no lease. Each is also
 * kept as the date that it was when it was set: what is shown of a lease changes only when the lease does.
 */
import type { BrokerBuffer } from './buffer.js';
import { Deadlines } from './deadlines.js';
import { BrokerError } from './errors.js';
import { DEFAULT_LEASE_GRACE_SECONDS, MAX_LEASE_SECONDS } from './limits.js';

export interface Lease {
  /** What was asked for last. */
  readonly seconds: number;
  /** Seconds until it ends; negative where it has. */
  readonly endsIn: number;
  /** Seconds until the broker lets go of the buffer, where it has been recalled; else null. */
  readonly graceLeft: number | null;
  /** Both as dates, in milliseconds since the epoch. */
  readonly endDate: number;
  readonly letGoDate: number | null;
}

/** On the clock that only goes forward, and by the machine's date. */
interface Moment {
  readonly at: number;
  readonly date: number;
}

interface Entry {
  readonly seconds: number;
  readonly end: Moment;
  readonly letGo: Moment | null;
}

/** Throws where a lease may not be so long. */
export function checkLease(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_LEASE_SECONDS) return;
  throw new BrokerError('invalid_argument', `a lease has 1 to ${MAX_LEASE_SECONDS} seconds`, {
    constraint: 'seconds',
    requested: seconds,
    possible: { min: 1, max: MAX_LEASE_SECONDS },
  });
}

export class Leases {
  readonly #entries = new Map<BrokerBuffer, Entry>();
  readonly #deadlines = new Deadlines<BrokerBuffer>();
  /** From the recall until the broker lets go. */
  graceSeconds = DEFAULT_LEASE_GRACE_SECONDS;

  constructor(
    /** Milliseconds on a clock that only goes forward. */
    private readonly elapsed: () => number,
    /** Milliseconds since the epoch. */
    private readonly now: () => number,
    private readonly letGo: (buffer: BrokerBuffer) => void,
    /** Its lease is another than it was. */
    private readonly changed: (buffer: BrokerBuffer) => void,
    /** It has ended, and the broker will let go in so many seconds. */
    private readonly recalled: (buffer: BrokerBuffer, seconds: number) => void,
  ) {}

  start(buffer: BrokerBuffer, seconds: number): void {
    checkLease(seconds);
    this.#set(buffer, { seconds, end: this.#in(seconds), letGo: null });
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
    const end = this.#in(seconds);
    if (end.at > entry.end.at) this.#set(buffer, { seconds, end, letGo: null });
    this.changed(buffer);
    const lease = this.of(buffer) as Lease;
    for (const watcher of [...buffer.watchers]) watcher.leased?.(lease.endsIn);
    return lease;
  }

  of(buffer: BrokerBuffer): Lease | null {
    const entry = this.#entries.get(buffer);
    if (entry === undefined) return null;
    const { seconds, end, letGo } = entry;
    const until = ({ at }: Moment) => (at - this.elapsed()) / 1000;
    return {
      seconds,
      endsIn: until(end),
      graceLeft: letGo === null ? null : Math.max(0, until(letGo)),
      endDate: end.date,
      letGoDate: letGo?.date ?? null,
    };
  }

  /** The registry has let go of a buffer. */
  released(buffer: BrokerBuffer): void {
    this.#entries.delete(buffer);
    this.#deadlines.delete(buffer);
  }

  /** Recalls what has ended, and lets go of what was recalled and is out of grace. */
  run(): void {
    const now = this.elapsed();
    for (let buffer = this.#deadlines.take(now); buffer; buffer = this.#deadlines.take(now)) {
      const entry = this.#entries.get(buffer);
      if (entry === undefined) continue;
      if (entry.letGo !== null) this.letGo(buffer);
      else this.#recall(buffer, entry);
    }
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    const { next } = this.#deadlines;
    return next === null ? -1 : Math.max(0, Math.ceil(next - this.elapsed()));
  }

  #in(seconds: number): Moment {
    const milliseconds = seconds * 1000;
    return { at: this.elapsed() + milliseconds, date: this.now() + milliseconds };
  }

  #recall(buffer: BrokerBuffer, entry: Entry): void {
    this.#set(buffer, { ...entry, letGo: this.#in(this.graceSeconds) });
    this.recalled(buffer, this.graceSeconds);
  }

  #set(buffer: BrokerBuffer, entry: Entry): void {
    this.#entries.set(buffer, entry);
    this.#deadlines.set(buffer, (entry.letGo ?? entry.end).at);
  }
}
