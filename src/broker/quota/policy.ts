/**
 * Which settings hold for whom: rules from three layers (built in, configuration, REST), the later
 * before the earlier, and the rule for one before the rule for all.
 */
import {
  MAX_BUFFERS_PER_CLIENT,
  MAX_PENDING_PER_CLIENT,
  MAX_PENDING_PER_USER,
} from '../../memory/limits.js';
import type { Layer, Rule, RuleId, Rules, Settings } from './rules.js';

const LAYERS = ['rest', 'configuration', 'default'] as const;

/** Where nothing is said. */
const UNSET: Settings = {
  bytes: null,
  buffers: null,
  fds: null,
  pending: null,
  allocationsPerSecond: null,
  weight: 1,
  priority: 0,
  reserve: 0.1,
};

export const SETTING_NAMES = Object.keys(UNSET) as readonly (keyof Settings)[];

/** Without knowledge of the machine; the server adds the limits that follow from its memory. */
export const DEFAULT_RULES: Rules = new Map<RuleId, Rule>([
  ['connection/default', { buffers: MAX_BUFFERS_PER_CLIENT, pending: MAX_PENDING_PER_CLIENT }],
  ['user/default', { buffers: MAX_BUFFERS_PER_CLIENT, pending: MAX_PENDING_PER_USER }],
]);

/** A value and the layer that it comes from. */
export interface Origin<T> {
  readonly value: T;
  readonly from: Layer;
}

export type Origins = { readonly [K in keyof Settings]: Origin<Settings[K]> };

export class Policy {
  readonly #layers: Record<Layer, Rules>;

  constructor(defaults: Rules = DEFAULT_RULES) {
    this.#layers = { default: defaults, configuration: new Map(), rest: new Map() };
  }

  /** Replaces a layer. */
  set(layer: Layer, rules: Rules): void {
    this.#layers[layer] = rules;
  }

  rules(layer: Layer): Rules {
    return this.#layers[layer];
  }

  /** Every rule that some layer has. */
  get ids(): Set<RuleId> {
    return new Set(LAYERS.flatMap((layer) => [...this.#layers[layer].keys()]));
  }

  /** The numbers of all groups that some layer has a rule for. */
  groups(): Set<number> {
    const ids = [...this.ids].filter((id) => id.startsWith('group/'));
    return new Set(ids.map((id) => Number(id.slice('group/'.length))));
  }

  /** What holds where these rules apply, the most specific first, and where it comes from. */
  origins(ids: readonly RuleId[]): Origins {
    const found = SETTING_NAMES.map((name) => [name, this.#find(ids, name)] as const);
    return Object.fromEntries(found) as unknown as Origins;
  }

  settings(ids: readonly RuleId[]): Settings {
    const found = SETTING_NAMES.map((name) => [name, this.#find(ids, name).value] as const);
    return Object.fromEntries(found) as unknown as Settings;
  }

  #find(ids: readonly RuleId[], name: keyof Settings): Origin<number | null> {
    for (const id of ids) {
      for (const from of LAYERS) {
        const value = this.#layers[from].get(id)?.[name];
        if (value !== undefined) return { value, from };
      }
    }
    return { value: UNSET[name], from: 'default' };
  }

  /** The cgroup rules for a path: itself first, then patterns, the longest first. */
  cgroupRules(path: string): RuleId[] {
    const exact: RuleId = `cgroup/${path}`;
    const patterns = [...this.ids]
      .filter((id) => id !== exact && id.startsWith('cgroup/') && matches(id.slice(7), path))
      .sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    return [exact, ...patterns];
  }
}

/** A path pattern: `*` stands for any part of one name. */
function matches(pattern: string, path: string): boolean {
  const [a, b] = [pattern.split('/'), path.split('/')];
  return a.length === b.length && a.every((part, i) => matchesName(part, b[i] ?? ''));
}

/** Without a regular expression, whose time could be driven up by a pattern of many stars. */
function matchesName(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === first;
  const last = rest.pop() ?? '';
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
