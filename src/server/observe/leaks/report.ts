/**
 * What looks like a leak, in the shape of openapi.yaml: forgotten buffers, processes that only grow,
 * and released memory that somebody still has. Pure. None of it is proof: a buffer that was handed
 * out once may be in use all the time, which no one but its holders knows.
 */
import { type Clock, dateText } from '../../../memory/clock.js';
import type { BufferInfo, LeakReport } from '../../../rest/contract.js';
import type { Config } from '../../config/config.js';
import { incompleteness } from '../holders/report.js';
import type { Sweep } from '../holders/sweep.js';
import { type Growing, RISES, WINDOW } from './growth.js';

/** Buffers and processes that are shown one by one, those first that have waited longest. */
const MAX_SHOWN = 100;

export interface Observed {
  readonly buffers: readonly BufferInfo[];
  readonly growing: readonly Growing[];
  /** The last sample of the holders; null before the first. */
  readonly sweep: Sweep | null;
  readonly clock: Clock;
}

export function leakReport(config: Config['leaks'], observed: Observed): LeakReport {
  const { buffers, growing, sweep, clock } = observed;
  const now = clock.date(clock.now());
  const before = new Date(now - config.forgottenAfterSeconds * 1000).toISOString();
  const missing = sweep === null ? 'the holders were not looked at yet' : incompleteness(sweep);
  return {
    forgotten: {
      after_seconds: config.forgottenAfterSeconds,
      ...group(
        buffers.filter((buffer) => forgotten(buffer, before)),
        'last_used_at',
        now,
      ),
    },
    growing: {
      sample_seconds: config.sampleSeconds,
      window: WINDOW,
      rises: RISES,
      sampled_at: sweep === null ? null : dateText(clock, sweep.scannedAt),
      missing,
      count: growing.length,
      processes: growing.slice(0, MAX_SHOWN).map((process) => growingView(process, clock)),
    },
    lingering: group(
      buffers.filter(({ state }) => state === 'lingering' || state === 'unknown'),
      'released_at',
      now,
    ),
  };
}

/**
 * A recalled buffer is being asked for, and a lease ends by itself. Dates are all written alike (`dateText`),
 * so that the earlier one is the lesser text: to parse one for each buffer takes longer than all else here.
 */
function forgotten({ state, last_used_at, recall, lifetime }: BufferInfo, before: string): boolean {
  const kept = state === 'live' || state === 'lost' || state === 'away';
  return kept && recall === null && lifetime.type !== 'lease' && last_used_at <= before;
}

function group(
  buffers: readonly BufferInfo[],
  since: 'last_used_at' | 'released_at',
  now: number,
): LeakReport['lingering'] {
  const aged = buffers
    .map((buffer) => ({ buffer, since: buffer[since] ?? buffer.created_at }))
    .sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
  const [oldest] = aged;
  return {
    count: aged.length,
    bytes: aged.reduce((sum, { buffer }) => sum + buffer.size, 0),
    oldest_seconds: oldest === undefined ? 0 : Math.max(0, (now - Date.parse(oldest.since)) / 1000),
    buffers: aged.slice(0, MAX_SHOWN).map(({ buffer, since }) => {
      const { id, name, state, size, owner } = buffer;
      return { id, name, state, size, since, owner };
    }),
  };
}

function growingView(
  { process, first, last }: Growing,
  clock: Clock,
): LeakReport['growing']['processes'][number] {
  const { startedAt, startTicks: _, ...info } = process;
  return {
    ...info,
    started_at: new Date(startedAt).toISOString(),
    from: first.memories,
    to: last.memories,
    since: dateText(clock, first.at),
  };
}
