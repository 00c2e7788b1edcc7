/** `dmabrokerctl top`: the largest buffers and who has how much, as it changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BufferInfo, QuotaInfo, UserInfo } from '../../rest/contract.js';
import { BUFFERS, USERS } from '../columns.js';
import { common, type MakeCommand } from '../command.js';
import { Refused } from '../failure.js';
import { number } from '../numbers.js';
import { lineWidth, printJson, printLines } from '../output.js';
import { bytes } from '../printable.js';
import type { Rest } from '../rest.js';
import { withScreen } from '../screen.js';
import { cut, tableLines } from '../table.js';

interface Options {
  readonly interval: number;
  readonly limit: number;
  readonly once?: boolean;
}

/** What is shown, and printed as JSON. */
interface Snapshot {
  readonly time: string;
  /** null for an owner, who is not told of everybody's. */
  readonly daemon: QuotaInfo | null;
  readonly users: readonly UserInfo[];
  /** The largest first. */
  readonly buffers: readonly BufferInfo[];
}

export const topCommand: MakeCommand = (program) => {
  program
    .command('top')
    .description('the largest buffers and the users, again and again; q ends it')
    .addOption(
      new Option('--interval <seconds>', 'between two looks, e.g. 0.5')
        .argParser(interval)
        .default(2),
    )
    .option('--limit <number>', 'how many buffers to show', number, 50)
    .option('--once', 'look once')
    .action(async ({ once, limit, ...options }: Options, command: Command) => {
      const { rest, json } = common(command);
      const stop = new AbortController();
      const look = () => snapshot(rest, limit);
      if (once) {
        const found = await look();
        if (json) return printJson(found);
        return printLines(lines(found));
      }
      if (process.stdout.isTTY && !json) {
        return withScreen(stop, (screen) =>
          repeat(options.interval, stop.signal, async () => screen.draw(lines(await look()))),
        );
      }
      await repeat(options.interval, stop.signal, async () => {
        const found = await look();
        printLines(json ? [JSON.stringify(found)] : [...lines(found), '']);
      });
    });
};

async function snapshot(rest: Rest, limit: number): Promise<Snapshot> {
  const query = new URLSearchParams({ sort: '-size' });
  const [daemon, users, { items: buffers }] = await Promise.all([
    rest.get<QuotaInfo>('/v1/quotas/daemon/default').catch(nullWhereNone),
    rest.get<UserInfo[]>('/v1/users'),
    rest.page<BufferInfo>('/v1/buffers', query, limit),
  ]);
  return { time: new Date().toISOString(), daemon, users, buffers };
}

/** Until the signal is aborted; what fails ends it. */
async function repeat(
  seconds: number,
  signal: AbortSignal,
  once: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await once();
    await sleep(seconds * 1000, undefined, { signal }).catch(() => {});
  }
}

function lines({ time, daemon, users, buffers }: Snapshot): string[] {
  const width = lineWidth();
  return [
    cut(totals(time, daemon), width),
    '',
    ...tableLines(USERS, users, 'no users', width),
    '',
    ...tableLines(BUFFERS, buffers, 'no buffers', width),
  ];
}

function nullWhereNone(error: unknown): null {
  if (error instanceof Refused && error.problem.code === 'not_found') return null;
  throw error;
}

function totals(time: string, daemon: QuotaInfo | null): string {
  if (daemon === null) return time;
  const { charge, settings } = daemon;
  const limit = (value: number | null, text: (count: number) => string) =>
    value === null ? 'no limit' : text(value);
  const memory = `${bytes(charge?.bytes ?? 0)} / ${limit(settings.bytes.value, bytes)}`;
  const buffers = `${charge?.buffers ?? 0} / ${limit(settings.buffers.value, String)}`;
  const fds = `${charge?.fds ?? 0} / ${limit(settings.fds.value, String)}`;
  return `${time}  memory ${memory}  buffers ${buffers}  fds ${fds}`;
}

function interval(text: string): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  // Each look is three requests, of which the daemon takes so many a second from a user.
  if (!(seconds >= 0.1 && seconds <= 86_400)) {
    throw new InvalidArgumentError(`${text} is no interval from 0.1 to 86400 seconds.`);
  }
  return seconds;
}
