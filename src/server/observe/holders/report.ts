/**
 * The holders of one buffer in the shape of openapi.yaml, from a sweep and what the data plane knows.
 */
import { type Clock, dateText } from '../../../memory/clock.js';
import type { Holders } from '../../../rest/contract.js';
import type { BufferMemories } from '../../words/questions.js';
import type { Holder, Sweep } from './sweep.js';

/** Uses of several memories of one buffer by one process become one entry. */
export function merged(sweep: Sweep, identities: readonly string[]): Holder[] {
  const byPid = new Map<number, Holder>();
  for (const identity of identities) {
    for (const holder of sweep.holders.get(identity) ?? []) {
      const known = byPid.get(holder.pid);
      byPid.set(holder.pid, {
        ...holder,
        fds: holder.fds + (known?.fds ?? 0),
        mappings: holder.mappings + (known?.mappings ?? 0),
      });
    }
  }
  return [...byPid.values()].sort((a, b) => a.pid - b.pid);
}

function missing(
  sweep: Sweep,
  {
    identities,
    outside,
    opaque = false,
  }: Pick<BufferMemories, 'identities' | 'outside' | 'opaque'>,
): string | null {
  if (opaque) {
    return 'it was handed out as an opaque fd, too, which is the same device file in every process: nobody can tell who has it so';
  }
  if (identities.length === 0) {
    return 'an opaque fd is the same device file in every process: nobody can tell who has which memory';
  }
  if (outside > 0) {
    return whyOutside(outside);
  }
  return incompleteness(sweep);
}

export const whyOutside = (count: number): string =>
  `${count} that were handed it are in a pid namespace that cannot be seen from here`;

/** Why a sweep has not seen everybody; null where it has. */
export function incompleteness({ unreadable, hidden }: Sweep): string | null {
  if (hidden) return 'processes of other users are hidden (ProtectProc= of the unit, or hidepid=)';
  if (unreadable === 0) return null;
  return `${unreadable} processes of other users cannot be read: dmabroker-holders.socket is not there, or does not serve this daemon`;
}

/**
 * A report as the processes of one user could make it: of those of others they cannot see what they
 * have open (proc(5)).
 */
export function ownHolders({ holders, ...report }: Holders, uid: number): Holders {
  return {
    ...report,
    holders: holders.filter((holder) => holder.uid === uid),
    complete: false,
    missing: 'processes of other users are not shown',
  };
}

export function holdersReport(
  { identities, clients, outside, opaque = false }: BufferMemories,
  sweep: Sweep,
  clock: Clock,
): Holders {
  const own = identities.map((identity) => sweep.own.get(identity));
  const why = missing(sweep, { identities, outside, opaque });
  return {
    holders: merged(sweep, identities).map(({ startedAt, startTicks: _, ...holder }) => ({
      ...holder,
      started_at: new Date(startedAt).toISOString(),
      clients: clients.filter(({ pid }) => pid === holder.pid).map(({ id }) => id),
    })),
    daemon: {
      fds: own.reduce((sum, use) => sum + (use?.fds ?? 0), 0),
      mappings: own.reduce((sum, use) => sum + (use?.mappings ?? 0), 0),
    },
    complete: why === null,
    missing: why,
    unreadable: sweep.unreadable,
    scanned_at: dateText(clock, sweep.scannedAt),
  };
}
