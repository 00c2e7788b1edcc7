/**
 * How much of the quotas is used, for metrics: of the daemon, and of the users, groups and sources that are
 * nearest to one of their limits, so that their number does not grow with the users'. Control groups and connections
 * come and go, and are not shown.
 */
import type { Account } from '../../broker/quota/account.js';
import type { Quotas } from '../../broker/quota/quotas.js';
import type { Limits, RuleId } from '../../broker/quota/rules.js';
import { type Amount, DIMENSIONS, NOTHING } from '../../memory/charged.js';
import { MAX_LABELS, type QuotaUse } from '../words/metrics.js';

type Shown = 'user' | 'group' | 'source';

export function quotaUses(quotas: Quotas): QuotaUse[] {
  const { accounts, policy } = quotas;
  const everybody = policy.settings(accounts.rulesFor('user', 'default'));
  return [
    ofAccount(accounts.daemon),
    { scope: 'user', key: 'default', used: null, limits: limitsOf(everybody) },
    ...nearest(quotas, 'user'),
    ...nearest(quotas, 'group'),
    ...nearest(quotas, 'source'),
  ];
}

/** Those that are charged, and after them those that have only a quota. */
function nearest({ accounts, policy }: Quotas, scope: Shown): QuotaUse[] {
  const charged = [...accounts]
    .filter((account) => account.scope === scope)
    .map((account) => ({ account, part: usedPart(account.charge, account.settings) }))
    .sort((a, b) => b.part - a.part || b.account.charge.bytes - a.account.charge.bytes)
    .slice(0, MAX_LABELS)
    .map(({ account }) => ofAccount(account));
  const room = MAX_LABELS - charged.length;
  if (room === 0) return charged;
  const idle = [...policy.ids]
    .filter((id) => id.startsWith(`${scope}/`) && id !== 'user/default')
    .map((id: RuleId) => id.slice(scope.length + 1))
    .filter((key) => accounts.find(scope, key) === undefined)
    .slice(0, room)
    .map((key): QuotaUse => {
      const limits = limitsOf(policy.settings(accounts.rulesFor(scope, key)));
      return { scope, key, used: NOTHING, limits };
    });
  return [...charged, ...idle];
}

const ofAccount = ({ scope, key, charge, settings }: Account): QuotaUse => ({
  ...{ scope, key, used: charge },
  limits: limitsOf(settings),
});

const limitsOf = ({ bytes, buffers, fds, pending, allocationsPerSecond }: Limits): Limits => ({
  ...{ bytes, buffers, fds, pending, allocationsPerSecond },
});

/** How much of the limit that is nearest; who may have nothing and has nothing is near to none. */
function usedPart(charge: Amount, limits: Limits): number {
  const parts = DIMENSIONS.map((dimension) => {
    const limit = limits[dimension];
    return limit === null || charge[dimension] === 0 ? 0 : charge[dimension] / limit;
  });
  return Math.max(...parts);
}
