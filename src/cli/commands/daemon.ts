/** `dmabrokerctl health`, `whoami`, `config`, `log-level`: the daemon itself, and what it lets one do. */
import { Argument } from 'commander';
import type {
  ConfigReport,
  ConfigSetting,
  Health,
  LogLevelInfo,
  Whoami,
} from '../../rest/contract.js';
import { logLevelLevelValues } from '../../rest/openapi.gen.js';
import type { AccountDatabase } from '../accounts.js';
import { type MakeCommand, tell } from '../command.js';
import type { Names } from '../names.js';
import { printFields, printLines, printTable, say } from '../output.js';
import { span } from '../printable.js';
import type { Columns } from '../table.js';

const LOG_LEVEL = '/v1/log-level';

export const daemonCommands: MakeCommand = (program) => {
  program
    .command('health')
    .description('whether the daemon works')
    .action(tell((rest) => rest.get<Health>('/healthz'), printHealth));
  program
    .command('whoami')
    .description('what you may do, and which user, group or rule of the policy says so')
    .action(tell((rest) => rest.get<Whoami>('/v1/whoami'), printWhoami));
  program
    .command('config')
    .description("the daemon's configuration, and where each value comes from")
    .action(tell((rest) => rest.get<ConfigReport>('/v1/config'), printConfig));
  program
    .command('log-level')
    .description('how much the daemon logs, or, with a level, how much from now on')
    .addArgument(
      new Argument('[level]', 'until the daemon is started again').choices(logLevelLevelValues),
    )
    .action(
      tell(
        (rest, level: string | undefined) =>
          level === undefined
            ? rest.get<LogLevelInfo>(LOG_LEVEL)
            : rest.put<LogLevelInfo>(LOG_LEVEL, { level }),
        ({ level }) => say(level),
      ),
    );
};

function printWhoami({ rights, rules, ...who }: Whoami, names: Names): void {
  const named = (database: AccountDatabase, id: number) => {
    const name = names.nameOf(database, id);
    return name === null ? String(id) : `${name} (${id})`;
  };
  printFields([
    ['user', who.uid === null ? '-' : named('passwd', who.uid)],
    ['group', who.gid === null ? '-' : named('group', who.gid)],
    ['groups', (who.groups ?? []).map((gid) => named('group', gid)).join(', ') || '-'],
    ['token', who.token ?? '-'],
    ['role', who.role],
    ['preview', who.preview ? 'yes' : 'no'],
    ['owner', who.owner ? 'yes' : 'no'],
    ['connect', who.connect ? 'yes' : 'no'],
    ...rights.map(({ right, through }): [string, string] => [`${right} through`, through]),
    ...rules.map(({ about, rule, allowed }): [string, string] => [
      about,
      `rule ${rule}: ${JSON.stringify(allowed)}`,
    ]),
  ]);
}

function printHealth(health: Health): void {
  printFields([
    ['status', health.status],
    ['version', health.version],
    ['uptime', span(Math.round(health.uptime_seconds))],
    ['sources', health.sources_usable.join(', ') || 'none'],
    ...health.warnings.map((warning): [string, string] => ['warning', warning]),
  ]);
}

/** A setting's value, now or after a restart. */
type Setting = Pick<ConfigSetting, 'key' | 'value' | 'from' | 'line'>;

const ORIGINS = { default: 'default', file: 'file', command_line: 'command line', rest: 'REST' };

const SETTINGS: Columns<Setting> = [
  ['SETTING', ({ key }) => key],
  ['VALUE', ({ value }) => (typeof value === 'object' && value ? JSON.stringify(value) : value)],
  ['FROM', ({ from, line }) => (line === null ? ORIGINS[from] : `line ${line}`)],
];

const TOKENS: Columns<ConfigReport['tokens'][number]> = [
  ['TOKEN', ({ name }) => name],
  ['ROLE', ({ role }) => role],
  ['PREVIEW', ({ preview }) => preview],
  ['EXPIRES', ({ expires_at }) => expires_at],
];

function printConfig(report: ConfigReport): void {
  const { settings, tokens } = report;
  printFields([
    ['file', report.file],
    ['read', report.read_at],
    ...(report.error === null ? [] : [['not taken', report.error] as const]),
    ['state', report.state_folder],
  ]);
  say('');
  printTable(SETTINGS, settings, 'no settings');
  const changes = settings.flatMap(({ key, after_restart: later }) =>
    later === null ? [] : [{ ...later, key }],
  );
  if (changes.length > 0) {
    printLines(['', 'after a restart:']);
    printTable(SETTINGS, changes, 'no settings');
  }
  if (tokens.length === 0) return;
  say('');
  printTable(TOKENS, tokens, 'no tokens');
}
