/**
 * What there is room for: how much of a limit of the daemon's, a source's or a heap's nobody is charged,
 * and what memory takes of each. Spares of the pool may lie in it until somebody asks for it.
 */

import type { Amount } from '../../memory/charged.js';
import { everyFd } from '../../memory/faces.js';
import type { Allocation } from '../../memory/source.js';
import { heapAmounts } from './heaps.js';
import type { Ledger } from './ledger.js';
import type { Policy } from './policy.js';

export type Room = Pick<Amount, 'bytes' | 'fds'>;

export const NO_ROOM: Room = { bytes: 0, fds: 0 };

/** Whose a limit is: a source's or heap's, by the key of its account; null: the daemon's. */
export type Whose = string | null;

export class Rooms {
  constructor(
    private readonly ledger: Ledger,
    private readonly policy: Policy,
    /** As of QuotaOptions. */
    private readonly mainDevice: string | null,
  ) {}

  /** Infinite where there is no limit; negative where more is charged than a limit that came later. */
  of(whose: Whose): Room {
    const { accounts } = this.ledger;
    const account = whose === null ? accounts.daemon : accounts.find('source', whose);
    const { bytes, fds } =
      account?.settings ?? this.policy.settings(accounts.rulesFor('source', whose ?? ''));
    return {
      bytes: (bytes ?? Number.POSITIVE_INFINITY) - (account?.charge.bytes ?? 0),
      fds: (fds ?? Number.POSITIVE_INFINITY) - (account?.charge.fds ?? 0),
    };
  }

  takenBy(allocation: Allocation): ReadonlyMap<Whose, Room> {
    const { size: bytes, source } = allocation;
    const all = { bytes, fds: new Set(everyFd(allocation)).size };
    const heaps = heapAmounts(allocation, this.mainDevice);
    return new Map<Whose, Room>([[null, all], [source, all], ...heaps]);
  }
}
