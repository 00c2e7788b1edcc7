/**
 * Who has how much over all buffers, in the shape of openapi.yaml, from a sweep and what the data plane knows.
 * A memory counts once for each process that has it.
 */
import { type Clock, dateText } from '../../../memory/clock.js';
import type { Processes } from '../../../rest/contract.js';
import type { AllMemories } from '../../words/questions.js';
import { incompleteness, merged, whyOutside } from './report.js';
import type { Holder, Sweep } from './sweep.js';

interface Filter {
  readonly pid?: number | undefined;
  readonly uid?: number | undefined;
}

interface Having {
  readonly process: Holder;
  readonly buffers: Set<string>;
  bytes: number;
  pss: number;
  fds: number;
  mappings: number;
}

export function processesReport(
  { memories, clients, outside, opaque }: AllMemories,
  sweep: Sweep,
  clock: Clock,
  { pid, uid }: Filter = {},
  only: number | null = null,
): Processes {
  const byPid = new Map<number, Having>();
  for (const { identity, further, bytes, buffers } of memories) {
    // Who sees their own alone is not to infer others from their parts.
    const all =
      further === undefined
        ? (sweep.holders.get(identity) ?? [])
        : merged(sweep, [identity, further]);
    const holders = only === null ? all : all.filter((holder) => holder.uid === only);
    for (const process of holders) {
      if (pid !== undefined && process.pid !== pid) continue;
      if (uid !== undefined && process.uid !== uid) continue;
      const having = byPid.get(process.pid) ?? {
        process,
        buffers: new Set<string>(),
        bytes: 0,
        pss: 0,
        fds: 0,
        mappings: 0,
      };
      having.bytes += bytes;
      having.pss += bytes / holders.length;
      having.fds += process.fds;
      having.mappings += process.mappings;
      for (const buffer of buffers) having.buffers.add(buffer);
      byPid.set(process.pid, having);
    }
  }
  const missing = whatIsMissing(opaque, outside, sweep);
  return {
    processes: [...byPid.values()]
      .sort((a, b) => b.bytes - a.bytes || a.process.pid - b.process.pid)
      .map(({ process: { startedAt, startTicks: _, ...process }, buffers, pss, ...sums }) => ({
        ...process,
        ...sums,
        pss_bytes: Math.round(pss),
        buffers: buffers.size,
        started_at: new Date(startedAt).toISOString(),
        clients: clients.filter((client) => client.pid === process.pid).map(({ id }) => id),
      })),
    complete: missing === null,
    missing,
    unreadable: sweep.unreadable,
    scanned_at: dateText(clock, sweep.scannedAt),
  };
}

function whatIsMissing(opaque: number, outside: number, sweep: Sweep): string | null {
  if (opaque > 0) return `${opaque} buffers are opaque fds, of which nobody can tell who has them`;
  return outside > 0 ? whyOutside(outside) : incompleteness(sweep);
}

/** As the processes of one user could make it (`ownHolders`). */
export function ownProcesses(report: Processes, uid: number): Processes {
  return {
    ...report,
    processes: report.processes.filter((process) => process.uid === uid),
    complete: false,
    missing: 'processes of other users are not shown',
  };
}

/** The buffers whose memory a process has; of one user's processes, where `only` is a user. */
export function heldBy(
  { memories }: AllMemories,
  sweep: Sweep,
  pid: number,
  only: number | null,
): ReadonlySet<string> {
  const has = ({ identity, further }: AllMemories['memories'][number]) =>
    merged(sweep, further === undefined ? [identity] : [identity, further]).some(
      (holder) => holder.pid === pid && (only === null || holder.uid === only),
    );
  return new Set(memories.filter(has).flatMap(({ buffers }) => buffers));
}
