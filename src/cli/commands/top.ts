/** `dmabrokerctl top`: the largest buffers and who has how much, as it changes: on a screen, or line by line. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BufferInfo, QuotaInfo, UserInfo } from '../../rest/contract.js';
import { bufferSortValues } from '../../rest/openapi.gen.js';
import {
  addBufferFilters,
  type BufferFilters,
  filterQuery,
  withDevice,
} from '../buffer-filters.js';
import { BUFFERS, USERS } from '../columns.js';
import { common, type MakeCommand } from '../command.js';
import { Failure } from '../failure.js';
import { Names } from '../names.js';
import { number } from '../numbers.js';
import { oneOf } from '../options.js';
import { lineWidth, printJson, printLines } from '../output.js';
import { bytes, printable } from '../printable.js';
import type { Rest } from '../rest.js';
import { cut, tableLines } from '../table.js';
import { header, notUpToDate, passes } from '../top/asker.js';
import { startState, type TopState } from '../top/state.js';

interface Options extends BufferFilters {
  readonly interval: number;
  readonly limit?: number;
  readonly sort: string;
  readonly once?: boolean;
}

/** What is shown where there is no screen, and printed as JSON. */
interface Snapshot {
  readonly time: string;
  /** null for an owner, who is not told of everybody's. */
  readonly daemon: QuotaInfo | null;
  readonly users: readonly UserInfo[];
  readonly buffers: readonly BufferInfo[];
}

/** Where nothing scrolls. */
const AT_ONCE = 50;
const ON_SCREEN = 1000;

export const topCommand: MakeCommand = (program) => {
  const command = program
    .command('top')
    .description('the largest buffers and the users, again and again; ? shows the keys, q ends it')
    .addOption(
      new Option('--interval <seconds>', 'between two looks, e.g. 0.5')
        .argParser(interval)
        .default(2),
    )
    .addOption(oneOf('--sort <field>', 'how buffers are sorted', bufferSortValues).default('-size'))
    .option(
      '--limit <number>',
      `how many buffers to show (default: ${AT_ONCE}; on a screen ${ON_SCREEN})`,
      number,
    )
    .option('--once', 'look once');
  addBufferFilters(command).action(async (given: Options, command: Command) => {
    const { rest, json } = common(command);
    const options = await withDevice(rest, given);
    const names = Names.of(rest);
    const { interval, sort, once } = options;
    const state = startState(sort, String(options.name ?? ''));
    if (process.stdout.isTTY && !json && !once) {
      const limit = options.limit ?? ON_SCREEN;
      const query = (now: TopState) => queryOf(options, now);
      const { runTop } = await import('../top/session.js');
      return runTop(rest, state, { names, query, limit, intervalMs: interval * 1000 });
    }
    const look = () => snapshot(rest, options, state);
    const text = async (found: Snapshot) => lines(found, await names.learn(found));
    if (once) {
      const found = await look();
      return json ? printJson(found) : printLines(await text(found));
    }
    await again(
      interval,
      look,
      async (found) => printLines(json ? [JSON.stringify(found)] : [...(await text(found)), '']),
      (gone) => process.stderr.write(`dmabrokerctl: ${gone}\n`),
    );
  });
};

function queryOf({ name: _, ...filters }: Options, { sort, name }: TopState): URLSearchParams {
  const query = filterQuery(name === '' ? filters : { ...filters, name });
  query.set('sort', sort);
  return query;
}

async function snapshot(rest: Rest, options: Options, state: TopState): Promise<Snapshot> {
  const [{ daemon, users }, { items: buffers }] = await Promise.all([
    header(rest),
    rest.page<BufferInfo>('/v1/buffers', queryOf(options, state), options.limit ?? AT_ONCE),
  ]);
  return { time: new Date().toISOString(), daemon, users, buffers };
}

/**
 * Looks again and again, also where the daemon is gone for a while. The first look must succeed; `gone` is told
 * why a later one did not, once until one does.
 */
async function again<T>(
  seconds: number,
  look: () => Promise<T>,
  show: (found: T) => Promise<void>,
  gone: (why: string) => void,
): Promise<never> {
  for (let state: 'new' | 'seen' | 'gone' = 'new'; ; ) {
    try {
      await show(await look());
      state = 'seen';
    } catch (error) {
      if (state === 'new' || !(error instanceof Failure) || !passes(error)) throw error;
      if (state === 'seen') gone(printable(notUpToDate(error)));
      state = 'gone';
    }
    await sleep(seconds * 1000);
  }
}

function lines({ time, daemon, users, buffers }: Snapshot, names: Names): string[] {
  const width = lineWidth();
  return [
    cut(totals(time, daemon), width),
    '',
    ...tableLines(USERS, users, 'no users', width, names),
    '',
    ...tableLines(BUFFERS, buffers, 'no buffers', width, names),
  ];
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
  // Each look is some requests, of which the daemon takes so many a second from a user.
  if (!(seconds >= 0.1 && seconds <= 86_400)) {
    throw new InvalidArgumentError(`${text} is no interval from 0.1 to 86400 seconds.`);
  }
  return seconds;
}
