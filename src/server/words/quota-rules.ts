/**
 * Rules as REST and the state file have them: snake case, null for no limit. What a rule of a scope
 * may say, and which keys a scope has, is checked here for both.
 */

import type { Rule, RuleId } from '../../broker/quota/rules.js';
import { MAX_PRIORITY, MAX_WEIGHT } from '../../broker/quota/rules.js';
import { SCOPES, type Scope } from '../../memory/charged.js';
import { BrokerError } from '../../memory/errors.js';
import type { FieldPath } from '../../memory/refusal-words.js';
import type { QuotaRule } from '../../rest/contract.js';

const LIMITS = ['bytes', 'buffers', 'fds', 'pending', 'allocationsPerSecond'] as const;

const ALLOWED: Record<Scope, readonly (keyof Rule)[]> = {
  daemon: [...LIMITS, 'reserve'],
  user: [...LIMITS, 'weight', 'priority'],
  group: LIMITS,
  cgroup: [...LIMITS, 'priority'],
  source: LIMITS,
  connection: LIMITS,
};

/** What is in a heap was allocated: nothing is pending there. */
const HEAP_LIMITS = ['bytes', 'buffers', 'fds'] as const;

/** (uid_t)-1 is the last; a device has 16 heaps at most (VK_MAX_MEMORY_HEAPS). */
const KEYS: Record<Scope, RegExp> = {
  daemon: /^default$/,
  user: /^(default|0|[1-9]\d{0,9})$/,
  // There is none for all groups: who is in several would be charged in each.
  group: /^(0|[1-9]\d{0,9})$/,
  cgroup: /^\/[^\0]{0,4094}$/,
  source: /^(?!vulkan:)[^/\s]{1,264}$|^vulkan:([0-9a-f]{32}:)?(\d|1[0-5])$/,
  connection: /^default$/,
};

export const noQuota = (id: string): BrokerError =>
  new BrokerError('not_found', `there is no quota ${id}`);

/** The rule's name. Throws `not_found` where there is no such quota. */
export function ruleId(scope: string, key: string): RuleId {
  const known = SCOPES.find((each) => each === scope);
  if (known === undefined || !KEYS[known].test(key)) {
    throw noQuota(`${scope}/${key}`);
  }
  return `${known}/${key}`;
}

const inRange: { readonly [K in keyof Rule]?: (value: number) => boolean } = {
  allocationsPerSecond: (value) => value > 0,
  weight: (value) => Number.isInteger(value) && value >= 1 && value <= MAX_WEIGHT,
  priority: (value) => Number.isInteger(value) && Math.abs(value) <= MAX_PRIORITY,
  reserve: (value) => value >= 0 && value <= 1,
};

/** As a request of REST has it. */
const restName = (name: keyof Rule) =>
  (name === 'allocationsPerSecond' ? 'allocations_per_second' : name) as FieldPath;

/** Throws `not_found`, or `invalid_argument` where a rule of this scope cannot say this. */
export function checkRule(scope: string, key: string, rule: Rule): RuleId {
  const id = ruleId(scope, key);
  const isHeap = id.startsWith('source/vulkan:');
  const allowed = isHeap ? HEAP_LIMITS : ALLOWED[scope as Scope];
  for (const [name, value] of Object.entries(rule) as [keyof Rule, unknown][]) {
    const nullable = LIMITS.some((limit) => limit === name);
    const check = inRange[name] ?? ((count: number) => Number.isSafeInteger(count) && count >= 0);
    const good = value === null ? nullable : typeof value === 'number' && check(value);
    if (allowed.includes(name) && good) continue;
    const why = allowed.includes(name)
      ? 'is out of range'
      : `is nothing that a ${isHeap ? 'heap' : scope} has`;
    throw new BrokerError('invalid_argument', `${name} ${why}`, {
      constraint: restName(name),
      requested: value,
      ...(allowed.includes(name) ? {} : { possible: allowed.map(restName) }),
    });
  }
  return id;
}

export function ruleFromRest({ allocations_per_second, ...rest }: QuotaRule): Rule {
  return allocations_per_second === undefined
    ? rest
    : { ...rest, allocationsPerSecond: allocations_per_second };
}

export function ruleToRest({ allocationsPerSecond, ...rest }: Rule): QuotaRule {
  return allocationsPerSecond === undefined
    ? rest
    : { ...rest, allocations_per_second: allocationsPerSecond };
}
