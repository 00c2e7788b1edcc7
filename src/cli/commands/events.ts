/** `dmabrokerctl events`: what happens, as it happens. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { EventInfo } from '../../rest/contract.js';
import { eventTypeValues } from '../../rest/openapi.gen.js';
import { wholeIds } from '../buffer-id.js';
import { common, type MakeCommand } from '../command.js';
import { processText } from '../describe.js';
import { Unreachable, Usage } from '../failure.js';
import { Names } from '../names.js';
import { number, user } from '../numbers.js';
import { someOf } from '../options.js';
import { bytes, printable } from '../printable.js';
import type { Rest } from '../rest.js';
import { EventParser, type ServerEvent } from '../sse.js';

interface Options {
  type?: string[];
  buffer?: string | undefined;
  client?: string;
  uid?: number;
  count?: number;
}

/** How often it is tried in a row to reach a daemon that has gone. */
const ATTEMPTS = 30;

export const eventsCommand: MakeCommand = (program) => {
  program
    .command('events')
    .description('what happens, as it happens, until interrupted')
    .addOption(someOf('--type <type>', 'only this; may be repeated', eventTypeValues))
    .option('--buffer <buffer>', 'only about this buffer')
    .option('--client <client>', 'only about this client')
    .option('--uid <user>', "only about this user's processes", user)
    .option('--count <n>', 'end after so many events', number)
    .action(async (options: Options, command: Command) => {
      const { rest, json } = common(command);
      const names = Names.of(rest);
      const [buffer] = options.buffer === undefined ? [] : await wholeIds(rest, [options.buffer]);
      await follow(
        rest,
        `/v1/events${queryOf({ ...options, buffer })}`,
        countOf(options),
        async ({ data }) => {
          const text = json ? data : await line(JSON.parse(data) as EventInfo, names);
          process.stdout.write(`${text}\n`);
        },
      );
    });
};

function queryOf({ type, buffer, client, uid }: Options): string {
  const query = new URLSearchParams();
  if (type !== undefined) query.set('types', type.join(','));
  if (buffer !== undefined) query.set('buffer', buffer);
  if (client !== undefined) query.set('client', client);
  if (uid !== undefined) query.set('uid', String(uid));
  return query.size === 0 ? '' : `?${query}`;
}

function countOf({ count = Number.POSITIVE_INFINITY }: Options): number {
  if (count < 1) throw new Usage('--count must be a number above 0');
  return count;
}

/**
 * Reads until `count` events have come. A connection that ends is made anew and goes on after the
 * last event, for as long as somebody answers within the attempts; the first one must succeed.
 */
async function follow(
  rest: Rest,
  path: string,
  count: number,
  show: (event: ServerEvent) => Promise<void>,
): Promise<void> {
  const parser = new EventParser();
  let left = count;
  for (let failures = 0; ; ) {
    try {
      const stream = await rest.stream(path, parser.lastId);
      failures = 0;
      for await (const text of stream) {
        for (const event of parser.read(text)) {
          if (event.name === 'reset' || event.name === 'dropped') warn(event);
          else {
            await show(event);
            left--;
          }
          if (left === 0) return;
        }
      }
    } catch (error) {
      if (!(error instanceof Unreachable) || parser.lastId === null) throw error;
      if (++failures >= ATTEMPTS) throw error;
    }
    parser.restart();
    await sleep(parser.retryMs);
  }
}

/** The stream itself has something to say: not an event of the list. */
function warn({ name, data }: ServerEvent): void {
  const { detail } = JSON.parse(data) as { detail: string };
  process.stderr.write(`dmabrokerctl: ${name}: ${printable(detail)}\n`);
}

async function line(event: EventInfo, names: Names): Promise<string> {
  await names.learn(event);
  const { time, type, buffer, size, client, code, reason } = event;
  const words = [
    time,
    type.padEnd('client.disconnected'.length),
    ...(buffer === null ? [] : [buffer]),
    ...(size === null ? [] : [bytes(size)]),
    ...(client === null ? [] : [client]),
    ...(event.pid === null && event.uid === null ? [] : [processText(event, names)]),
    ...(code === null ? [] : [code]),
    ...(reason === null ? [] : [reason]),
  ];
  return printable(words.join('  '));
}
