/** Who is charged for the document of a revision: its buffer's owner, and then who was told of it and has not read that. */
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client, Watcher } from '../../src/broker/buffer.js';
import { Policy } from '../../src/broker/policy.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import { BrokerError } from '../../src/memory/errors.js';
import { MAX_TOLD_A_TURN } from '../../src/memory/limits.js';
import type { Result } from '../../src/memory/result.js';
import { refused } from '../support/refused.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

const PAGE = 4096;
const TERMS = { uses: 1000, uid: null, seconds: null };
const nobody = { uids: [], gids: [] };
const OWNER = peer.uid;
const READER = peer.uid + 1;

/** An object of a client's, as the socket has it: it is told of one document at a time, and has received it when the test says so. */
class Reader implements Watcher {
  told: number[] = [];
  #received: (() => void) | null = null;
  #isBehind = false;

  constructor(
    private readonly bench: Bench,
    readonly client: Client,
    private readonly buffer: BrokerBuffer,
  ) {
    this.#tell(true);
    buffer.watchers.add(this);
  }

  released(): void {}

  committed(): void {
    this.#tell(false);
  }

  #tell(anyway: boolean): void {
    const committed = this.buffer.lasting?.committed;
    if (committed?.metadata == null) return;
    this.#isBehind = this.#received !== null;
    if (this.#isBehind) return;
    const by = { client: this.client, watcher: this };
    const sent = this.bench.broker.commits.send(by, this.buffer, committed.metadata, anyway);
    if (sent === null) return;
    this.told.push(committed.revision);
    // As a message that waits to be sent.
    const held = committed.metadata.held.retain();
    this.#received = () => {
      held.release();
      sent();
    };
  }

  /** It has what it was sent. */
  read(): void {
    this.#received?.();
    this.#received = null;
    if (this.#isBehind) this.#tell(false);
  }

  /** Its object has gone, and what was sent is read by nobody. */
  gone(): void {
    this.bench.broker.left(this.buffer, this, false);
    this.#isBehind = false;
    this.read();
  }
}

class Bench {
  readonly world = new FakeWorld();
  readonly broker: Broker;
  #names = 0;

  constructor() {
    const quotas = new Quotas(this.world.clock, { defaults: new Map() });
    this.broker = new Broker(this.world, { sources: [memfd], offers }, quotas);
    const all = { connect: nobody, admin: nobody, operator: nobody, reader: nobody };
    const rules = [{ who: null, claim: 'anyone', write: 'anyone' } as const];
    this.broker.policy = new Policy({ ...all, preview: nobody, owner: nobody, rules });
  }

  connect(uid = OWNER, cgroup: string | null = null): Client {
    return this.broker.connect({ ...peer, uid, gid: uid, groups: [], cgroup });
  }

  make(client: Client): BrokerBuffer {
    const lastingName = `name-${++this.#names}`;
    const asked = request({ lifetime: 'until_released', lastingName });
    this.broker.allocate({ client, peer: client.peer }, asked, () => {});
    this.world.answer();
    const [buffer] = [...client.owned].slice(-1);
    if (buffer === undefined) throw new Error('there is none');
    return buffer;
  }

  commit(buffer: BrokerBuffer, text = '{}', client = buffer.lasting?.writer): Result<object> {
    if (client == null) throw new Error('it has no writer');
    // Each has a second of the writer's.
    this.world.pass(1000);
    const by = { client, watcher: { released: () => {} }, waiting: () => {} };
    let said: Result<object> | null = null;
    const metadata = () => Buffer.from(text);
    this.broker.commits.commit(by, buffer, { revision: 0, metadata }, (result) => {
      said = result;
    });
    this.turns();
    return said ?? {};
  }

  turns(): void {
    this.broker.poll();
    while (this.broker.wait === 0) this.broker.poll();
  }

  /** Of documents: the bytes and fds that an account has beside its buffers' (a page and an fd each). */
  charged(key: number | string, scope: 'user' | 'connection' | 'source' | 'daemon' = 'user') {
    const account = this.broker.quotas.accounts.find(scope, String(key));
    const { bytes = 0, fds = 0, buffers = 0 } = account?.charge ?? {};
    return { bytes: bytes - buffers * PAGE, fds: fds - buffers };
  }

  limit(id: RuleId, rule: Rule): void {
    this.broker.setQuotas('rest', new Map([[id, rule]]), id);
  }

  /** Documents that are open. */
  get open(): number {
    return [...this.world.texts.keys()].filter((fd) => this.world.open.has(fd)).length;
  }
}

const of = (count: number) => ({ bytes: count * PAGE, fds: count });
const why = (said: Result<object>) =>
  'error' in said ? [said.error.code, said.error.refusal.constraint] : null;

t.test('the last one is the owner’s, from the commit to the release', async (t) => {
  const bench = new Bench();
  const owner = bench.connect();
  const buffer = bench.make(owner);
  t.same(bench.charged(OWNER), of(0));
  bench.commit(buffer);
  for (const [key, scope] of [
    [OWNER, 'user'],
    [owner.id, 'connection'],
    ['default', 'daemon'],
  ] as const)
    t.same(bench.charged(key, scope), of(1), scope);
  t.match(bench.broker.quotas.accounts.find('source', 'metadata')?.charge, {
    ...{ bytes: PAGE, fds: 1, buffers: 0, pending: 0 },
  });
  bench.commit(buffer, JSON.stringify({ a: 'x'.repeat(PAGE) }));
  t.same(bench.charged(OWNER), { bytes: 2 * PAGE, fds: 1 }, 'whole pages, of one document');
  // A writer that is somebody else.
  const writer = bench.connect(READER);
  bench.broker.disconnect(owner);
  bench.broker.claim(
    ...[writer, { released: () => {} }],
    { name: `name-1@${OWNER}`, milliseconds: 0, asWriter: true, committed: true },
    (result) => t.notOk('error' in result),
  );
  bench.commit(buffer);
  t.same([bench.charged(OWNER), bench.charged(READER)], [of(1), of(0)]);
  bench.broker.release(buffer, 'owner');
  bench.turns();
  t.same([bench.charged(OWNER), bench.open], [of(0), 0]);
});

t.test('a commit beyond a quota is refused, and nothing is lost', async (t) => {
  for (const dimension of ['fds', 'bytes'] as const) {
    const bench = new Bench();
    const owner = bench.connect();
    const [buffer, other] = [bench.make(owner), bench.make(owner)];
    bench.commit(buffer, '{"a":1}');
    // Room for one more: what is to be replaced is there until the new one is published.
    bench.limit('user/default', { [dimension]: dimension === 'fds' ? 4 : 4 * PAGE });
    t.equal(why(bench.commit(buffer, '{"a":2}')), null);
    t.equal(why(bench.commit(other)), null);
    const { open } = bench;
    const said = bench.commit(buffer, '{"a":3}');
    t.same(why(said), ['limit_exceeded', `quota.user.${dimension}`]);
    t.equal(bench.broker.commits.metadata(buffer), '{"a":2}', 'the one before is there');
    t.equal(buffer.lasting?.revision, 2);
    t.same([bench.charged(OWNER), bench.open], [of(2), open]);
    // The same user of another connection goes on where there is room again, another user in any case.
    const stranger = bench.connect(READER);
    t.equal(why(bench.commit(bench.make(stranger))), null);
    bench.broker.release(other, 'owner');
    t.equal(why(bench.commit(buffer, '{"a":3}')), null);
    // No descriptor, and too late: nothing stays charged.
    bench.world.outOfFds = true;
    t.same(why(bench.commit(buffer)), ['limit_exceeded', 'fds']);
    bench.world.outOfFds = false;
    bench.world.keepingMetadata = [];
    bench.commit(buffer);
    t.same(bench.charged(OWNER), of(2), 'while it is being kept, too');
    bench.broker.release(buffer, 'owner');
    bench.world.keepingMetadata.shift()?.();
    t.same(bench.charged(OWNER), of(0));
  }
});

t.test('one of before is its readers’, who end that', async (t) => {
  const bench = new Bench();
  const owner = bench.connect();
  const buffer = bench.make(owner);
  bench.commit(buffer);
  const [one, two] = [READER, READER + 1].map(
    (uid) => new Reader(bench, bench.connect(uid), buffer),
  );
  if (!one || !two) throw new Error('nobody');
  t.same(
    [OWNER, READER, READER + 1].map((uid) => bench.charged(uid)),
    [of(1), of(0), of(0)],
  );
  bench.commit(buffer);
  t.same(
    [OWNER, READER, READER + 1].map((uid) => bench.charged(uid)),
    [of(1), of(1), of(0)],
    'there is one charge for it: the first one’s',
  );
  t.same(bench.charged(one.client.id, 'connection'), of(1));
  t.same(bench.charged('default', 'daemon'), of(2));
  one.read();
  // And the newest, of which it was told then.
  one.read();
  t.same(
    [READER, READER + 1].map((uid) => bench.charged(uid)),
    [of(0), of(1)],
  );
  bench.broker.release(buffer, 'owner');
  t.same(
    [OWNER, READER, READER + 1].map((uid) => bench.charged(uid)),
    [of(0), of(0), of(1)],
    'the owner is free of it; what the readers have not read is theirs',
  );
  two.gone();
  bench.broker.disconnect(two.client);
  t.same(bench.charged('default', 'daemon'), of(0));
  t.equal(bench.open, 0);
});

t.test('a reader without room is not let in, or told when it has some', async (t) => {
  const bench = new Bench();
  const owner = bench.connect();
  const buffer = bench.make(owner);
  bench.commit(buffer);
  const client = bench.connect(READER);
  const { token } = bench.broker.sharing.share(buffer, TERMS);
  bench.limit(`user/${READER}`, { fds: 1 });
  const readers: Reader[] = [];
  const come = () => {
    const { buffer: redeemed } = bench.broker.sharing.redeem(client, token);
    readers.push(new Reader(bench, client, redeemed));
  };
  come();
  come();
  const [first, second] = readers;
  if (!first || !second) throw new Error('nobody');
  second.read();
  bench.commit(buffer);
  t.same(bench.charged(READER), of(1), 'what the first has not read');
  t.same([first.told, second.told], [[1], [1]], 'there is no room for another');
  const { code, refusal } = refused(come);
  t.same([code, refusal.constraint], ['limit_exceeded', 'quota.user.fds']);
  const claimed = { name: `name-1@${OWNER}`, milliseconds: 0, asWriter: false, committed: false };
  bench.broker.claim(client, { released: () => {} }, claimed, (result) =>
    t.same(why(result), ['limit_exceeded', 'quota.user.fds']),
  );
  bench.commit(buffer);
  t.equal(bench.broker.wait, -1, 'it is not tried for before anything has changed');
  bench.commit(bench.make(owner));
  t.same(second.told, [1]);
  first.read();
  bench.turns();
  t.same(
    [first.told, second.told],
    [
      [1, 3],
      [1, 3],
    ],
    'both hear of the newest',
  );
  t.same([bench.charged(READER), bench.charged(OWNER)], [of(0), of(2)]);
  // Who has gone is not told.
  bench.commit(buffer);
  bench.commit(buffer);
  t.same(second.told, [1, 3], 'no room again');
  second.gone();
  first.gone();
  bench.turns();
  t.same(
    [first.told, second.told],
    [
      [1, 3],
      [1, 3],
    ],
  );
  t.equal(bench.broker.wait, -1);
});

t.test('what is of one user is there once, wherever it is read', async (t) => {
  const bench = new Bench();
  const owner = bench.connect();
  const buffer = bench.make(owner);
  bench.commit(buffer);
  bench.limit('user/default', { fds: 2 });
  const { token } = bench.broker.sharing.share(buffer, TERMS);
  const other = bench.connect(OWNER, '/a');
  const reader = new Reader(bench, other, bench.broker.sharing.redeem(other, token).buffer);
  t.same(bench.charged(OWNER), of(1), 'a user at its limit reads its own');
  reader.gone();
  bench.limit('connection/default', { fds: 0 });
  t.throws(() => bench.broker.sharing.redeem(other, token), { code: 'limit_exceeded' });
});

t.test('readers that keep every revision are bounded by their own quota', async (t) => {
  const bench = new Bench();
  const owner = bench.connect();
  const buffers = Array.from({ length: 5 }, () => bench.make(owner));
  for (const buffer of buffers) bench.commit(buffer);
  bench.limit(`user/${READER}`, { fds: 20 });
  const readers: Reader[] = [];
  let refusals = 0;
  for (let round = 0; round < 20; round++) {
    for (const buffer of buffers) {
      const client = bench.connect(READER);
      const { token } = bench.broker.sharing.share(buffer, { ...TERMS, uses: 1 });
      try {
        readers.push(new Reader(bench, client, bench.broker.sharing.redeem(client, token).buffer));
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error;
        refusals++;
      }
    }
    for (const buffer of buffers) {
      const said = bench.commit(buffer);
      t.equal(why(said), null, 'the writer goes on');
    }
    const { fds } = bench.charged(READER);
    t.ok(fds <= 20 + buffers.length, `${fds}: no more than one each above it`);
    t.equal(bench.open, fds + buffers.length, 'what is open is charged');
    t.same(bench.charged(OWNER), of(buffers.length));
  }
  t.ok(refusals > 50, `${refusals} were refused`);
  for (const reader of readers) reader.gone();
  bench.turns();
  t.equal(bench.open, buffers.length);
  t.same(bench.charged(READER), of(0));
});

t.test('many who are told later have their turns', async (t) => {
  const bench = new Bench();
  const buffer = bench.make(bench.connect());
  bench.limit(`user/${READER}`, { fds: 0 });
  const client = bench.connect(READER);
  const readers = Array.from(
    { length: 2 * MAX_TOLD_A_TURN },
    () => new Reader(bench, client, buffer),
  );
  bench.commit(buffer);
  t.ok(readers.every(({ told }) => told.length === 0));
  bench.limit(`user/${READER}`, { fds: 9 });
  bench.broker.poll();
  const told = () => readers.filter((reader) => reader.told.length === 1).length;
  t.ok(told() > 0 && told() <= MAX_TOLD_A_TURN, `${told()} in a turn`);
  bench.turns();
  t.equal(told(), readers.length);
});

t.test('it goes with its buffer to another owner', async (t) => {
  const bench = new Bench();
  const first = bench.connect();
  const buffer = bench.make(first);
  bench.commit(buffer);
  bench.broker.disconnect(first);
  const next = bench.connect();
  const claim = { name: 'name-1', milliseconds: 0, asWriter: true, committed: false };
  const ask = () => {
    let said: Result<object> = {};
    bench.broker.claim(next, { released: () => {} }, claim, (result) => {
      said = result;
    });
    return said;
  };
  bench.limit('connection/default', { fds: 1 });
  t.same(why(ask()), ['limit_exceeded', 'quota.connection.fds'], 'there is room for one of two');
  t.same(bench.charged(first.id, 'connection'), of(1));
  bench.limit('connection/default', { fds: 2 });
  t.equal(why(ask()), null);
  t.same(bench.charged(next.id, 'connection'), of(1));
  t.same(bench.charged(first.id, 'connection'), of(0));
  t.same(bench.charged(OWNER), of(1));
});
