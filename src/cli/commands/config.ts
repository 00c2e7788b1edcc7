/** `dmabrokerctl config`: what the daemon runs with, and what a restart would change. */
import type { Command } from 'commander';
import type { ConfigReport, ConfigSetting } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { orDash, printFields, printJson, printTable } from '../output.js';

type Origin = Pick<ConfigSetting, 'value' | 'from' | 'line'>;

export const configCommand: MakeCommand = (program) => {
  program
    .command('config')
    .description("the daemon's configuration, and where each value comes from")
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const report = await rest.get<ConfigReport>('/v1/config');
      if (json) return printJson(report);
      printFields([
        ['file', orDash(report.file)],
        ['read', report.read_at],
        ...(report.error === null ? [] : [['not taken', report.error] as const]),
        ['state', report.state_folder],
      ]);
      process.stdout.write('\n');
      const { settings, tokens } = report;
      await printTable(['SETTING', 'VALUE', 'FROM'], settings.map(row), 'no settings');
      const changes = settings.flatMap(({ key, after_restart: later }) =>
        later === null ? [] : [[key, text(later), origin(later)]],
      );
      if (changes.length > 0) {
        process.stdout.write('\nafter a restart:\n');
        await printTable(['SETTING', 'VALUE', 'FROM'], changes, 'no settings');
      }
      if (tokens.length === 0) return;
      process.stdout.write('\n');
      await printTable(['TOKEN', 'ROLE', 'PREVIEW', 'EXPIRES'], tokens.map(tokenRow), 'no tokens');
    });
};

function row(setting: ConfigSetting): string[] {
  return [setting.key, text(setting), origin(setting)];
}

function text({ value }: Origin): string {
  return typeof value === 'string' ? value : value === null ? '-' : JSON.stringify(value);
}

const ORIGINS = { default: 'default', file: 'file', command_line: 'command line', rest: 'REST' };

function origin({ from, line }: Origin): string {
  return line === null ? ORIGINS[from] : `line ${line}`;
}

function tokenRow({ name, role, preview, expires_at }: ConfigReport['tokens'][number]): string[] {
  return [name, role, preview ? 'yes' : 'no', expires_at];
}
