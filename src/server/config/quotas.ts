/**
 * The section `[quotas]` of the configuration: what limits it may set, and the rules that they make.
 * docs/quotas.md describes them.
 */
import { RECALL_SECONDS } from '../../broker/quota/quotas.js';
import {
  MAX_PRIORITY,
  MAX_WEIGHT,
  type Rule,
  type RuleId,
  type Rules,
} from '../../broker/quota/rules.js';
import { integer, limit, type Quantity, quantity } from './kind.js';
import { type Names, unknownName } from './machine.js';
import { type PartKind, part, type Said, sectionOf, setting } from './setting.js';

const count = { type: ['integer', 'string'], minimum: 0, pattern: '^(none|[0-9]{1,15})$' } as const;
const limits = {
  bytes: limit.schema,
  buffers: count,
  fds: count,
  pending: count,
  allocations_per_second: {
    type: ['number', 'string'],
    exclusiveMinimum: 0,
    pattern: '^none$',
  },
} as const;

/** A rule as it is written: bytes may have a unit, `"none"` takes a limit away. */
type RuleTable = { [K in keyof typeof limits]?: Quantity } & { weight?: number; priority?: number };

const weight = { type: 'integer', minimum: 1, maximum: MAX_WEIGHT } as const;
const priority = { type: 'integer', minimum: -MAX_PRIORITY, maximum: MAX_PRIORITY } as const;

const table = (properties: object) =>
  ({ type: 'object', additionalProperties: false, properties }) as const;
const named = (patternProperties: Readonly<Record<string, object>>) =>
  ({ type: 'object', additionalProperties: false, patternProperties }) as const;

const LIMITS = '`bytes`, `buffers`, `fds`, `pending`, `allocations_per_second`';

/** What becomes a rule, which the layers of the quotas have and show. */
const rule = <W>(schema: object, words: string): PartKind<W, never> => ({
  schema,
  words,
});
const one = (schema: object, words: string) => rule<RuleTable>(schema, words);
const byName = (schema: object, words: string) => rule<Record<string, RuleTable>>(schema, words);

const user = table({ ...limits, weight, priority });
const USER = `${LIMITS}, \`weight\` (1 to ${MAX_WEIGHT}), \`priority\` (${-MAX_PRIORITY} to ${MAX_PRIORITY})`;
const BUILT_IN = 'as built in';
const NONE = 'none';

const settings = {
  recall_seconds: setting(integer({ minimum: 1, maximum: 3600 }, 'seconds'), RECALL_SECONDS, {
    about:
      'How long an owner has to give back what is recalled because somebody is below their share.',
  }),
  reserve: part(
    rule<number>({ type: 'number', minimum: 0, maximum: 1 }, 'a part, from 0 to 1'),
    BUILT_IN,
    { about: 'The part of each capacity that only users below their share may draw from.' },
  ),
  daemon: part(one(table(limits), LIMITS), BUILT_IN, {
    about: 'What everybody may have together.',
  }),
  default_user: part(one(user, USER), BUILT_IN, { about: 'What each user may have.' }),
  connection: part(one(table(limits), LIMITS), BUILT_IN, {
    about: 'What each connection may have.',
  }),
  users: part(byName(named({ '^[^/]+$': user }), `by a user's name or number: ${USER}`), NONE, {
    about: 'What single users may have, in place of `default_user`.',
  }),
  groups: part(
    byName(named({ '^[^/]+$': table(limits) }), `by a group's name or number: ${LIMITS}`),
    NONE,
    {
      about:
        'What all processes that are in a group may have together, beside what holds for their users.',
    },
  ),
  cgroups: part(
    byName(
      named({ '^/': table({ ...limits, priority }) }),
      `by a path, in which \`*\` is any part of one name: ${LIMITS}, \`priority\``,
    ),
    NONE,
    { about: 'What control groups may have, within each user.' },
  ),
  sources: part(
    byName(
      named({
        '^(?!vulkan:)[^/\\s]+$': table(limits),
        // Heaps: what is there was allocated.
        '^vulkan:([0-9a-f]{32}:)?(\\d|1[0-5])$': table({
          bytes: limits.bytes,
          buffers: count,
          fds: count,
        }),
      }),
      `by a source's name: ${LIMITS}; by a heap's (\`vulkan:0\`): \`bytes\`, \`buffers\`, \`fds\``,
    ),
    NONE,
    { about: 'What may be had of a source or a heap.' },
  ),
};

type QuotaTables = Said<typeof settings>;

function ruleOf({ allocations_per_second, weight, priority, ...rest }: RuleTable): Rule {
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

/** Throws for a name that `names` does not know. */
export function quotaRules(tables: QuotaTables, names: Names): Rules {
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
    const uid = /^\d+$/.test(name) ? Number(name) : names.user(name);
    if (uid === null) throw new Error(`quotas.users.${name}: ${unknownName('user', name)}`);
    rules.set(`user/${uid}`, ruleOf(rule));
  }
  for (const [name, rule] of Object.entries(tables.groups ?? {})) {
    const gid = /^\d+$/.test(name) ? Number(name) : names.group(name);
    if (gid === null) throw new Error(`quotas.groups.${name}: ${unknownName('group', name)}`);
    rules.set(`group/${gid}`, ruleOf(rule));
  }
  for (const [path, rule] of Object.entries(tables.cgroups ?? {})) {
    rules.set(`cgroup/${path}`, ruleOf(rule));
  }
  for (const [name, rule] of Object.entries(tables.sources ?? {})) {
    rules.set(`source/${name}`, ruleOf(rule));
  }
  return rules;
}

export const quotas = sectionOf(
  {
    about: 'What may be had; `"none"` takes a limit away. What was set over REST comes before it.',
    see: 'quotas.md',
    settings,
    live: true,
  },
  (said, { names }) => ({ rules: quotaRules(said, names) }),
);
