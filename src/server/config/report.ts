/**
 * The configuration as an administrator asks about it: every setting by its name in the file, with its
 * value and where that comes from. Values are those in force, as the file would say them; never a
 * token or its digest.
 */
import type { RuleId, Rules } from '../../broker/quota/rules.js';
import type { ConfigSetting } from '../../rest/contract.js';
import { ruleToRest } from '../words/quota-rules.js';
import { at, type Loaded } from './config.js';
import { type AnySection, camel } from './setting.js';
import { SECTIONS } from './settings.js';
import { lineOf } from './toml-lines.js';

type Value = Omit<ConfigSetting, 'key' | 'after_restart'>;
/** By key, in the order in which they are shown. */
export type Settings = ReadonlyMap<string, Value>;

/** Quotas come from further layers: what the machine has, and what was set over REST. */
export interface QuotaLayers {
  readonly machine: Rules;
  readonly rest: Rules;
}

/** Every setting that has a value. */
export function settingsOf(loaded: Loaded, quotas: QuotaLayers): Settings {
  const { config, file } = loaded;
  const settings = new Map<string, Value>();
  for (const [name, section] of Object.entries<AnySection>(SECTIONS)) {
    for (const [key, { show }] of Object.entries(section.settings)) {
      if (show === undefined) continue;
      const path = [...name.split('.'), key];
      const value = show(at(config, [camel(name), camel(key)]));
      settings.set(path.join('.'), { value, ...originOf(loaded, path) });
    }
  }
  addQuotas(settings, 'default', quotas.machine, () => null);
  addQuotas(settings, 'file', config.quotas.rules, (path) =>
    lineOf(file.text, written(path, loaded)),
  );
  addQuotas(settings, 'rest', quotas.rest, () => null);
  return settings;
}

function originOf({ file, commandLine }: Loaded, path: readonly string[]): Omit<Value, 'value'> {
  if (at(commandLine, path) !== undefined) return { from: 'command_line', line: null };
  if (at(file.tables, path) === undefined) return { from: 'default', line: null };
  return { from: 'file', line: lineOf(file.text, path) };
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

/** A quota's path as the file has it, where users and groups may have their names. */
function written(path: readonly string[], { file, names }: Loaded): readonly string[] {
  const [, table, id, name = ''] = path;
  if (table !== 'users' && table !== 'groups') return path;
  const numberOf = (each: string) => (table === 'users' ? names.user(each) : names.group(each));
  const all = Object.keys(file.tables.quotas?.[table] ?? {});
  const one = all.find((each) => each === id || String(numberOf(each)) === id);
  return ['quotas', table, one ?? '', name];
}

/** A key of TOML, in quotes where it needs them. */
const tomlKey = (key: string) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));
