/** Quotas for metrics: whose they are, what holds, and that there are no more than so many of them. */
import t from 'tap';
import { Quotas } from '../../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../../src/broker/quota/rules.js';
import { NOTHING } from '../../../src/memory/charged.js';
import { quotaUses } from '../../../src/server/plane/quota-uses.js';
import { MAX_LABELS } from '../../../src/server/words/metrics.js';
import { FakeClock } from '../../support/clock.js';

function quotas(...rules: [RuleId, Rule][]): Quotas {
  const made = new Quotas(new FakeClock());
  made.configure('configuration', new Map(rules));
  return made;
}

const charge = (to: Quotas, uid: number, bytes: number, source = 'memfd') =>
  to.impose({
    who: { uid, gid: uid, groups: [], cgroup: '/a', connection: `c${uid}` },
    source,
    amount: { bytes, buffers: 1, fds: 1, pending: 0 },
    heaps: new Map(),
  });

const namesOf = (uses: ReturnType<typeof quotaUses>) =>
  uses.map(({ scope, key }) => `${scope}/${key}`);

t.test('the daemon, users, groups and sources, with what holds for each', async (t) => {
  const all = quotas(
    ['user/default', { bytes: 1000 }],
    ['user/7', { bytes: 500 }],
    ['user/8', { fds: 4 }],
    ['group/9', { bytes: 1000 }],
    ['source/memfd', { bytes: 4096 }],
    ['cgroup//a', { bytes: 1 }],
  );
  charge(all, 7, 100);
  charge(all, 9, 300);
  const uses = quotaUses(all);
  t.same(namesOf(uses), [
    'daemon/default',
    'user/default',
    ...['user/9', 'user/7', 'user/8'],
    'group/9',
    'source/memfd',
  ]);
  t.match(uses, [
    { used: { bytes: 400, buffers: 2 }, limits: { bytes: null } },
    { used: null, limits: { bytes: 1000, pending: 256 } },
    { used: { bytes: 300 }, limits: { bytes: 1000 } },
    { used: { bytes: 100 }, limits: { bytes: 500, fds: null } },
    { used: NOTHING, limits: { bytes: 1000, fds: 4 } },
    { used: { bytes: 300 }, limits: { bytes: 1000 } },
    { used: { bytes: 400 }, limits: { bytes: 4096 } },
  ]);
});

t.test('those nearest to a limit, whichever it is', async (t) => {
  const rules = Array.from({ length: 200 }, (_, uid): [RuleId, Rule] => [
    `user/${uid}`,
    { bytes: 10_000 },
  ]);
  const all = quotas(...rules, ['user/150', { fds: 1 }], ['user/151', { bytes: 0 }]);
  for (let uid = 100; uid < 200; uid++) charge(all, uid, uid, `dma-heap:${uid}`);
  const uses = quotaUses(all);
  const users = uses.filter(({ scope, key }) => scope === 'user' && key !== 'default');
  t.equal(users.length, MAX_LABELS);
  t.equal(uses.filter(({ scope }) => scope === 'source').length, MAX_LABELS);
  t.same(namesOf(users).slice(0, 4), ['user/151', 'user/150', 'user/199', 'user/198']);
});
