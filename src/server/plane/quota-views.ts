/** Quotas, users and control groups in the shapes of openapi.yaml. */

import { type Account, sum } from '../../broker/quota/account.js';
import type { Origins } from '../../broker/quota/policy.js';
import { type Quotas, UNKNOWN_UID } from '../../broker/quota/quotas.js';
import type { RuleId } from '../../broker/quota/rules.js';
import { DIMENSIONS, NOTHING, type Scope } from '../../memory/charged.js';
import { type Clock, dateText } from '../../memory/clock.js';
import type { CgroupInfo, QuotaInfo, UserInfo } from '../../rest/contract.js';

/** What holds for a user, and says nothing of others. */
const ownQuotas = (uid: number): readonly RuleId[] => [`user/${uid}`, 'connection/default'];

export const isOwnQuota = (id: RuleId, uid: number): boolean => ownQuotas(uid).includes(id);

/** `only`: those of a user, from what is charged to that user. */
export function listQuotas(quotas: Quotas, only: number | null = null): QuotaInfo[] {
  if (only !== null) return ownQuotas(only).map((id) => quotaView(quotas, id, only));
  const ids = new Set<RuleId>(['daemon/default', 'user/default', 'connection/default']);
  for (const id of quotas.policy.ids) ids.add(id);
  for (const { scope, key } of quotas.accounts) {
    if (scope === 'user' || scope === 'source') ids.add(`${scope}/${key}`);
  }
  return [...ids].map((id) => quotaView(quotas, id));
}

export function quotaView(quotas: Quotas, id: RuleId, only: number | null = null): QuotaInfo {
  const { accounts } = quotas;
  const slash = id.indexOf('/');
  const [scope, key] = [id.slice(0, slash) as Scope, id.slice(slash + 1)];
  const exact = [...accounts].filter((each) => each.scope === scope && each.key === key);
  const settled = [...accounts].filter(
    (each) =>
      each.scope === scope &&
      isOf(only, each) &&
      accounts.rulesFor(each.scope, each.key).includes(id),
  );
  // A rule for several has no charge of its own, and a group without a rule is not counted.
  const several =
    scope === 'connection' ||
    id === 'user/default' ||
    (scope === 'cgroup' && key.includes('*')) ||
    (scope === 'group' && exact.length === 0);
  return {
    scope,
    key,
    settings: settingsView(quotas.policy.origins(accounts.rulesFor(scope, key))),
    charge: several ? null : exact.map(({ charge }) => charge).reduce(sum, NOTHING),
    share: scope === 'user' && key !== 'default' ? shareView(quotas, Number(key)) : null,
    over_limit: settled.some(isOver),
  };
}

const isOf = (only: number | null, { uid }: Account) => only === null || uid === only;

const isOver = ({ charge, settings }: Account) =>
  DIMENSIONS.some((dimension) => charge[dimension] > (settings[dimension] ?? Number.MAX_VALUE));

function settingsView({ allocationsPerSecond, ...rest }: Origins): QuotaInfo['settings'] {
  return { ...rest, allocations_per_second: allocationsPerSecond };
}

function shareView(quotas: Quotas, uid: number): UserInfo['share'] {
  return {
    bytes: quotas.shareOf(uid, 'bytes'),
    buffers: quotas.shareOf(uid, 'buffers'),
    fds: quotas.shareOf(uid, 'fds'),
  };
}

function limitsOf({ settings }: Account): UserInfo['limits'] {
  const { bytes, buffers, fds, pending, allocationsPerSecond } = settings;
  return { bytes, buffers, fds, pending, allocations_per_second: allocationsPerSecond };
}

/** Users that are charged or connected. Their names are for whoever can read passwd(5). */
export function listUsers(quotas: Quotas, clock: Clock, only: number | null = null): UserInfo[] {
  const users = [...quotas.accounts].filter(
    (account) => account.scope === 'user' && isOf(only, account),
  );
  return users.map((account) => {
    const uid = account.uid ?? UNKNOWN_UID;
    return {
      uid,
      name: null,
      charge: account.charge,
      limits: limitsOf(account),
      share: shareView(quotas, uid),
      over_limit: isOver(account),
      recalled: quotas.recalls.of(uid).map(({ buffer, reason, deadline }) => ({
        buffer: buffer.id,
        reason,
        deadline: dateText(clock, deadline),
        overdue: deadline <= clock.now(),
      })),
    };
  });
}

export function listCgroups(quotas: Quotas, only: number | null = null): CgroupInfo[] {
  const cgroups = [...quotas.accounts].filter(
    (account) => account.scope === 'cgroup' && isOf(only, account),
  );
  return cgroups.map((account) => ({
    path: account.key,
    uid: account.uid ?? UNKNOWN_UID,
    charge: account.charge,
    limits: limitsOf(account),
    over_limit: isOver(account),
  }));
}
