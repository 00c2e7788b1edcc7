/** `dmabrokerctl health`: whether the daemon works. */
import type { Command } from 'commander';
import type { Health } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { printFields, printJson } from '../output.js';

export const healthCommand: MakeCommand = (program) => {
  program
    .command('health')
    .description('whether the daemon works')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const health = await rest.get<Health>('/healthz');
      if (json) return printJson(health);
      printFields([
        ['status', health.status],
        ['version', health.version],
        ['uptime', `${Math.round(health.uptime_seconds)} s`],
        ['sources', health.sources_usable.join(', ') || 'none'],
        ...health.warnings.map((warning): [string, string] => ['warning', warning]),
      ]);
    });
};
