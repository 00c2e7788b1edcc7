/** `dmabrokerctl log-level [LEVEL]`: how much the daemon logs, or from now on. */
import { Argument, type Command } from 'commander';
import type { LogLevelInfo } from '../../rest/contract.js';
import { logLevelLevelValues } from '../../rest/openapi.gen.js';
import { common, type MakeCommand } from '../command.js';
import { printJson } from '../output.js';

const PATH = '/v1/log-level';

export const logLevelCommand: MakeCommand = (program) => {
  program
    .command('log-level')
    .description('how much the daemon logs, or, with a level, how much from now on')
    .addArgument(
      new Argument('[level]', 'until the daemon is started again').choices(logLevelLevelValues),
    )
    .action(async (level: string | undefined, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const now = await (level === undefined
        ? rest.get<LogLevelInfo>(PATH)
        : rest.put<LogLevelInfo>(PATH, { level }));
      if (json) printJson(now);
      else process.stdout.write(`${now.level}\n`);
    });
};
