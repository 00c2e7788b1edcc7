/** `dmabrokerctl top`: the largest buffers and who has how much, as it changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BufferInfo, QuotaInfo, UserInfo } from '../../rest/contract.js';
import { bufferSortValues } from '../../rest/openapi.gen.js';
import { addBufferFilters, type BufferFilters, filterQuery } from '../buffer-filters.js';
import { BUFFERS, USERS } from '../columns.js';
import { common, type MakeCommand } from '../command.js';
import { Failure, Refused, Unreachable } from '../failure.js';
import { number } from '../numbers.js';
import { oneOf } from '../options.js';
import { lineWidth, printJson, printLines } from '../output.js';
import { bytes, printable } from '../printable.js';
import type { Rest } from '../rest.js';
import { withScreen } from '../screen.js';
import { cut, tableLines } from '../table.js';
import { pressed, type TopView, viewLine } from '../top-view.js';

interface Options extends BufferFilters {
  readonly interval: number;
  readonly limit: number;
  readonly sort: string;
  readonly once?: boolean;
}

/** What is shown, and printed as JSON. */
interface Snapshot {
  readonly time: string;
  /** null for an owner, who is not told of everybody's. */
  readonly daemon: QuotaInfo | null;
  readonly users: readonly UserInfo[];
  readonly buffers: readonly BufferInfo[];
}

export const topCommand: MakeCommand = (program) => {
  const command = program
    .command('top')
    .description('the largest buffers and the users, again and again; q ends it')
    .addOption(
      new Option('--interval <seconds>', 'between two looks, e.g. 0.5')
        .argParser(interval)
        .default(2),
    )
    .addOption(oneOf('--sort <field>', 'how buffers are sorted', bufferSortValues).default('-size'))
    .option('--limit <number>', 'how many buffers to show', number, 50)
    .option('--once', 'look once');
  addBufferFilters(command).action(async (options: Options, command: Command) => {
    const { rest, json } = common(command);
    let view: TopView = { sort: options.sort, name: String(options.name ?? ''), typing: null };
    const stop = new AbortController();
    const loop = new Loop(options.interval, stop.signal);
    const look = () => snapshot(rest, options, view);
    if (options.once) {
      const found = await look();
      return json ? printJson(found) : printLines(lines(found));
    }
    if (!process.stdout.isTTY || json) {
      const show = (found: Snapshot) =>
        printLines(json ? [JSON.stringify(found)] : [...lines(found), '']);
      return loop.run(look, show, (gone) => process.stderr.write(`dmabrokerctl: ${gone}\n`));
    }
    const onKey = (key: string) => {
      const next = pressed(view, key);
      if (next === null) stop.abort();
      else view = next;
      loop.wake();
    };
    await withScreen(stop, onKey, async (screen) => {
      let last: string[] = [];
      const draw = (second: string) => screen.draw(last.with(1, cut(second, lineWidth())));
      await loop.run(
        look,
        (found) => {
          last = lines(found);
          draw(viewLine(view));
        },
        draw,
      );
    });
  });
};

async function snapshot(rest: Rest, options: Options, view: TopView): Promise<Snapshot> {
  const { name: _, ...filters } = options;
  const query = filterQuery(view.name === '' ? filters : { ...filters, name: view.name });
  query.set('sort', view.sort);
  const [daemon, users, { items: buffers }] = await Promise.all([
    rest.get<QuotaInfo>('/v1/quotas/daemon/default').catch(nullWhereNone),
    rest.get<UserInfo[]>('/v1/users'),
    rest.page<BufferInfo>('/v1/buffers', query, options.limit),
  ]);
  return { time: new Date().toISOString(), daemon, users, buffers };
}

/** Looks again and again until the signal is aborted, also where the daemon is gone for a while. */
class Loop {
  #waiting = new AbortController();

  constructor(
    private readonly seconds: number,
    private readonly stop: AbortSignal,
  ) {
    stop.addEventListener('abort', () => this.wake());
  }

  /** The next look is now. */
  wake(): void {
    this.#waiting.abort();
  }

  /** The first look must succeed; `gone` is told why a later one did not, once until one does. */
  async run<T>(
    look: () => Promise<T>,
    show: (found: T) => void,
    gone: (why: string) => void,
  ): Promise<void> {
    for (let state: 'new' | 'seen' | 'gone' = 'new'; !this.stop.aborted; ) {
      this.#waiting = new AbortController();
      try {
        show(await look());
        state = 'seen';
      } catch (error) {
        if (state === 'new' || !(error instanceof Failure) || !passes(error)) throw error;
        const [why = ''] = error.message.split('\n');
        if (state === 'seen') gone(printable(`${why}; what was seen before is not up to date`));
        state = 'gone';
      }
      const { signal } = this.#waiting;
      await sleep(this.seconds * 1000, undefined, { signal }).catch(() => {});
    }
  }
}

/** What a daemon that is being started again answers, if at all. */
function passes(failure: Failure): boolean {
  if (failure instanceof Refused)
    return failure.problem.status >= 500 || failure.problem.status === 429;
  return failure instanceof Unreachable;
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
