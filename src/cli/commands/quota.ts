/** `dmabrokerctl quota`: who may have how much, and who has how much. */
import { Argument, InvalidArgumentError, Option } from 'commander';
import type { QuotaInfo, QuotaRule } from '../../rest/contract.js';
import { type MakeCommand, tell } from '../command.js';
import { quotaName } from '../describe.js';
import { Usage } from '../failure.js';
import { listing } from '../listing.js';
import type { Names } from '../names.js';
import { group, size, user } from '../numbers.js';
import { printFields } from '../output.js';
import { bytes } from '../printable.js';
import type { Columns } from '../table.js';

/** What is counted, by the heads of its columns. */
const COUNTED = [
  ['BYTES', 'bytes'],
  ['BUFFERS', 'buffers'],
  ['FDS', 'fds'],
  ['PENDING', 'pending'],
  ['PER SECOND', 'allocations_per_second'],
] as const;
type Counted = (typeof COUNTED)[number][1];

export const quotaCommand: MakeCommand = (program) => {
  const quota = program
    .command('quota')
    .description(
      'quotas: list, get, set, unset (daemon, user/NAME, group/NAME, cgroup/PATH, source/NAME, …)',
    );
  listing(
    quota.command('list', { isDefault: true }).description('all quotas, in use / limit'),
    { columns: COLUMNS, none: 'no quotas' },
    (rest) => rest.get<QuotaInfo[]>('/v1/quotas'),
  );
  quota
    .command('get')
    .description('one quota, with where each value comes from')
    .addArgument(quotaArgument())
    .action(tell((rest, name: string) => rest.get<QuotaInfo>(pathOf(name)), print));
  quota
    .command('set')
    .description('set a quota, in place of what REST had set; it is kept over a restart')
    .addArgument(quotaArgument())
    .addOption(new Option('--bytes <size>', 'none, or a size, e.g. 512M').argParser(quantity))
    .addOption(new Option('--buffers <n>', 'none, or a number').argParser(quantity))
    .addOption(new Option('--fds <n>', 'none, or a number').argParser(quantity))
    .addOption(new Option('--pending <n>', 'unanswered allocations').argParser(quantity))
    .addOption(new Option('--per-second <n>', 'allocations a second').argParser(rate))
    .addOption(new Option('--weight <n>', "of a user's share").argParser(number))
    .addOption(new Option('--priority <n>', 'less is recalled first').argParser(number))
    .addOption(new Option('--reserve <part>', 'of the daemon, 0 to 1').argParser(number))
    .action(
      tell(
        (rest, name: string, options: SetOptions) =>
          rest.put<QuotaInfo>(pathOf(name), ruleOf(options)),
        print,
      ),
    );
  quota
    .command('unset')
    .description("forget what REST has set: the configuration's values hold again")
    .addArgument(quotaArgument())
    .action(tell((rest, name: string) => rest.delete<QuotaInfo>(pathOf(name)), print));
};

/** By their names on the command line; Commander takes a null for a missing value. */
type SetOptions = Readonly<Record<string, number | 'none'>>;

function ruleOf({ perSecond, ...rest }: SetOptions): QuotaRule {
  const all = perSecond === undefined ? rest : { ...rest, allocations_per_second: perSecond };
  const values = Object.entries(all).map(([name, value]) => [
    name,
    value === 'none' ? null : value,
  ]);
  if (values.length === 0) throw new Usage('nothing is to be set: see --help');
  return Object.fromEntries(values);
}

/** Of a user's or group's, the name will do. */
const quotaArgument = () =>
  new Argument(
    '<quota>',
    'daemon, user, user/NAME, group/NAME, cgroup/PATH, source/NAME, …',
  ).argParser((value: string) => {
    const [, scope, name = ''] = /^(user|group)\/(.*)$/.exec(value) ?? [];
    if (scope === undefined) return value;
    return `${scope}/${scope === 'user' ? user(name) : group(name)}`;
  });

/** `daemon`, `connection` and `user` alone are those of all. */
function pathOf(name: string): string {
  const slash = name.indexOf('/');
  const [scope, key] =
    slash < 0 ? [name, 'default'] : [name.slice(0, slash), name.slice(slash + 1)];
  return `/v1/quotas/${encodeURIComponent(scope)}/${encodeURIComponent(key)}`;
}

/** Where a value comes from, in words. */
const ORIGINS = { default: 'default', configuration: 'configuration', rest: 'REST' };

/** Where its limits come from. */
function setBy({ settings }: QuotaInfo): string[] {
  const limits = COUNTED.map(([, name]) => settings[name]).filter(({ value }) => value !== null);
  return [...new Set(limits.map(({ from }) => ORIGINS[from]))];
}

const textOf = (name: string) => (name === 'bytes' ? bytes : String);

/** In use / limit, as far as there are both. */
const counted =
  (name: Counted) =>
  ({ settings, charge }: QuotaInfo): string => {
    const { value } = settings[name];
    const text = textOf(name);
    const limit = value === null ? '-' : text(value);
    const inUse = name === 'allocations_per_second' ? undefined : charge?.[name];
    return inUse === undefined ? limit : `${text(inUse)} / ${limit}`;
  };

const COLUMNS: Columns<QuotaInfo> = [
  ['QUOTA', quotaName, 'id'],
  ...COUNTED.map(([head, name]) => [head, counted(name)] as const),
  ['FROM', setBy],
  ['OVER', ({ over_limit }) => (over_limit ? 'yes' : '')],
];

function print(quota: QuotaInfo, names: Names): void {
  const { charge, settings, share } = quota;
  const shown = Object.entries(settings).map(([name, { value, from }]): [string, string] => {
    const [, inUse] = Object.entries(charge ?? {}).find(([each]) => each === name) ?? [];
    const text = textOf(name);
    const used = inUse === undefined ? '' : `, ${text(inUse)} in use`;
    return [name, `${value === null ? 'none' : text(value)} (${ORIGINS[from]})${used}`];
  });
  printFields([
    ['quota', quotaName(quota, names)],
    ...shown,
    ...(share === null
      ? []
      : [['share of bytes', share.bytes === null ? 'no limit' : bytes(share.bytes)] as const]),
    ['over the limit', quota.over_limit ? 'yes: nothing is taken away, more is refused' : 'no'],
  ]);
}

const quantity = (text: string): number | 'none' => (text === 'none' ? text : size(text));
const rate = (text: string): number | 'none' => (text === 'none' ? text : number(text));

function number(text: string): number {
  const count = Number(text);
  if (text === '' || Number.isNaN(count)) throw new InvalidArgumentError(`${text} is no number`);
  return count;
}
