/** Memory with a lasting name: who has a name, who gets the buffer by it, when, and what a writer publishes. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client, Watcher } from '../../src/broker/buffer.js';
import type { Claimed, ClaimTerms } from '../../src/broker/claims.js';
import type { Committed } from '../../src/broker/lasting.js';
import { layoutText } from '../../src/broker/lasting.js';
import { checkMetadata } from '../../src/broker/metadata.js';
import { type Claimants, Policy, type PolicyRules } from '../../src/broker/policy.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import type { AllocationRequest } from '../../src/broker/request.js';
import type { Peer } from '../../src/broker/who.js';
import { BrokerError } from '../../src/memory/errors.js';
import {
  BEHIND_COMMITS_PER_TURN,
  MAX_CLAIM_WAIT_MS,
  MAX_CLAIMS_A_TURN,
  MAX_LASTING_NAMES,
  MAX_METADATA_BYTES,
  MAX_METADATA_DEPTH,
  MAX_PENDING_PER_CLIENT,
  MAX_TOLD_A_TURN,
  METADATA_PER_SECOND,
} from '../../src/memory/limits.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { FakeWorld, image, memfd, offers, peer, request } from './support/world.js';

const OTHER: Peer = { ...peer, uid: peer.uid + 1, gid: peer.gid + 1, groups: [] };
const json = (text: string) => () => Buffer.from(text);

class Bench {
  readonly world = new FakeWorld();
  readonly broker: Broker;

  constructor(charge: 'owner' | 'importers' = 'owner') {
    const quotas = new Quotas(this.world.clock, { charge, defaults: new Map() });
    this.broker = new Broker(this.world, { sources: [memfd], offers }, quotas);
  }

  /** `said`: what was answered, or null. */
  ask(client: Client, more: Partial<AllocationRequest> = {}) {
    const asked: { said: Result<BrokerBuffer> | null } = { said: null };
    const wanted = request({ lifetime: 'until_released', lastingName: 'model', ...more });
    this.broker.allocate({ client, peer: client.peer }, wanted, (result) => {
      asked.said = result;
    });
    return asked;
  }

  make(client: Client, more: Partial<AllocationRequest> = {}): BrokerBuffer {
    const asked = this.ask(client, more);
    if (this.world.pending.length > 0) this.world.answer();
    return ok(asked.said);
  }

  claim(client: Client, more: Partial<ClaimTerms> = {}, watcher: Watcher = { released: () => {} }) {
    const terms = { name: 'model', milliseconds: 0, asWriter: false, committed: false, ...more };
    const asked: { said: Result<Claimed> | null; withdraw: () => void; watcher: Watcher } = {
      ...{ said: null, withdraw: () => {}, watcher },
    };
    asked.withdraw = this.broker.claim(client, watcher, terms, (result) => {
      asked.said = result;
    });
    return asked;
  }

  limit(id: RuleId, rule: Rule): void {
    this.broker.quotas.configure('rest', new Map([[id, rule]]));
  }

  charged(scope: 'connection' | 'user' | 'group', key: string | number) {
    return this.broker.quotas.accounts.find(scope, String(key))?.charge.buffers ?? 0;
  }

  commit(client: Client, buffer: BrokerBuffer, revision = 0, metadata: string | null = null) {
    const asked: { said: Result<Committed> | null } = { said: null };
    const watcher = { released: () => {} };
    const document = metadata === null ? null : json(metadata);
    const what = { revision, metadata: document };
    const by = { client, watcher, waiting: this.#waiting };
    this.broker.commits.commit(by, buffer, what, (result) => {
      asked.said = result;
    });
    return asked;
  }

  /** Requests that wait behind commits. */
  waiting = 0;
  readonly #waiting = (more: number): void => {
    this.waiting += more;
  };

  behind(buffer: BrokerBuffer, run: () => void): void {
    this.broker.commits.inTurn(buffer, run, this.#waiting);
  }

  policy(claim: Claimants | undefined, write?: Claimants): void {
    const nobody = { uids: [], gids: [] };
    const rules: PolicyRules = {
      ...{ connect: nobody, admin: nobody, operator: nobody, reader: nobody, preview: nobody },
      owner: nobody,
      rules: [{ who: null, ...(claim && { claim }), ...(write && { write }) }],
    };
    this.broker.policy = new Policy(rules);
  }
}

function ok<T extends object>(said: Result<T> | null): T {
  if (said === null) throw new Error('nothing was answered');
  if ('error' in said) throw said.error;
  return said;
}
function why(said: Result<object> | null): [string, unknown] {
  if (said === null || !('error' in said)) throw new Error('it was not refused');
  return [said.error.code, said.error.refusal.constraint];
}

t.test('a name is one buffer’s of a user, until that is released', async (t) => {
  const bench = new Bench();
  const [one, two, other] = [peer, peer, OTHER].map((each) => bench.broker.connect(each));
  if (!one || !two || !other) throw new Error('nobody');
  const making = bench.ask(one);
  const meanwhile = bench.ask(two);
  t.same(why(meanwhile.said), ['name_taken', 'lasting_name'], 'while it is being made, too');
  bench.world.answer();
  const buffer = ok(making.said);
  const taken = bench.ask(two).said;
  t.match(taken, {
    error: {
      code: 'name_taken',
      refusal: {
        requested: 'model',
        taken_by: { buffer: buffer.id, client: one.id, pid: peer.pid },
      },
    },
  });
  t.equal(bench.world.pending.length, 0, 'nothing was allocated for it');
  t.equal(bench.make(other).lasting?.uid, OTHER.uid, 'another user has names of its own');
  bench.broker.release(buffer, 'owner');
  t.equal(bench.make(two).lasting?.name, 'model');
});

t.test('what was not made leaves its name', async (t) => {
  const bench = new Bench();
  const client = bench.broker.connect(peer);
  const asked = bench.ask(client);
  bench.world.refuse(new BrokerError('out_of_memory', 'there is none'));
  t.same(why(asked.said)[0], 'out_of_memory');
  t.equal(bench.make(client).lasting?.name, 'model');
});

t.test('what is no name, and what cannot have one', async (t) => {
  const bench = new Bench();
  const client = bench.broker.connect(peer);
  for (const lastingName of ['', 'a b', 'a@1', 'ü', 'x'.repeat(65), 'a\u0000b', '../a\n', '‮a']) {
    const [code, constraint] = why(bench.ask(client, { lastingName }).said);
    t.same([code, constraint], ['invalid_argument', 'lasting_name'], JSON.stringify(lastingName));
  }
  t.same(why(bench.ask(client, { lifetime: 'connection' }).said), ['invalid_argument', 'lifetime']);
  t.same(why(bench.ask(client, { count: 2 }).said), ['invalid_argument', 'count']);
  for (const lastingName of ['a', 'llama-3/shard-0', 'A.b_c:d+e', 'x'.repeat(64)])
    t.equal(bench.make(client, { lastingName }).lasting?.name, lastingName);
});

t.test('a user has so many names, and others have theirs', async (t) => {
  const bench = new Bench();
  bench.world.immediate = true;
  const client = bench.broker.connect(peer);
  const half = MAX_LASTING_NAMES / 2;
  for (let i = 0; i < half; i++) bench.make(client, { lastingName: `n${i}` });
  t.same(why(bench.ask(client).said), ['limit_exceeded', 'lasting_names']);
  const [first] = client.owned;
  bench.broker.release(first as BrokerBuffer, 'owner');
  t.equal(bench.make(client).lasting?.name, 'model');
  t.ok(bench.make(bench.broker.connect(OTHER)));
});

t.test('the same user and control group may claim, and nobody else', async (t) => {
  const bench = new Bench();
  const buffer = bench.make(bench.broker.connect(peer));
  const cgroup = '/user.slice/other.service';
  const read = (who: Peer, name = 'model', asWriter = false) =>
    bench.claim(bench.broker.connect(who), { name, asWriter }).said;
  const uid = peer.uid;
  t.match(read(peer), { buffer: { id: buffer.id }, isOwner: false, mayRenew: true });
  t.match(read(peer, `model@${uid}`), { buffer: { id: buffer.id } });
  t.same(why(read(peer, 'other')), ['not_found', 'lasting_name']);
  t.same(why(read({ ...peer, cgroup })), ['permission_denied', 'lasting_name']);
  t.same(why(read(OTHER, `model@${uid}`)), ['not_found', 'lasting_name'], 'it is not told of it');
  t.same(why(read(OTHER)), ['not_found', 'lasting_name']);
  t.same(why(read(peer, 'a@b')), ['invalid_argument', 'lasting_name']);

  bench.policy('same_user');
  t.match(read({ ...peer, cgroup }), { isWriter: false });
  bench.policy({ uids: [OTHER.uid], gids: [], cgroups: [] });
  const theirs = ok(read(OTHER, `model@${uid}`));
  t.match(theirs, { isOwner: false, isWriter: false, mayRenew: false });
  t.same(why(read(OTHER, `model@${uid}`, true)), ['permission_denied', 'writer']);
  t.ok(ok(read(peer)), 'its own control group may, whoever is named');
  bench.policy({ uids: [], gids: [], cgroups: ['/user.slice/'] });
  t.ok(ok(read({ ...OTHER, cgroup }, `model@${uid}`)));
  t.same(why(read({ ...OTHER, cgroup: '/user.slicer' }, `model@${uid}`))[0], 'not_found');
  bench.policy('nobody', 'nobody');
  t.same(why(read(peer)), ['permission_denied', 'lasting_name']);
  bench.policy(undefined, 'anyone');
  t.ok(ok(read(OTHER, `model@${uid}`)), 'a writer is a reader, too');
});

t.test('a claim waits until there is such a buffer, or for so long', async (t) => {
  const bench = new Bench();
  const client = bench.broker.connect(peer);
  const waiting = bench.claim(client, { milliseconds: 1000 });
  const late = bench.claim(client, { milliseconds: 50, name: 'never' });
  t.equal(bench.broker.wait, 50);
  bench.world.pass(50);
  bench.broker.poll();
  t.same(why(late.said), ['not_found', 'lasting_name']);
  t.equal(waiting.said, null);
  const buffer = bench.make(bench.broker.connect(peer));
  bench.broker.poll();
  t.equal(ok(waiting.said).buffer, buffer);
  t.equal(bench.world.events.at(-1)?.type, 'buffer.claimed');
  const gone = bench.claim(client, { milliseconds: 1000, name: 'gone' });
  gone.withdraw();
  bench.make(bench.broker.connect(peer), { lastingName: 'gone' });
  bench.broker.poll();
  t.equal(gone.said, null, 'one that was withdrawn is not answered');
  t.equal(bench.broker.wait, -1);
  const long = bench.claim(client, { milliseconds: MAX_CLAIM_WAIT_MS + 1 });
  t.same(why(long.said), ['invalid_argument', 'milliseconds']);
  for (let i = 0; i < MAX_PENDING_PER_CLIENT; i++)
    bench.claim(client, { milliseconds: 9, name: 'no' });
  const more = bench.claim(client, { milliseconds: 9, name: 'no' });
  t.same(why(more.said), ['limit_exceeded', 'claims']);
  bench.world.pass(9);
  bench.broker.poll();
  t.equal(
    bench.claim(client, { milliseconds: 9, name: 'no' }).said,
    null,
    'they are counted no more',
  );
});

t.test('there is one writer, and its successor has its place', async (t) => {
  const bench = new Bench();
  const first = bench.broker.connect(peer);
  const buffer = bench.make(first);
  const next = bench.broker.connect(peer);
  t.same(why(bench.claim(next, { asWriter: true }).said), ['busy', 'writer']);
  const waiting = bench.claim(next, { asWriter: true, milliseconds: 1000 });
  const third = bench.claim(bench.broker.connect(peer), { asWriter: true, milliseconds: 1000 });
  t.equal(waiting.said, null);
  bench.broker.disconnect(first);
  bench.broker.poll();
  t.match(waiting.said, { isOwner: true, isWriter: true });
  t.equal(buffer.owner.client, next);
  t.same([[...first.owned], [...next.owned]], [[], [buffer]]);
  t.equal(third.said, null, 'the next one waits for that one');
  bench.broker.left(buffer, waiting.watcher, true);
  bench.broker.poll();
  t.match(third.said, { isOwner: true, isWriter: true }, 'its owner has let go of it');
  bench.broker.release(buffer, 'owner');
  t.equal(bench.claim(next).said && why(bench.claim(next).said)[0], 'not_found');
});

t.test('who has waited to be the writer comes before who has just come', async (t) => {
  const bench = new Bench();
  const first = bench.broker.connect(peer);
  const buffer = bench.make(first);
  const next = () => bench.broker.connect(peer);
  const waiting = bench.claim(next(), { asWriter: true, milliseconds: 1000 });
  const late = bench.claim(next(), { asWriter: true, milliseconds: 10 });
  bench.world.pass(10);
  bench.broker.disconnect(first);
  const [now, reader] = [true, false].map((asWriter) => bench.claim(next(), { asWriter }));
  t.equal(ok(reader?.said ?? null).buffer, buffer, 'who reads is in nobody’s way');
  bench.broker.poll();
  t.match(waiting.said, { isWriter: true });
  for (let turn = 0; bench.broker.wait === 0 && turn < 9; turn++) bench.broker.poll();
  t.same(why(now?.said ?? null), ['busy', 'writer'], 'and it is answered');
  t.same(why(late.said), ['busy', 'writer'], 'its time was over in the same turn');
  bench.broker.disconnect(buffer.owner.client as Client);
  const gone = bench.claim(next(), { asWriter: true });
  t.match(gone.said, { isWriter: true }, 'where nobody waits it is answered at once');

  const many = MAX_CLAIMS_A_TURN + 1;
  const readers = Array.from({ length: many }, () =>
    bench.claim(next(), { committed: true, milliseconds: 1000 }),
  );
  const before = bench.claim(next(), { asWriter: true, milliseconds: 5 });
  bench.broker.disconnect(buffer.owner.client as Client);
  bench.world.pass(5);
  bench.broker.poll();
  t.equal(before.said, null, 'it has its turn behind the others, its time over or not');
  const last = bench.claim(next(), { asWriter: true });
  for (let turn = 0; bench.broker.wait === 0 && turn < 9; turn++) bench.broker.poll();
  t.match(before.said, { isWriter: true });
  t.same(why(last.said), ['busy', 'writer']);
  t.ok(readers.every(({ said }) => said === null));
});

t.test('an heir of another control group writes, and is not its owner', async (t) => {
  const bench = new Bench();
  bench.policy('same_user', 'same_user');
  const first = bench.broker.connect(peer);
  const buffer = bench.make(first);
  bench.broker.disconnect(first);
  t.ok(buffer.isOrphan);
  const heir = bench.broker.connect({ ...peer, cgroup: '/elsewhere' });
  t.match(bench.claim(heir, { asWriter: true }).said, { isOwner: false, isWriter: true });
  t.equal(buffer.owner.client, first);
});

t.test('who claims as a writer has room for it, or is refused and changes nothing', async (t) => {
  const bench = new Bench();
  const first = bench.broker.connect(peer);
  const session = bench.broker.openSession(first);
  const names = ['a', 'b', 'c'];
  const buffers = names.map((lastingName) => bench.make(first, { lastingName }));
  bench.broker.disconnect(first);
  bench.limit('connection/default', { buffers: 2 });
  const next = bench.broker.connect(peer);
  const claim = (name: string, milliseconds = 0) =>
    bench.claim(next, { name, asWriter: true, milliseconds }).said;
  t.match([claim('a'), claim('b')], [{ isOwner: true }, { isOwner: true }]);
  const [, , c] = buffers;
  for (const milliseconds of [0, 1000]) {
    t.match(claim('c', milliseconds), {
      error: {
        code: 'limit_exceeded',
        refusal: { constraint: 'quota.connection.buffers', possible: { max: 0 } },
      },
    });
  }
  t.same([c?.owner.client, c?.lasting?.writer, c?.lasting?.claimers.size], [first, first, 0]);
  t.same([bench.charged('connection', next.id), bench.charged('connection', first.id)], [2, 1]);
  t.equal(bench.charged('user', peer.uid), 3);
  t.match(bench.claim(next, { name: 'c' }).said, { isOwner: false }, 'to read takes no room');
  bench.broker.release(buffers[0] as BrokerBuffer, 'owner');
  t.match(claim('c'), { isOwner: true, isWriter: true });
  bench.broker.disconnect(next);

  bench.limit('connection/default', { buffers: 0 });
  const back = bench.broker.connect(peer);
  const adopt = () => bench.broker.adopt(back, { id: buffers[1]?.id ?? '', session, fds: [] });
  t.throws(adopt, { code: 'permission_denied' }, 'it is its successor’s');
  const own = bench.broker.openSession(next);
  const mine = bench.broker.adopt(back, { id: buffers[1]?.id ?? '', session: own, fds: [] });
  t.match(mine, { isOwner: true }, 'what was a session’s is that again, whatever the limit is now');
});

t.test('a writer’s groups have room for it, too', async (t) => {
  const bench = new Bench();
  bench.limit('group/44', { buffers: 0 });
  const first = bench.broker.connect(peer);
  const buffer = bench.make(first);
  bench.broker.disconnect(first);
  const member = bench.broker.connect({ ...peer, groups: [...(peer.groups ?? []), 44] });
  t.same(why(bench.claim(member, { asWriter: true }).said), [
    'limit_exceeded',
    'quota.group.buffers',
  ]);
  t.equal(buffer.owner.client, first);
  t.match(bench.claim(bench.broker.connect(peer), { asWriter: true }).said, { isOwner: true });
  t.same([bench.charged('group', 44), bench.charged('user', peer.uid)], [0, 1]);
});

t.test('another user that writes is not its owner, and its owner stays charged', async (t) => {
  for (const charge of ['owner', 'importers'] as const) {
    const bench = new Bench(charge);
    bench.policy('anyone', 'anyone');
    const first = bench.broker.connect(peer);
    const buffer = bench.make(first);
    bench.broker.disconnect(first);
    bench.limit(`user/${OTHER.uid}`, { buffers: 0, bytes: buffer.allocation.size - 1 });
    const other = bench.broker.connect(OTHER);
    const claimed = bench.claim(other, { name: `model@${peer.uid}`, asWriter: true });
    if (charge === 'owner') t.match(claimed.said, { isOwner: false, isWriter: true });
    else t.same(why(claimed.said), ['limit_exceeded', 'quota.user.bytes'], 'its share is its own');
    t.equal(buffer.lasting?.writer, charge === 'owner' ? other : first);
    t.equal(buffer.owner.client, first);
    t.same(
      [peer.uid, OTHER.uid].map((uid) => bench.charged('user', uid)),
      [1, 0],
    );
  }
});

t.test('a writer that comes back with its session is that again', async (t) => {
  const bench = new Bench();
  const first = bench.broker.connect(peer);
  const session = bench.broker.openSession(first);
  const buffer = bench.make(first);
  bench.broker.disconnect(first);
  const next = bench.broker.connect(peer);
  const adopted = bench.broker.adopt(next, { id: buffer.id, session, fds: [] });
  t.match(adopted, { isOwner: true, isWriter: true });
  t.equal(ok(bench.commit(next, buffer).said).revision, 1);
});

t.test('a commit is told to all who have the buffer, and to who waits for it', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  const told: Committed[] = [];
  const watcher: Watcher = { released: () => {}, committed: (each) => told.push(each) };
  const reader = bench.broker.connect(peer);
  const waiting = bench.claim(reader, { committed: true, milliseconds: 9 }, watcher);
  t.same(why(bench.claim(reader, { committed: true }).said), ['busy', 'committed']);
  t.throws(() => bench.broker.commits.metadata(buffer), { code: 'not_found' });
  const first = ok(bench.commit(writer, buffer, 0, '{"a":[1]}').said);
  t.match(first, { revision: 1, metadata: { size: 9, number: 1 } });
  bench.broker.poll();
  t.equal(ok(waiting.said).buffer, buffer);
  t.equal(bench.broker.commits.metadata(buffer), '{"a":[1]}');
  buffer.watchers.add(watcher);
  const fds = bench.world.open.size;
  const same = ok(bench.commit(writer, buffer, 7).said);
  t.equal(same.metadata, first.metadata, 'without another one the document stays');
  t.equal(same.digest, first.digest);
  ok(bench.commit(writer, buffer, 8, '{}').said);
  t.equal(bench.world.open.size, fds, 'the one before is closed');
  bench.broker.poll();
  t.same(
    told.map(({ revision }) => revision),
    [8],
    'of those of one turn the newest',
  );
  for (const revision of [8, 3, Number.MAX_SAFE_INTEGER + 1]) {
    t.same(why(bench.commit(writer, buffer, revision).said), ['invalid_argument', 'revision']);
  }
  t.same(why(bench.commit(reader, buffer).said), ['permission_denied', 'writer']);
  const plain = bench.make(writer, { lastingName: null });
  t.same(why(bench.commit(writer, plain).said), ['invalid_argument', 'lasting_name']);
  bench.broker.release(buffer, 'owner');
  t.same(why(bench.commit(writer, buffer).said), ['not_found', undefined]);
  bench.broker.release(plain, 'owner');
  t.equal(bench.world.texts.size, 2);
  t.notOk([...bench.world.texts.keys()].some((fd) => bench.world.open.has(fd)));
});

t.test('a writer’s commits and end cost those who wait a bounded part of a turn', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  let told = 0;
  for (let i = 0; i < 2 * MAX_TOLD_A_TURN; i++)
    buffer.watchers.add({ released: () => {}, committed: () => told++ });
  for (let i = 0; i < 100; i++) ok(bench.commit(writer, buffer).said);
  t.equal(told, 0, 'nobody is told within a request');
  bench.broker.poll();
  t.ok(told > 0 && told <= MAX_TOLD_A_TURN, `${told} in a turn`);
  for (let turn = 0; bench.broker.wait === 0 && turn < 10; turn++) bench.broker.poll();
  t.equal(told, 2 * MAX_TOLD_A_TURN, 'each was told once, of the newest');

  const CLAIMS = MAX_CLAIMS_A_TURN + 10;
  const claims = Array.from({ length: CLAIMS }, () => {
    const client = bench.broker.connect(peer);
    bench.claim(client, { milliseconds: 1000, name: 'another' });
    return bench.claim(client, { milliseconds: 1000, asWriter: true });
  });
  bench.broker.disconnect(writer);
  const answered = () => claims.filter(({ said }) => said !== null).length;
  t.equal(answered(), 0);
  bench.broker.poll();
  t.equal(answered(), 1, 'one of them is the next writer');
  bench.policy('same_user', 'nobody');
  for (let turn = 0; bench.broker.wait === 0 && turn < 10; turn++) {
    const before = answered();
    bench.broker.poll();
    t.ok(answered() - before <= MAX_CLAIMS_A_TURN);
  }
  t.equal(answered(), CLAIMS, 'what the policy forbids now is refused');
});

t.test('commits wait for the one that is being kept, in their order', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  bench.world.keepingMetadata = [];
  const one = bench.commit(writer, buffer, 0, '{}');
  const two = bench.commit(writer, buffer);
  const done: string[] = [];
  bench.behind(buffer, () => done.push('behind'));
  t.same([one.said, two.said, done], [null, null, []]);
  t.equal(buffer.lasting?.revision, 0, 'nothing says so yet');
  bench.world.keepingMetadata.shift()?.();
  bench.broker.poll();
  t.same([ok(one.said).revision, ok(two.said).revision, done], [1, 2, ['behind']]);
  const late = bench.commit(writer, buffer, 0, '{}');
  const open = bench.world.open.size;
  bench.broker.release(buffer, 'owner');
  bench.world.keepingMetadata.shift()?.();
  t.same(why(late.said), ['not_found', undefined]);
  t.ok(bench.world.open.size < open, 'its document is closed');
});

t.test('commits without number behind one that is kept: a bounded number in a turn', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const [buffer, other] = [bench.make(writer), bench.make(writer, { lastingName: 'other' })];
  const keeping: (() => void)[] = [];
  bench.world.keepingMetadata = keeping;
  const MANY = 1000;
  bench.commit(writer, buffer, 0, '{}');
  const all = Array.from({ length: MANY }, (_, i) =>
    bench.commit(writer, buffer, 0, i === MANY / 2 ? '{}' : null),
  );
  const others = [bench.commit(writer, other, 0, '{}'), bench.commit(writer, other)];
  t.equal(bench.waiting, MANY + 1);
  const answered = () => all.filter(({ said }) => said !== null).length;
  const turns = (until: number) => {
    for (let turn = 0; answered() < until; turn++) {
      if (turn > MANY) throw new Error(`${answered()} are answered`);
      const before = answered();
      bench.broker.poll();
      t.ok(answered() - before <= BEHIND_COMMITS_PER_TURN, `${answered() - before} in a turn`);
      if (answered() < until) t.equal(bench.broker.wait, 0);
    }
  };
  for (const kept of keeping.splice(0)) kept();
  bench.broker.poll();
  t.ok(others[1]?.said, 'another buffer’s have their turn beside them');
  turns(MANY / 2);
  for (let i = 0; i < 3; i++) bench.broker.poll();
  t.equal(answered(), MANY / 2, 'the others wait for the second document');
  bench.commit(writer, buffer);
  for (const kept of keeping.splice(0)) kept();
  turns(MANY);
  bench.broker.poll();
  t.same(
    all.map(({ said }) => ok(said).revision),
    all.map((_, i) => i + 2),
    'in their order',
  );
  t.equal(buffer.lasting?.revision, MANY + 2);
  t.equal(bench.waiting, 0);
  t.equal(ok(bench.commit(writer, buffer).said).revision, MANY + 3, 'nobody waits any more');
});

t.test('new memory has no revision, and the next one counts on', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  ok(bench.commit(writer, buffer, 5, '{}').said);
  buffer.lasting?.forget();
  t.same(why(bench.claim(writer, { committed: true }).said), ['busy', 'committed']);
  t.equal(ok(bench.commit(writer, buffer).said).revision, 6);
  t.equal(buffer.lasting?.committed?.metadata, null);
});

t.test('what went with a lost device is committed no more, nor what was on its way', async (t) => {
  const bench = new Bench();
  const { broker, world } = bench;
  const writer = broker.connect(peer);
  const buffer = bench.make(writer);
  ok(bench.commit(writer, buffer, 0, '{"a":1}').said);
  t.equal(broker.commits.metadata(buffer), '{"a":1}');
  const open = world.open.size;
  world.keepingMetadata = [];
  const late = bench.commit(writer, buffer, 0, '{"a":2}');
  broker.deviceLost([buffer.allocation]);
  world.keepingMetadata.shift()?.();
  t.same(why(late.said), ['device_lost', undefined]);
  t.equal(buffer.lasting?.committed, null);
  t.same(refused(() => broker.commits.metadata(buffer)).code, 'not_found');
  t.equal(world.open.size, open - 1, 'the documents are closed');
  t.same(why(bench.claim(writer, { committed: true, milliseconds: 9 }).said), [
    'device_lost',
    'state',
  ]);
  broker.reissue(buffer, () => {});
  world.answer();
  world.keepingMetadata = null;
  t.match(ok(bench.commit(writer, buffer, 0, '{"a":3}').said), { revision: 2 });
});

t.test('behind the largest revision there is none', async (t) => {
  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  const max = Number.MAX_SAFE_INTEGER;
  const refusal = (revision: number) => {
    const { said } = bench.commit(writer, buffer, revision);
    return said !== null && 'error' in said ? said.error : null;
  };
  const possible = { min: 1, max };
  t.match(refusal(max + 1), {
    message: /is 0, and the next one is larger, up to 9007199254740991$/,
    refusal: { possible },
  });
  ok(bench.commit(writer, buffer, max).said);
  for (const revision of [0, max, max + 1]) {
    const said = refusal(revision);
    t.match(said?.message, /is 9007199254740991, and none is larger/);
    t.same([said?.refusal.constraint, said?.refusal.possible], ['revision', undefined]);
  }
});

t.test('what is no document', async (t) => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
  const bad: Record<string, string | Buffer> = {
    'no JSON': '{"a":',
    nothing: '',
    'a list': '[1]',
    'a number': '1',
    null: 'null',
    'behind a mark': '\ufeff{}',
    'two of them': '{}{}',
    'no UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    'too long': `{"a":"${'x'.repeat(MAX_METADATA_BYTES)}"}`,
    'a byte too long': Buffer.from('{}'.padEnd(MAX_METADATA_BYTES + 1)),
    'too deep': deep(MAX_METADATA_DEPTH + 1),
    'deeper than a stack': `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
  };
  for (const [name, text] of Object.entries(bad)) {
    const { code, refusal } = refused(() => checkMetadata(Buffer.from(text as string)));
    t.same([code, refusal.constraint], ['invalid_argument', 'metadata'], name);
  }
  for (const text of ['{}', ' {"a":1} ', deep(MAX_METADATA_DEPTH), '{"__proto__":{"a":1}}'])
    t.equal(checkMetadata(Buffer.from(text)), text);
  t.equal(checkMetadata(Buffer.from('{}'.padEnd(MAX_METADATA_BYTES))).length, MAX_METADATA_BYTES);

  const bench = new Bench();
  const writer = bench.broker.connect(peer);
  const buffer = bench.make(writer);
  t.same(why(bench.commit(writer, buffer, 0, '[]').said), ['invalid_argument', 'metadata']);
  bench.world.outOfFds = true;
  t.same(why(bench.commit(writer, buffer, 0, '{}').said), ['limit_exceeded', 'fds']);
  bench.world.outOfFds = false;
  for (let i = 2; i < METADATA_PER_SECOND; i++) ok(bench.commit(writer, buffer, 0, '{}').said);
  t.same(why(bench.commit(writer, buffer, 0, '{}').said), ['limit_exceeded', 'metadata']);
  t.ok(ok(bench.commit(writer, buffer).said), 'without one there is no such limit');
  bench.world.pass(1000);
  t.ok(ok(bench.commit(writer, buffer, 0, '{}').said));
});

t.test('the layout that the digest is of', async (t) => {
  const bench = new Bench();
  const client = bench.broker.connect(peer);
  const buffer = bench.make(client);
  const { size } = buffer.allocation;
  t.equal(
    layoutText(buffer),
    `dmabroker-layout-1\nsize ${size} format 0 modifier 0 width 0 height 0\nmemory 0 ${size}\nplane 0 0 0 64\n`,
  );
  const picture = bench.make(client, { spec: image, lastingName: 'picture' });
  const { width, height } = image;
  t.match(
    layoutText(picture),
    new RegExp(`format \\d+ modifier 0 width ${width} height ${height}\n`),
  );
});
