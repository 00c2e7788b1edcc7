/**
 * The sections `[quotas]` and `[pressure]` of the configuration: their schema, and the rules that
 * they make. docs/quotas.md describes them.
 */
import {
  MAX_PRIORITY,
  MAX_WEIGHT,
  type Rule,
  type RuleId,
  type Rules,
} from '../../broker/quota/rules.js';

export type Quantity = number | string;

/** A rule as it is written: bytes may have a unit, `"none"` takes a limit away. */
export interface RuleTable {
  bytes?: Quantity;
  buffers?: Quantity;
  fds?: Quantity;
  pending?: Quantity;
  allocations_per_second?: Quantity;
  weight?: number;
  priority?: number;
}

export interface QuotaTables {
  reserve?: number;
  recall_seconds?: number;
  daemon?: RuleTable;
  default_user?: RuleTable;
  connection?: RuleTable;
  /** By name or number. */
  users?: Record<string, RuleTable>;
  /** By path pattern. */
  cgroups?: Record<string, RuleTable>;
  sources?: Record<string, RuleTable>;
}

export interface PressureTable {
  psi_some_avg10?: number;
  heap_budget?: number;
  deadline_seconds?: number;
}

const count = { type: ['integer', 'string'], minimum: 0, pattern: '^(none|[0-9]{1,15})$' } as const;

/** Bytes, with a unit or without. */
export const sizeSchema = {
  type: ['integer', 'string'],
  minimum: 0,
  pattern: '^[0-9]{1,15}[KMGT]?$',
} as const;

/** A size, or that there is no limit. */
export const limitSchema = { ...sizeSchema, pattern: '^(none|[0-9]{1,15}[KMGT]?)$' } as const;

const limits = {
  bytes: limitSchema,
  buffers: count,
  fds: count,
  pending: count,
  allocations_per_second: {
    type: ['number', 'string'],
    exclusiveMinimum: 0,
    pattern: '^none$',
  },
} as const;
const weight = { type: 'integer', minimum: 1, maximum: MAX_WEIGHT } as const;
const priority = { type: 'integer', minimum: -MAX_PRIORITY, maximum: MAX_PRIORITY } as const;

const table = (properties: object) =>
  ({ type: 'object', additionalProperties: false, properties }) as const;
const named = (patternProperties: Readonly<Record<string, object>>) =>
  ({ type: 'object', additionalProperties: false, patternProperties }) as const;

const user = table({ ...limits, weight, priority });

export const quotasSchema = table({
  reserve: { type: 'number', minimum: 0, maximum: 1 },
  recall_seconds: { type: 'integer', minimum: 1, maximum: 3600 },
  daemon: table(limits),
  default_user: user,
  connection: table(limits),
  users: named({ '^[^/]+$': user }),
  cgroups: named({ '^/': table({ ...limits, priority }) }),
  sources: named({
    '^(?!vulkan:)[^/\\s]+$': table(limits),
    // Heaps: what is there was allocated.
    '^vulkan:([0-9a-f]{32}:)?(\\d|1[0-5])$': table({
      bytes: limits.bytes,
      buffers: count,
      fds: count,
    }),
  }),
});

export const pressureSchema = table({
  psi_some_avg10: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
  heap_budget: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  deadline_seconds: { type: 'integer', minimum: 1, maximum: 3600 },
});

const UNITS = ['', 'K', 'M', 'G', 'T'];

export function quantity(value: Quantity): number | null {
  if (typeof value === 'number') return value;
  if (value === 'none') return null;
  const [, digits = '', unit = ''] = /^(\d+)([KMGT]?)$/.exec(value) ?? [];
  return Math.min(Number(digits) * 1024 ** UNITS.indexOf(unit), Number.MAX_SAFE_INTEGER);
}

export function ruleOf({ allocations_per_second, weight, priority, ...rest }: RuleTable): Rule {
  const limits = Object.entries(rest).map(([name, value]) => [name, quantity(value)]);
  return {
    ...Object.fromEntries(limits),
    ...(allocations_per_second === undefined
      ? {}
      : { allocationsPerSecond: quantity(allocations_per_second) }),
    ...(weight === undefined ? {} : { weight }),
    ...(priority === undefined ? {} : { priority }),
  };
}

/** `uidOf` finds a user's number by name; null where there is none. Throws for such a name. */
export function quotaRules(tables: QuotaTables, uidOf: (name: string) => number | null): Rules {
  const rules = new Map<RuleId, Rule>();
  const { reserve, daemon, default_user, connection } = tables;
  if (daemon !== undefined || reserve !== undefined) {
    rules.set('daemon/default', {
      ...ruleOf(daemon ?? {}),
      ...(reserve === undefined ? {} : { reserve }),
    });
  }
  if (default_user !== undefined) rules.set('user/default', ruleOf(default_user));
  if (connection !== undefined) rules.set('connection/default', ruleOf(connection));
  for (const [name, rule] of Object.entries(tables.users ?? {})) {
    const uid = /^\d+$/.test(name) ? Number(name) : uidOf(name);
    if (uid === null) throw new Error(`quotas.users.${name}: there is no such user in /etc/passwd`);
    rules.set(`user/${uid}`, ruleOf(rule));
  }
  for (const [path, rule] of Object.entries(tables.cgroups ?? {})) {
    rules.set(`cgroup/${path}`, ruleOf(rule));
  }
  for (const [name, rule] of Object.entries(tables.sources ?? {})) {
    rules.set(`source/${name}`, ruleOf(rule));
  }
  return rules;
}
