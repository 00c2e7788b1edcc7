/**
 * The section `[policy]` of the configuration: names of users and groups made numbers. docs/policy.md describes it.
 */
import type {
  Audience,
  Claimants,
  PolicyRule,
  PolicyRules,
  Principals,
} from '../../broker/policy.js';
import { SOURCE_NAME } from '../../memory/source.js';
import { type Names, unknownName } from './machine.js';
import { type PartKind, part, type Said, sectionOf } from './setting.js';

export interface PrincipalsTable {
  users?: (string | number)[];
  groups?: (string | number)[];
}

export interface RuleTable extends PrincipalsTable {
  sources?: string[];
  placements?: string[];
  import?: boolean;
  share?: 'anyone' | 'same_user' | 'nobody' | PrincipalsTable;
  claim?: ClaimantsTable;
  write?: ClaimantsTable;
}

type ClaimantsTable =
  | ('anyone' | 'same_user' | 'same_cgroup' | 'nobody')
  | (PrincipalsTable & { cgroups?: string[] });

const names = {
  type: 'array',
  items: { type: ['string', 'integer'], minLength: 1, minimum: 0, maximum: 4294967294 },
} as const;
const who = { users: names, groups: names } as const;
const source = {
  type: 'string',
  pattern: SOURCE_NAME,
  description: 'vulkan, cuda, udmabuf, memfd or dma-heap:NAME',
} as const;
const principals = { type: 'object', additionalProperties: false, properties: who } as const;
const claimants = {
  if: { type: 'string' },
  // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema
  then: { enum: ['anyone', 'same_user', 'same_cgroup', 'nobody'] },
  else: {
    type: 'object',
    additionalProperties: false,
    properties: { ...who, cgroups: { type: 'array', items: { type: 'string', pattern: '^/' } } },
  },
} as const;

const showPrincipals = ({ uids, gids }: Principals) => ({ users: uids, groups: gids });

const people: PartKind<PrincipalsTable, Principals> = {
  schema: principals,
  words: '`{ users = […], groups = […] }`, by name or number',
  show: showPrincipals,
};

const rules: PartKind<RuleTable[], readonly PolicyRule[]> = {
  schema: {
    type: 'array',
    items: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ...who,
        sources: { type: 'array', items: source },
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
        claim: claimants,
        write: claimants,
      },
    },
  },
  words:
    'tables `[[policy.rules]]` with `users`, `groups`, `sources`, `placements`, `import`, `share`, `claim`, `write`',
  show: (all) => all.map(showRule),
};

const showClaimants = (claimants: Claimants): unknown =>
  typeof claimants === 'string'
    ? claimants
    : { ...showPrincipals(claimants), cgroups: claimants.cgroups };

function showRule({ who, share, claim, write, ...rest }: PolicyRule): Record<string, unknown> {
  return {
    ...(who === null ? {} : showPrincipals(who)),
    ...rest,
    ...(share === undefined
      ? {}
      : { share: typeof share === 'string' ? share : showPrincipals(share) }),
    ...(claim === undefined ? {} : { claim: showClaimants(claim) }),
    ...(write === undefined ? {} : { write: showClaimants(write) }),
  };
}

const DEFAULT_CONNECT = { groups: ['dmabroker'] };
const DEFAULT_ADMIN = { users: ['root'], groups: ['dmabroker-admin'] };

const settings = {
  connect: part(people, 'the group `dmabroker`, where there is one', {
    about: 'Who may connect to the client socket. Administrators may, too.',
  }),
  admin: part(people, '`root` and the group `dmabroker-admin`, where there is one', {
    about: "Who may do everything over REST; the daemon's own user always may.",
  }),
  operator: part(people, 'nobody', {
    about:
      'Who may make, change and release buffers over REST, and see everything but their content.',
  }),
  reader: part(people, 'nobody', {
    about: "Who may see everything over REST but buffers' content, and change nothing.",
  }),
  preview: part(people, 'nobody', {
    about: "Readers and operators who may see buffers' content over REST.",
  }),
  owner: part(people, 'as `connect`', {
    about: "Who may see and change over REST what is their own user's, whatever their role.",
  }),
  rules: part(rules, 'none: everything is allowed', {
    about:
      'What may be allocated, imported, shared and claimed: the first rule about it for the user decides.',
  }),
};

type PolicyTable = Said<typeof settings>;

/** `own` is the daemon's own uid, which administers always. Throws Error with the key of a wrong name. */
export function policyConfig(table: PolicyTable, known: Names, own: number): PolicyRules {
  const groupNames = new Map<number, string>();
  const numbers = (
    list: readonly (string | number)[] | undefined,
    kind: 'user' | 'group',
    key: string,
  ) =>
    (list ?? []).map((name) => {
      const found = typeof name === 'number' ? name : known[kind](name);
      if (found === null) {
        throw new Error(`policy.${key}.${kind}s: ${unknownName(kind, String(name))}`);
      }
      if (kind === 'group' && typeof name === 'string') groupNames.set(found, name);
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
  const claimed = (table: ClaimantsTable, key: string): Claimants =>
    typeof table === 'string'
      ? table
      : { ...resolve(table, key), cgroups: [...(table.cgroups ?? [])] };
  const admin = resolve(table.admin ?? present(DEFAULT_ADMIN), 'admin');
  const connect = resolve(table.connect ?? present(DEFAULT_CONNECT), 'connect');
  return {
    groupNames,
    connect,
    admin: { ...admin, uids: [...new Set([...admin.uids, own])] },
    operator: resolve(table.operator ?? {}, 'operator'),
    reader: resolve(table.reader ?? {}, 'reader'),
    preview: resolve(table.preview ?? {}, 'preview'),
    owner: table.owner === undefined ? connect : resolve(table.owner, 'owner'),
    rules: (table.rules ?? []).map(({ users, groups, share, claim, write, ...rest }, index) => ({
      ...rest,
      who:
        users === undefined && groups === undefined
          ? null
          : resolve({ ...(users && { users }), ...(groups && { groups }) }, `rules.${index}`),
      ...(share === undefined ? {} : { share: audience(share, `rules.${index}.share`) }),
      ...(claim === undefined ? {} : { claim: claimed(claim, `rules.${index}.claim`) }),
      ...(write === undefined ? {} : { write: claimed(write, `rules.${index}.write`) }),
    })),
  };
}

export const policy = sectionOf(
  {
    about: 'Who may do what. Decisions rest on uid, gid and groups as the kernel gave them.',
    see: 'policy.md',
    settings,
    live: true,
  },
  (said, { names, uid }) => policyConfig(said, names, uid),
);
