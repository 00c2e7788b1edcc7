/**
 * What every command has in common: the options that all of them take, and how a command gets at
 * the daemon. A command is a file in commands/ that exports a function of type `MakeCommand`.
 */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../package-root.js';
import { clientSocket, REST_SOCKET } from '../paths.js';
import { Rest } from './rest.js';

/** Adds a command to the program. */
export type MakeCommand = (program: Command) => void;

/** The options of every command. */
export interface Common {
  readonly rest: Rest;
  /** Whether to print JSON instead of text. */
  readonly json: boolean;
}

/** The program, without its commands. */
export function makeProgram(): Command {
  return new Command('dmabrokerctl')
    .description('Shows and controls the dmabroker daemon')
    .option(
      '--socket <path>',
      `the daemon's REST socket (env: DMABROKER_REST_SOCKET, default: ${clientSocket(REST_SOCKET)})`,
    )
    .option('--json', "print the daemon's answer as JSON")
    .option('--version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${packageVersion()}\n`);
      throw new CommanderError(0, 'commander.version', '');
    })
    .showHelpAfterError('(--help shows what there is)')
    .helpCommand(false);
}

/** The common options, from the command that is being run. */
export function common(command: Command): Common {
  const { socket, json } = command.optsWithGlobals<{ socket?: string; json?: boolean }>();
  const path = socket ?? (process.env.DMABROKER_REST_SOCKET || clientSocket(REST_SOCKET));
  return { rest: new Rest(path), json: json === true };
}
