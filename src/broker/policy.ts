/**
 * Policy: who may connect, allocate from which source and placement, import, share with whom, and use
 * REST. Decisions rest on uid and gids as the kernel gave them. The first rule that is for somebody and
 * says something about a question decides it; where none does, it is allowed.
 */

import { BrokerError } from '../memory/errors.js';
import type { Constraint, Possible } from '../memory/refusal-words.js';
import { isCalled, type SourceState } from '../memory/source.js';
import type { AllocationRequest } from './request.js';
import type { PartialPeer } from './who.js';

/** Users and groups, by number. */
export interface Principals {
  readonly uids: readonly number[];
  readonly gids: readonly number[];
}

/** Some who may claim what is somebody's, beside those of the same user and control group. */
export interface NamedClaimants extends Principals {
  /** Each with those below it; of whatever user. */
  readonly cgroups: readonly string[];
}

/** Who may claim what is somebody's by its lasting name. */
export type Claimants = 'anyone' | 'same_user' | 'same_cgroup' | 'nobody' | NamedClaimants;

/** Who may redeem what somebody shares. */
export type Audience = 'anyone' | 'same_user' | 'nobody' | Principals;

export interface PolicyRule {
  /** null: everybody. */
  readonly who: Principals | null;
  /** The names of the sources that may be allocated from. */
  readonly sources?: readonly string[];
  /** The placements that may be asked for. */
  readonly placements?: readonly string[];
  readonly import?: boolean;
  readonly share?: Audience;
  /** Who may claim what the owner, whom the rule is for, has given a lasting name. */
  readonly claim?: Claimants;
  /** And who as its writer. */
  readonly write?: Claimants;
}

export interface PolicyRules {
  /** Administrators may connect, too. */
  readonly connect: Principals;
  /** May do everything over REST. */
  readonly admin: Principals;
  /** May make, change and release buffers over REST, and see everything but their content. */
  readonly operator: Principals;
  /** May see everything over REST but buffers' content, and change nothing. */
  readonly reader: Principals;
  /** Readers and operators who may see buffers' content over REST. */
  readonly preview: Principals;
  /** May see and change over REST what is their own user's, whatever their role. */
  readonly owner: Principals;
  readonly rules: readonly PolicyRule[];
  /** Names of groups in it, for the sentences of refusals. */
  readonly groupNames?: ReadonlyMap<number, string>;
}

/** Everybody whom it names, for whatever. */
export function namedBy(rules: PolicyRules): Principals {
  const { connect, admin, operator, reader, preview, owner } = rules;
  const all = [connect, admin, operator, reader, preview, owner];
  return { uids: all.flatMap(({ uids }) => uids), gids: all.flatMap(({ gids }) => gids) };
}

type Who = Pick<PartialPeer, 'uid' | 'gid' | 'groups'>;

export function includes({ uids, gids }: Principals, { uid, gid, groups }: Who): boolean {
  if (uid !== null && uids.includes(uid)) return true;
  if (gid !== null && gids.includes(gid)) return true;
  return (groups ?? []).some((group) => gids.includes(group));
}

/** Each may do what those before it may. */
export const REST_ROLES = ['none', 'reader', 'operator', 'admin'] as const;
export type RestRole = (typeof REST_ROLES)[number];

/** What somebody may do over REST, or what it takes. */
export interface RestAccess {
  readonly role: RestRole;
  /** To look at pixels is more than to list. */
  readonly preview: boolean;
  /** Whether, without the role, it is for those things that are the user's own. */
  readonly owner: boolean;
}

/** What somebody may use an operation for: everybody's things, those of their own user, or nothing. */
export type Reach = 'all' | 'own' | 'none';

export function reach(has: RestAccess, needed: RestAccess): Reach {
  const enough = REST_ROLES.indexOf(has.role) >= REST_ROLES.indexOf(needed.role);
  if (enough && (has.preview || !needed.preview)) return 'all';
  return has.owner && needed.owner ? 'own' : 'none';
}

const RIGHTS = ['connect', 'admin', 'operator', 'reader', 'preview', 'owner'] as const;
const RULED = ['sources', 'placements', 'import', 'share', 'claim', 'write'] as const;

export interface Explanation {
  readonly rights: readonly { readonly right: (typeof RIGHTS)[number]; readonly through: string }[];
  readonly rules: readonly {
    readonly about: (typeof RULED)[number];
    readonly rule: number;
    readonly allowed: unknown;
  }[];
}

export class Policy {
  constructor(private readonly policy: PolicyRules | null) {}

  mayConnect(who: Who): boolean {
    const { policy } = this;
    return policy === null || includes(policy.connect, who) || includes(policy.admin, who);
  }

  /** What somebody is told who may not connect. */
  notConnected(uid: number): BrokerError {
    const message = `user ${uid} may not connect${this.#isFor([this.policy?.connect])}`;
    return new BrokerError('permission_denied', message, { constraint: 'connect', requested: uid });
  }

  /** Whom one would have to join in order to have access, as the end of a sentence. */
  accessIsFor({ role, owner }: RestAccess): string {
    const { policy } = this;
    const roles = REST_ROLES.slice(REST_ROLES.indexOf(role)).filter((each) => each !== 'none');
    const own = owner ? this.#groups([policy?.owner]) : '';
    const ownPart = own === '' ? '' : `; what is one's own, for ${own}`;
    return `${this.#isFor(roles.map((each) => policy?.[each]))}${ownPart}`;
  }

  #isFor(all: readonly (Principals | undefined)[]): string {
    const groups = this.#groups(all);
    return groups === '' ? '' : `: that is for ${groups}`;
  }

  #groups(all: readonly (Principals | undefined)[]): string {
    const gids = new Set(all.flatMap((each) => each?.gids ?? []));
    if (gids.size === 0) return '';
    const names = [...gids].map((gid) => this.policy?.groupNames?.get(gid) ?? gid);
    return `members of the group ${names.join(' or ')}`;
  }

  restAccess(who: Who): RestAccess {
    const { policy } = this;
    if (policy === null || includes(policy.admin, who)) {
      return { role: 'admin', preview: true, owner: true };
    }
    const role = (['operator', 'reader'] as const).find((each) => includes(policy[each], who));
    return {
      role: role ?? 'none',
      preview: includes(policy.preview, who),
      // Of whom nothing is known, nobody can tell what is theirs.
      owner: who.uid !== null && includes(policy.owner, who),
    };
  }

  /** What somebody may do and through whom, and which rules hold for them: for people who wonder. */
  explain(who: Who): Explanation {
    const { policy } = this;
    if (policy === null) return { rights: [], rules: [] };
    const rights = RIGHTS.flatMap((right) => {
      const through = this.#through(policy[right], who);
      return through === null ? [] : [{ right, through }];
    });
    const rules = RULED.flatMap((about) => {
      const rule = policy.rules.findIndex((each) => holds(each, about, who));
      return rule < 0 ? [] : [{ about, rule, allowed: inWords(policy.rules[rule]?.[about]) }];
    });
    return { rights, rules };
  }

  #through({ uids, gids }: Principals, { uid, gid, groups }: Who): string | null {
    if (uid !== null && uids.includes(uid)) return `user ${uid}`;
    const found = [gid, ...(groups ?? [])].find((each) => each !== null && gids.includes(each));
    if (found === undefined || found === null) return null;
    return `group ${this.policy?.groupNames?.get(found) ?? found}`;
  }

  /** The sources that somebody may allocate from. */
  permitted<S extends Pick<SourceState, 'aliases'> & { readonly name: string }>(
    who: Who,
    sources: readonly S[],
  ): readonly S[] {
    const names = this.#find(who, 'sources');
    if (names === undefined) return sources;
    return sources.filter((source) => names.some((name) => isCalled(source, name)));
  }

  /** Throws `permission_denied` where a placement that is asked for may not be had. */
  checkPlacement(who: Who, { spec: { placement } }: AllocationRequest): void {
    const allowed = this.#find(who, 'placements');
    if (placement === undefined || allowed === undefined || allowed.includes(placement)) return;
    throw denied('placement', placement, allowed);
  }

  checkImport(who: Who): void {
    if (this.#find(who, 'import') === false) throw denied('import', true, false);
  }

  /** Who may redeem what somebody shares, null: anybody. Throws where the token could not be used. */
  audience(who: Who, uid: number | null): Principals | null {
    const share = this.#find(who, 'share') ?? 'anyone';
    if (share === 'anyone') return null;
    if (share === 'nobody') throw denied('share', uid ?? 'anyone', share);
    if (share !== 'same_user') return share;
    if (uid !== null && uid !== who.uid) throw denied('share', uid, who.uid);
    return { uids: who.uid === null ? [] : [who.uid], gids: [] };
  }

  /**
   * Whether somebody may claim what another one has named, as a reader or as its writer, who is one of its readers,
   * too: by default who is of the same user and of the same control group.
   */
  mayClaim(owner: Claimant, who: Claimant, asWriter: boolean): boolean {
    if (admitsClaim(this.#find(owner, 'write') ?? 'same_cgroup', owner, who)) return true;
    return !asWriter && admitsClaim(this.#find(owner, 'claim') ?? 'same_cgroup', owner, who);
  }

  #find<K extends keyof PolicyRule>(who: Who, key: K): PolicyRule[K] | undefined {
    return this.policy?.rules.find((rule) => holds(rule, key, who))?.[key];
  }
}

/** Whether a rule is about something, and for somebody. */
const holds = (rule: PolicyRule, about: keyof PolicyRule, who: Who): boolean =>
  rule[about] !== undefined && (rule.who === null || includes(rule.who, who));

type Claimant = Who & Pick<PartialPeer, 'cgroup'>;

function admitsClaim(claimants: Claimants, owner: Claimant, who: Claimant): boolean {
  if (claimants === 'anyone') return true;
  if (claimants === 'nobody') return false;
  const sameUser = who.uid !== null && who.uid === owner.uid;
  if (claimants === 'same_user') return sameUser;
  if (sameUser && who.cgroup === owner.cgroup) return true;
  if (claimants === 'same_cgroup') return false;
  const { cgroup } = who;
  return includes(claimants, who) || claimants.cgroups.some((each) => isIn(cgroup, each));
}

const isIn = (cgroup: string | null, other: string): boolean =>
  cgroup !== null && (cgroup === other || cgroup.startsWith(`${other.replace(/\/$/, '')}/`));

/** Principals in the words of the configuration. */
const inWords = (allowed: unknown): unknown =>
  typeof allowed === 'object' && allowed !== null && 'uids' in allowed && 'gids' in allowed
    ? {
        ...{ users: allowed.uids, groups: allowed.gids },
        ...('cgroups' in allowed && { cgroups: allowed.cgroups }),
      }
    : allowed;

export function denied(
  constraint: Constraint,
  requested: unknown,
  possible: Possible,
): BrokerError {
  const message = `the policy of this daemon does not allow this ${constraint}`;
  return new BrokerError('permission_denied', message, { constraint, requested, possible });
}
