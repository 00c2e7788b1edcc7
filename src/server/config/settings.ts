/**
 * The configuration as an administrator asks about it: every setting by its name in the file, with its
 * value and where that comes from. Values are those in force, as the file would say them; never a
 * token or its digest.
 */
import type { PolicyRule, Principals } from '../../broker/policy.js';
import type { RuleId, Rules } from '../../broker/quota/rules.js';
import type { ConfigSetting } from '../../rest/contract.js';
import { readPasswd } from '../machine/users.js';
import { ruleToRest } from '../words/quota-rules.js';
import type { Config, Loaded, SocketConfig } from './config.js';
import type { Tables } from './file.js';
import { lineOf } from './toml-lines.js';

type Value = Omit<ConfigSetting, 'key' | 'after_restart'>;
/** By key, in the order in which they are shown. */
export type Settings = ReadonlyMap<string, Value>;

type Section = Exclude<keyof Tables, 'quotas'>;
/** All that the file can say, but the quotas, whose keys are names: the compiler finds what is missing. */
type Key =
  | Exclude<
      { [S in Section]: `${S}.${keyof NonNullable<Tables[S]> & string}` }[Section],
      'rest.tcp'
    >
  | `rest.tcp.${'listen' | 'tokens_file'}`
  | 'quotas.recall_seconds';

const VALUES: Readonly<Record<Key, (config: Config, file: Tables) => Value['value'] | undefined>> =
  {
    'clients.socket': ({ clients }) => clients.path,
    'clients.mode': ({ clients }) => octal(clients),
    'clients.group': ({ clients }) => clients.group,
    'rest.socket': ({ rest }) => rest.path,
    'rest.mode': ({ rest }) => octal(rest),
    'rest.group': ({ rest }) => rest.group,
    'rest.rate_limit': ({ rateLimit }) => rateLimit,
    'rest.tcp.listen': (_, { rest }) => rest?.tcp?.listen,
    'rest.tcp.tokens_file': (_, { rest }) => rest?.tcp?.tokens_file,
    'device.select': ({ device }) => device,
    'log.level': ({ logLevel }) => logLevel,
    'log.audit': ({ audit }) => audit,
    'log.audit_when_full': ({ auditWhenFull }) => auditWhenFull,
    'leaks.forgotten_after_seconds': ({ leaks }) => leaks.forgottenAfterSeconds,
    'leaks.sample_seconds': ({ leaks }) => leaks.sampleSeconds,
    'accounting.charge': ({ accounting }) => accounting.charge,
    'accounting.trusted_bytes': ({ accounting }) => accounting.trustedBytes ?? 'none',
    'accounting.unknown_grace_seconds': ({ accounting }) => accounting.unknownGraceSeconds,
    'leases.grace_seconds': ({ leaseGraceSeconds }) => leaseGraceSeconds,
    'pressure.psi_some_avg10': ({ pressure }) => pressure.psiSomeAvg10,
    'pressure.heap_budget': ({ pressure }) => pressure.heapBudget,
    'pressure.deadline_seconds': ({ pressure }) => pressure.deadlineSeconds,
    'policy.connect': ({ policy }) => principals(policy.connect),
    'policy.admin': ({ policy }) => principals(policy.admin),
    'policy.operator': ({ policy }) => principals(policy.operator),
    'policy.reader': ({ policy }) => principals(policy.reader),
    'policy.preview': ({ policy }) => principals(policy.preview),
    'policy.owner': ({ policy }) => principals(policy.owner),
    'policy.rules': ({ policy }) => policy.rules.map(policyRule),
    'pool.bytes': ({ pool }) => pool.bytes,
    'pool.spares_per_spec': ({ pool }) => pool.sparesPerSpec,
    'pool.idle_seconds': ({ pool }) => pool.idleSeconds,
    'quotas.recall_seconds': ({ quotas }) => quotas.recallSeconds,
  };

/** Quotas come from further layers: what the machine has, and what was set over REST. */
export interface QuotaLayers {
  readonly machine: Rules;
  readonly rest: Rules;
}

/** Every setting that has a value. */
export function settingsOf({ config, file, overrides }: Loaded, quotas: QuotaLayers): Settings {
  const settings = new Map<string, Value>();
  const commandLine = new Set<string | false>([
    overrides.socket !== undefined && 'clients.socket',
    overrides.restSocket !== undefined && 'rest.socket',
    overrides.device !== undefined && 'device.select',
    overrides.logLevel !== undefined && 'log.level',
    overrides.poolBytes !== undefined && 'pool.bytes',
  ]);
  for (const [key, read] of Object.entries(VALUES)) {
    const path = key.split('.');
    const value = read(config, file.tables) ?? null;
    if (commandLine.has(key)) settings.set(key, { value, from: 'command_line', line: null });
    else if (has(file.tables, path)) {
      settings.set(key, { value, from: 'file', line: lineOf(file.text, path) });
    } else settings.set(key, { value, from: 'default', line: null });
  }
  addQuotas(settings, 'default', quotas.machine, () => null);
  addQuotas(settings, 'file', config.quotas.rules, (path) =>
    lineOf(file.text, written(path, file)),
  );
  addQuotas(settings, 'rest', quotas.rest, () => null);
  return settings;
}

/** Adds a layer's values, in place of those of the layers before it. */
function addQuotas(
  settings: Map<string, Value>,
  from: Value['from'],
  rules: Rules,
  line: (path: readonly string[]) => number | null,
): void {
  for (const [id, rule] of rules) {
    for (const [name, value] of Object.entries(ruleToRest(rule))) {
      const path = ['quotas', ...(name === 'reserve' ? [] : tableOf(id)), name];
      settings.set(path.map(tomlKey).join('.'), { value: value ?? 'none', from, line: line(path) });
    }
  }
}

/** Where the file has a rule, below `quotas`. */
function tableOf(id: RuleId): readonly string[] {
  const slash = id.indexOf('/');
  const [scope, key] = [id.slice(0, slash), id.slice(slash + 1)];
  if (scope === 'user') return key === 'default' ? ['default_user'] : ['users', key];
  return scope === 'daemon' || scope === 'connection' ? [scope] : [`${scope}s`, key];
}

/** A quota's path as the file has it, where users may have their names. */
function written(path: readonly string[], { tables }: Loaded['file']): readonly string[] {
  const [, table, uid, name = ''] = path;
  if (table !== 'users') return path;
  const { uids } = readPasswd();
  const users = Object.keys(tables.quotas?.users ?? {});
  const user = users.find((each) => each === uid || String(uids.get(each)) === uid);
  return ['quotas', 'users', user ?? '', name];
}

/** A key of TOML, in quotes where it needs them. */
const tomlKey = (key: string) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));

const octal = ({ mode }: SocketConfig) => `0${mode.toString(8).padStart(3, '0')}`;

const principals = ({ uids, gids }: Principals) => ({ users: uids, groups: gids });

function policyRule({ who, share, ...rest }: PolicyRule): Record<string, unknown> {
  return {
    ...(who === null ? {} : principals(who)),
    ...rest,
    ...(share === undefined
      ? {}
      : { share: typeof share === 'string' ? share : principals(share) }),
  };
}

function has(tables: unknown, path: readonly string[]): boolean {
  let value = tables;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
    value = (value as Record<string, unknown>)[key];
  }
  return true;
}
