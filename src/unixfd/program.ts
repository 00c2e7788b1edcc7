/** The command line of dmabroker-unixfd: what --help, the man page and docs/gstreamer.md are held against. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { duration, group, number } from '../cli/numbers.js';

export interface BrokerOptions {
  readonly socket?: string;
  readonly memfd?: boolean;
  readonly name?: string;
  readonly quiet?: boolean;
}

export interface ServingOptions {
  readonly path: string;
  readonly mode?: number;
  readonly group?: number;
  readonly unreleased: number;
  readonly peers: number;
  readonly wait: number;
}

export interface TakingOptions {
  readonly borrow: number;
  readonly within: number;
}

export interface ServeOptions extends BrokerOptions, ServingOptions {
  readonly caps?: string;
  readonly input: string;
  readonly tokens?: boolean;
}

export interface TakeOptions extends BrokerOptions, TakingOptions {
  readonly path: string;
  readonly output?: string;
  readonly tokens?: boolean;
  readonly unreleased: number;
}

export interface RelayOptions extends BrokerOptions, ServingOptions, TakingOptions {
  readonly from: string;
}

/** What each command does; nothing where the definition alone is wanted. */
export interface Actions {
  serve(options: ServeOptions): Promise<void>;
  take(options: TakeOptions): Promise<void>;
  relay(options: RelayOptions): Promise<void>;
}

/** For --help and the man page. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, 'the stream has ended, or a signal has ended it'],
  [
    1,
    'the daemon refused what was asked for; or the sink, or the input with tokens, has gone without an end; or the sink sent what is no frame',
  ],
  [2, 'the command line was wrong, or a file that it names, or a line with a token'],
  [3, 'no daemon could be reached, or no unixfdsink'],
];

/** More would not fit into what a socket has room for (net.core.wmem_default). */
const MOST_UNRELEASED = 64;
const MOST_PEERS = 256;

function within(least: number, most: number): (value: string) => number {
  return (value) => {
    const count = number(value);
    if (count >= least && count <= most) return count;
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
  };
}

function mode(value: string): number {
  if (/^0?[0-7]{3}$/.test(value)) return Number.parseInt(value, 8);
  throw new InvalidArgumentError('It is a mode in octal, e.g. 0660.');
}

const broker = (): Option[] => [
  new Option(
    '--socket <path>',
    "the daemon's client socket (env: DMABROKER_SOCKET; default: dmabroker/client.sock in " +
      "$XDG_RUNTIME_DIR, or the system's in /run)",
  ),
  new Option(
    '--name <text>',
    'what the buffers are called in lists (default: unixfd and the path)',
  ),
  new Option('--memfd', 'memfds too, where the daemon has no dma_bufs'),
  new Option('-q, --quiet', 'say only what goes wrong'),
];

const unreleased = () =>
  new Option('--unreleased <n>', 'frames that a peer may have at once')
    .argParser(within(1, MOST_UNRELEASED))
    .default(4);

const serving = (): Option[] => [
  new Option('--path <path>', 'the socket to listen on, for unixfdsrc').makeOptionMandatory(),
  new Option('--mode <mode>', "the socket's mode (default: 0600)").argParser(mode),
  new Option(
    '--group <group>',
    "the socket's group, by name or number (default: your own)",
  ).argParser(group),
  unreleased(),
  new Option('--peers <n>', 'how many may be connected at once')
    .argParser(within(1, MOST_PEERS))
    .default(8),
  new Option(
    '--wait <duration>',
    'how long frames wait for a peer that has released none of those it has, before they pass it by',
  )
    .argParser(duration)
    .default(0),
];

const taking = (): Option[] => [
  new Option('--within <duration>', 'how long to wait for the socket of the unixfdsink')
    .argParser(duration)
    .default(0),
  new Option(
    '--borrow <n>',
    "how many of the sink's own dma_bufs may be out at once; frames beyond that are copied, since its pipeline has no more",
  )
    .argParser(within(0, MOST_UNRELEASED))
    .default(2),
];

function add(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

const NOTHING: Actions = { serve: async () => {}, take: async () => {}, relay: async () => {} };

export function dmabrokerUnixfd(version: string, actions: Actions = NOTHING): Command {
  const program = new Command('dmabroker-unixfd')
    .description("Shares the broker's buffers with GStreamer's unixfdsrc and unixfdsink")
    .version(version)
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}\n`).join('')}`,
    );
  add(program.command('serve'), [
    ...serving(),
    new Option('--caps <caps>', "what the frames are: GStreamer's caps, video/x-raw,…"),
    new Option('--input <file>', 'raw frames, one after the other; -: standard input').default('-'),
    new Option(
      '--tokens',
      'read on standard input the lines that take --tokens prints, for frames that others have in buffers; the number of each is printed when all have released it',
    ).conflicts(['caps', 'input']),
    ...broker(),
  ])
    .description(
      'write raw frames to buffers, or have those that others have drawn by their tokens, and serve them to any number of unixfdsrc',
    )
    .action(actions.serve);
  add(program.command('take'), [
    new Option('--path <path>', 'the socket of the unixfdsink').makeOptionMandatory(),
    new Option('--output <file>', 'write raw frames there; -: standard output').conflicts('tokens'),
    new Option(
      '--tokens',
      'print a line of JSON for each frame, with a token; a line with its number releases it',
    ),
    unreleased(),
    ...taking(),
    ...broker(),
  ])
    .description('have the frames of an unixfdsink in buffers, and write them or hand them on')
    .action(actions.take);
  add(program.command('relay'), [
    new Option('--from <path>', 'the socket of the unixfdsink').makeOptionMandatory(),
    ...serving(),
    ...taking(),
    ...broker(),
  ])
    .description(
      'have the frames of an unixfdsink in buffers, and serve them to any number of unixfdsrc',
    )
    .action(actions.relay);
  return program;
}
