/** Policy: who may do what, by uid and gids alone, and that the registry asks it. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer } from '../../src/broker/buffer.js';
import { Policy, type PolicyRules, REST_ROLES, reach } from '../../src/broker/policy.js';
import type { Peer } from '../../src/broker/who.js';
import { BrokerError } from '../../src/memory/errors.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { FakeWorld, linear, memfd, offers, peer, request } from './support/world.js';

const VIDEO = 44;
const nobody = { uids: [], gids: [] };
const roles = { admin: nobody, operator: nobody, reader: nobody, preview: nobody, owner: nobody };
const base: PolicyRules = { connect: nobody, ...roles, rules: [] };
const user = (uid: number, gid = uid, groups: number[] = []): Peer => ({
  ...peer,
  uid,
  gid,
  groups,
});
const unknown = { uid: null, gid: null, groups: null };

t.test('who is refused is told which group to join', async (t) => {
  const [own, admins] = [
    { uids: [], gids: [10] },
    { uids: [0], gids: [11] },
  ];
  const groupNames = new Map([[10, 'dmabroker']]);
  const policy = new Policy({ ...base, connect: own, owner: own, admin: admins, groupNames });
  t.equal(
    policy.notConnected(7).message,
    'user 7 may not connect: that is for members of the group dmabroker',
  );
  const needed = { role: 'reader', preview: false, owner: false } as const;
  t.equal(policy.accessIsFor(needed), ': that is for members of the group 11', 'without a name');
  t.equal(
    policy.accessIsFor({ ...needed, owner: true }),
    ": that is for members of the group 11; what is one's own, for members of the group dmabroker",
  );
  t.equal(new Policy(base).notConnected(7).message, 'user 7 may not connect');
});

t.test('connecting and roles', async (t) => {
  const policy = new Policy({
    ...base,
    connect: { uids: [1], gids: [VIDEO] },
    admin: { uids: [0], gids: [] },
    operator: { uids: [3], gids: [] },
    reader: { uids: [2, 3, 4], gids: [] },
    preview: { uids: [4], gids: [] },
    owner: { uids: [1, 2], gids: [] },
  });
  t.ok(policy.mayConnect(user(1)));
  t.ok(policy.mayConnect(user(7, VIDEO)), 'by its group');
  t.ok(policy.mayConnect(user(7, 7, [VIDEO])), 'by a supplementary group');
  t.ok(policy.mayConnect(user(0)), 'an administrator');
  t.notOk(policy.mayConnect(user(7)));
  t.notOk(policy.mayConnect(unknown));
  const everything = { role: 'admin', preview: true, owner: true };
  const reader = { role: 'reader', preview: false, owner: false };
  t.same(policy.restAccess(user(0)), everything);
  t.same(policy.restAccess(user(2)), { ...reader, owner: true }, 'beside another role');
  t.same(policy.restAccess(user(3)), { ...reader, role: 'operator' }, 'the higher one');
  t.same(policy.restAccess(user(4)), { ...reader, preview: true });
  t.same(policy.restAccess(user(1)), { role: 'none', preview: false, owner: true });
  t.same(policy.restAccess(user(7, VIDEO)), { role: 'none', preview: false, owner: false });
  t.same(policy.restAccess(unknown), { role: 'none', preview: false, owner: false });
  t.same(new Policy(null).restAccess(unknown), everything, 'no policy');
});

t.test('a role may do what those below it may; seeing pixels is apart', async (t) => {
  for (const [has, role] of REST_ROLES.entries()) {
    for (const [needed, other] of REST_ROLES.entries()) {
      const rest = { preview: false, owner: false };
      const reached = reach({ role, ...rest }, { role: other, ...rest });
      t.equal(reached, has >= needed ? 'all' : 'none', `${role} for ${other}`);
    }
  }
  const reader = { role: 'reader', preview: true, owner: false } as const;
  t.equal(reach(reader, reader), 'all');
  t.equal(reach({ ...reader, role: 'admin', preview: false }, reader), 'none');
  t.equal(reach({ ...reader, role: 'none' }, reader), 'none');
});

t.test('an owner reaches what is theirs, where the operation has it', async (t) => {
  const list = { role: 'reader', preview: false, owner: true } as const;
  const metrics = { ...list, owner: false };
  const owner = { role: 'none', preview: false, owner: true } as const;
  t.equal(reach(owner, list), 'own');
  t.equal(reach(owner, metrics), 'none');
  t.equal(reach({ ...owner, owner: false }, list), 'none');
  t.equal(reach({ ...owner, role: 'reader' }, list), 'all', 'who may see all is not held to it');
  const release = { ...list, role: 'operator' } as const;
  t.equal(reach({ ...owner, role: 'reader' }, release), 'own', 'a reader changes what is theirs');
});

t.test('the first rule that says something decides', async (t) => {
  const policy = new Policy({
    ...base,
    rules: [
      { who: { uids: [1], gids: [] }, import: false },
      { who: { uids: [1], gids: [] }, sources: ['memfd'] },
      { who: null, sources: [] },
    ],
  });
  t.same(policy.permitted(user(1), [memfd]), [memfd]);
  t.same(policy.permitted(user(2), [memfd]), []);
  t.equal(refused(() => policy.checkImport(user(1))).code, 'permission_denied');
  policy.checkImport(user(2));
});

function make(rules: PolicyRules['rules']) {
  const world = new FakeWorld();
  const broker = new Broker(world, { sources: [memfd], offers });
  broker.policy = new Policy({ ...base, rules });
  const allocate = (who: Peer, spec = {}) => {
    let found: BrokerBuffer | undefined;
    let code: string | undefined;
    const client = broker.connect(who);
    const asked = request({ spec: { ...linear, ...spec } });
    broker.allocate({ client, peer: who }, asked, (result) => {
      if (!('error' in result)) found = result;
      else code = result.error.code;
    });
    if (world.pending.length > 0) world.answer();
    return { buffer: found as BrokerBuffer, code };
  };
  return { world, broker, allocate };
}

t.test('sources and placements', async (t) => {
  const who = { uids: [1], gids: [] };
  const { allocate } = make([{ who, sources: ['udmabuf'] }]);
  t.equal(allocate(user(1)).code, 'permission_denied');
  t.equal(allocate(user(2)).code, undefined);
  const placed = make([{ who, placements: ['any'] }]);
  t.equal(placed.allocate(user(1), { placement: 'host_visible' }).code, 'permission_denied');
  t.equal(placed.allocate(user(1), { placement: 'any' }).code, undefined);
});

t.test('no refusal and no hint names a source that is forbidden', async (t) => {
  const { world, broker } = make([{ who: { uids: [1], gids: [] }, sources: ['memfd'] }]);
  broker.setSources([{ ...memfd, name: 'udmabuf' }, memfd], offers, []);
  world.planLimit = 4096;
  const refusal = (uid: number, sources: string[], size: number) => {
    const answers: Result<BrokerBuffer>[] = [];
    const asked = request({ spec: { ...linear, size }, sources });
    broker.allocate({ client: null, peer: user(uid) }, asked, (result) => answers.push(result));
    if (world.pending.length > 0) {
      const possible = { max: 4096 };
      world.refuse(new BrokerError('too_large', 'no', { constraint: 'size', possible }));
    }
    const [answer] = answers;
    if (answer === undefined || !('error' in answer)) throw new Error('it was not refused');
    return answer.error;
  };
  const named = ['udmabuf', 'memfd'];
  t.match(refusal(2, ['nothing'], 4096).refusal, { possible: named, nearest: { sources: named } });
  t.match(refusal(2, named, 8192).refusal.nearest, { sources: named });
  for (const error of [refusal(1, ['nothing'], 4096), refusal(1, named, 8192)]) {
    t.match(error.refusal.nearest, { sources: ['memfd'] });
    t.notMatch(JSON.stringify([error.message, error.refusal.possible]), 'udmabuf');
  }
  t.match(refusal(1, ['udmabuf'], 4096), { code: 'permission_denied' });
});

t.test('an import that is not allowed closes the fds', async (t) => {
  const { world, broker } = make([{ who: null, import: false }]);
  const planes = [{ fd: world.openFd(), offset: 0, stride: 0 }];
  const answers: unknown[] = [];
  const asked = { spec: linear, planes, lifetime: 'connection', name: null } as const;
  broker.import({ client: null, peer }, asked, (result) => answers.push(result));
  t.match(answers, [{ error: { code: 'permission_denied' } }]);
  t.equal(world.open.size, 0);
});

t.test('sharing', async (t) => {
  const terms = { uses: 9, uid: null, seconds: null };
  const { broker, allocate } = make([
    { who: { uids: [1], gids: [] }, share: 'same_user' },
    { who: { uids: [2], gids: [] }, share: 'nobody' },
    { who: { uids: [3], gids: [] }, share: { uids: [], gids: [VIDEO] } },
  ]);
  const code = (who: Peer, token: string) => {
    try {
      broker.sharing.redeem(broker.connect(who), token);
      return 'redeemed';
    } catch (error) {
      return refused(() => {
        throw error;
      }).code;
    }
  };
  const own = allocate(user(1)).buffer;
  const { token } = broker.sharing.share(own, terms);
  t.equal(code(user(2), token), 'invalid_token');
  t.equal(code(user(1), token), 'redeemed');
  t.equal(refused(() => broker.sharing.share(own, { ...terms, uid: 2 })).code, 'permission_denied');

  const kept = allocate(user(2)).buffer;
  t.equal(refused(() => broker.sharing.share(kept, terms)).code, 'permission_denied');

  const group = broker.sharing.share(allocate(user(3)).buffer, terms).token;
  t.equal(code(user(3), group), 'invalid_token');
  t.equal(code(user(8, 8, [VIDEO]), group), 'redeemed');

  const open = broker.sharing.share(allocate(user(4)).buffer, terms).token;
  t.equal(code(user(9), open), 'redeemed');
});
