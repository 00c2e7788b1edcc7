/**
 * The configuration file's section `policy`: its schema, its defaults, and names of users and groups
 * made numbers. Names are looked up in /etc/passwd and /etc/group; others are given by number.
 */
import type { Audience, PolicyRules, Principals } from '../../broker/policy.js';
import { readGroups, readPasswd } from '../machine/users.js';

interface PrincipalsTable {
  users?: (string | number)[];
  groups?: (string | number)[];
}

interface RuleTable extends PrincipalsTable {
  sources?: string[];
  placements?: string[];
  import?: boolean;
  share?: 'anyone' | 'same_user' | 'nobody' | PrincipalsTable;
}

export interface PolicyTable {
  connect?: PrincipalsTable;
  admin?: PrincipalsTable;
  operator?: PrincipalsTable;
  reader?: PrincipalsTable;
  preview?: PrincipalsTable;
  owner?: PrincipalsTable;
  rules?: RuleTable[];
}

const names = {
  type: 'array',
  items: { type: ['string', 'integer'], minLength: 1, minimum: 0, maximum: 4294967294 },
} as const;
const who = { users: names, groups: names } as const;
const principals = { type: 'object', additionalProperties: false, properties: who } as const;
const strings = { type: 'array', items: { type: 'string', minLength: 1 } } as const;

export const policySchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    connect: principals,
    admin: principals,
    operator: principals,
    reader: principals,
    preview: principals,
    owner: principals,
    rules: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          ...who,
          sources: strings,
          placements: {
            type: 'array',
            items: { enum: ['any', 'device_local', 'host_visible', 'host_cached'] },
          },
          import: { type: 'boolean' },
          share: {
            if: { type: 'string' },
            // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema
            then: { enum: ['anyone', 'same_user', 'nobody'] },
            else: principals,
          },
        },
      },
    },
  },
} as const;

/** The numbers of names; null where there is no such user or group. */
export interface Names {
  user(name: string): number | null;
  group(name: string): number | null;
}

export function machineNames(): Names {
  const { uids } = readPasswd();
  const groups = readGroups();
  return { user: (name) => uids.get(name) ?? null, group: (name) => groups.get(name) ?? null };
}

const DEFAULT_CONNECT = { groups: ['dmabroker'] };
const DEFAULT_ADMIN = { users: ['root'], groups: ['dmabroker-admin'] };

/** `own` is the daemon's own uid, which administers always. Throws Error with the key of a wrong name. */
export function policyConfig(table: PolicyTable, known: Names, own: number): PolicyRules {
  const numbers = (
    list: readonly (string | number)[] | undefined,
    kind: 'user' | 'group',
    key: string,
  ) =>
    (list ?? []).map((name) => {
      const found = typeof name === 'number' ? name : known[kind](name);
      if (found === null) {
        throw new Error(
          `policy.${key}.${kind}s: there is no ${kind} ${name} in /etc; give its number`,
        );
      }
      return found;
    });
  const resolve = ({ users, groups }: PrincipalsTable, key: string): Principals => ({
    uids: numbers(users, 'user', key),
    gids: numbers(groups, 'group', key),
  });
  // A machine need not have the groups of the defaults.
  const present = ({ users = [], groups = [] }: { users?: string[]; groups?: string[] }) => ({
    users: users.filter((name) => known.user(name) !== null),
    groups: groups.filter((name) => known.group(name) !== null),
  });
  const audience = (share: RuleTable['share'] & {}, key: string): Audience =>
    typeof share === 'string' ? share : resolve(share, key);
  const admin = resolve(table.admin ?? present(DEFAULT_ADMIN), 'admin');
  const connect = resolve(table.connect ?? present(DEFAULT_CONNECT), 'connect');
  return {
    connect,
    admin: { ...admin, uids: [...new Set([...admin.uids, own])] },
    operator: resolve(table.operator ?? {}, 'operator'),
    reader: resolve(table.reader ?? {}, 'reader'),
    preview: resolve(table.preview ?? {}, 'preview'),
    owner: table.owner === undefined ? connect : resolve(table.owner, 'owner'),
    rules: (table.rules ?? []).map(({ users, groups, share, ...rest }, index) => ({
      ...rest,
      who:
        users === undefined && groups === undefined
          ? null
          : resolve({ ...(users && { users }), ...(groups && { groups }) }, `rules.${index}`),
      ...(share === undefined ? {} : { share: audience(share, `rules.${index}.share`) }),
    })),
  };
}
