/**
 * What every command has in common: the options that all of them take, and how a command gets at
 * the daemon. A file in commands/ exports a function of type `MakeCommand`.
 */
import { Command, CommanderError, Option } from 'commander';
import { packageVersion } from '../package-root.js';
import { wholeIds } from './buffer-id.js';
import { EXIT_CODES } from './failure.js';
import { Names } from './names.js';
import { printJson } from './output.js';
import { Rest } from './rest.js';
import { type TargetOptions, targetOf } from './target.js';

/** Adds a command, or some that belong together, to the program. */
export type MakeCommand = (program: Command) => void;

/** The options of every command. */
export interface Common {
  readonly rest: Rest;
  /** Whether to print JSON instead of text. */
  readonly json: boolean;
}

/**
 * The program, without its commands.
 *
 * @param complain how complaints about the command line are printed
 */
export function makeProgram(complain: (text: string) => void): Command {
  return new Command('dmabrokerctl')
    .description('Shows and controls the dmabroker daemon')
    .addOption(
      new Option(
        '--socket <path>',
        "the daemon's REST socket (env: DMABROKER_REST_SOCKET; default: " +
          "dmabroker/rest.sock in $XDG_RUNTIME_DIR, or the system's in /run)",
      ).conflicts('url'),
    )
    .option('--url <url>', "the daemon's address, in place of a socket (env: DMABROKER_URL)")
    .option(
      '--token-file <file>',
      'the file with the token for the address (env: DMABROKER_TOKEN_FILE)',
    )
    .option('--json', 'print JSON; failures too, on stderr')
    .option('--version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${packageVersion()}\n`);
      throw new CommanderError(0, 'commander.version', '');
    })
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_CODES.map(([code, meaning]) => `  ${code}  ${meaning}\n`).join('')}`,
    )
    .configureOutput({ writeErr: complain })
    .showHelpAfterError('(--help shows what there is)');
}

/** The common options, from the command that is being run. */
export function common(command: Command): Common {
  const { json, ...where } = command.optsWithGlobals<TargetOptions & { json?: boolean }>();
  return {
    // Only where it is asked for: some commands have nothing to do with REST.
    get rest() {
      return new Rest(targetOf(where, process.env));
    },
    json: json === true,
  };
}

/**
 * The action of a command that asks the daemon something and tells what came: as JSON, or for people.
 * It is asked with the command's arguments, and then its options; what it tells knows who is called what.
 */
export function tell<Given extends unknown[], Answer>(
  ask: (rest: Rest, ...given: Given) => Promise<Answer>,
  show: (answer: Answer, names: Names, command: Command) => void | Promise<void>,
): (...given: [...Given, ...unknown[]]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const { rest, json } = common(command);
    const answer = await ask(rest, ...(await givenTo(command, rest, all as [...Given, Command])));
    if (json) printJson(answer);
    else await show(answer, await Names.of(rest).learn(answer), command);
  };
}

/** The arguments and options of an action; of a buffer's id, a beginning will do. */
export async function givenTo<Given extends unknown[]>(
  { registeredArguments: names }: Command,
  rest: Rest,
  all: [...Given, Command],
): Promise<Given> {
  const whole = all.slice(0, -1).map(async (value, at) => {
    if (names[at]?.name() !== 'id' || typeof value !== 'string') return value;
    const [id] = await wholeIds(rest, [value]);
    return id;
  });
  return (await Promise.all(whole)) as Given;
}

/** Where REST has a buffer, or something below it. */
export const bufferPath = (id: string, below = ''): string =>
  `/v1/buffers/${encodeURIComponent(id)}${below}`;
