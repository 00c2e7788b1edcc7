/**
 * A broker that is made from what another has left: whatever has happened to buffers before, they are the
 * same, charged to whom they were, and end when they would have. Who comes back finds what was its own.
 */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import { type KeptClient, keptClient, keptMemory } from '../../src/broker/kept.js';
import type { Lifetime } from '../../src/broker/lifetime.js';
import { Quotas } from '../../src/broker/quota/quotas.js';
import type { Restorable } from '../../src/broker/restore.js';
import { BrokerError } from '../../src/memory/errors.js';
import { atNight } from '../support/night.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

const GRACE_MS = 60_000;
/** Longer than anything here takes. */
const NEVER_MS = 10 ** 9;
/** Of lingering memory whose fds went with the daemon: there is no key any more. */
const NO_KEY = 0;

/** The next daemon's: its time and chance go on where the last one's were. */
class NextWorld extends FakeWorld {
  override readonly random: FakeWorld['random'];

  constructor(before: FakeWorld) {
    super();
    this.random = before.random;
    this.pass(before.clock.now() - this.clock.now());
    this.held.set(NO_KEY, 'lingering');
  }
}

const newBroker = (world: FakeWorld) =>
  new Broker(world, { sources: [memfd], offers }, new Quotas(world.clock, { charge: 'importers' }));

const peerOf = (uid: number) => ({
  ...peer,
  pid: 10 + uid,
  uid,
  gid: 100 + uid,
  groups: [10, uid],
});

/** What is kept of everything, with fds of the next world for what a service manager would have. */
function left(broker: Broker, next: FakeWorld, untold: ReadonlySet<BrokerBuffer> = new Set()) {
  const buffers = [...broker.buffers, ...broker.lingering];
  const clients = new Map<string, KeptClient>();
  const name = (client: Client) => clients.set(client.id, keptClient(client));
  for (const { owner, recipients } of buffers) {
    if (owner.client !== null) name(owner.client);
    for (const { client } of recipients) name(client);
  }
  const restorable = buffers.map((buffer): Restorable => {
    const [memory, state] = [keptMemory(buffer), broker.keptState(buffer)];
    const isStored = state.lifetime !== 'connection' && !state.released && buffer.state !== 'away';
    const fds = isStored
      ? memory.allocation.memories.map((_, i) => fdOf(next, memory.allocation.identities?.[i]))
      : null;
    return { memory, state, fds, metadata: null, told: !untold.has(buffer) };
  });
  // The order in the file means nothing.
  return {
    clients: [...clients.values()].reverse(),
    buffers: restorable.reverse(),
    numbers: broker.numbers,
  };
}

function fdOf(world: FakeWorld, identity: string | undefined): number {
  const fd = world.openFd();
  if (identity !== undefined) world.identities.set(fd, identity);
  return fd;
}

function restarted(
  before: { readonly world: FakeWorld; readonly broker: Broker },
  { graceMs = GRACE_MS, untold }: { graceMs?: number; untold?: ReadonlySet<BrokerBuffer> } = {},
) {
  const world = new NextWorld(before.world);
  const broker = newBroker(world);
  const { clients, buffers, numbers } = left(before.broker, world, untold);
  broker.restore(clients, buffers, numbers, graceMs);
  return { world, broker };
}

/** All that is shown of a buffer, but for who is connected. */
function shown(broker: Broker, buffer: BrokerBuffer) {
  // First: those that have expired are dropped then.
  const listed = broker.sharing.tokens.list(buffer);
  const [memory, state] = [keptMemory(buffer), broker.keptState(buffer)];
  const { planes, key: _, ...allocation } = memory.allocation;
  return {
    ...{ ...memory, allocation, planes: planes.map(({ fd: _, ...plane }) => plane) },
    ...{ ...state, events: buffer.history.entries.length + buffer.history.forgotten },
    ...{ listed, lease: broker.leases.of(buffer) },
    recipients: [...buffer.recipients].map(({ client, receivedAt, mayRenew }) => [
      client.id,
      receivedAt,
      mayRenew,
    ]),
    charged: { ...state.charged, heaps: [...state.charged.heaps] },
  };
}

const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
const all = (broker: Broker) =>
  [...broker.buffers, ...broker.lingering].map((buffer) => shown(broker, buffer)).sort(byId);

const accounts = (broker: Broker) =>
  [...broker.quotas.accounts]
    .map(({ scope, key, charge, lingering }) => ({ id: `${scope} ${key}`, charge, lingering }))
    .filter(({ charge }) => Object.values(charge).some((amount) => amount !== 0))
    .sort(byId);

const same = (what: string, a: unknown, b: unknown) => {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b, null)];
  if (left !== right) throw new Error(`${what}: ${left} and ${right}`);
};

/** Nothing is open or charged when all has ended. */
function over({ broker, world }: { broker: Broker; world: FakeWorld }): void {
  world.held.clear();
  for (const client of [...broker.clients]) broker.disconnect(client);
  broker.close();
  if (world.open.size > 0) throw new Error(`fds ${[...world.open]} are open`);
  same('nothing is charged', accounts(broker), []);
  same(
    'no account is left',
    [...broker.quotas.accounts].filter(({ scope }) => scope === 'connection').length,
    0,
  );
}

const KINDS = [
  ...['connect', 'disconnect', 'allocate', 'allocate', 'allocate', 'share', 'share', 'redeem'],
  ...['redeem', 'release', 'renew', 'lose', 'reissue', 'recall', 'park', 'wait', 'rename'],
] as const;
interface Action {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly n: number;
}
const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(1000),
  n: fc.nat(1000),
});
const LIFETIMES: readonly Lifetime[] = [
  'connection',
  'until_released',
  { lease: 7 },
  { lease: 40 },
];

class Life {
  readonly world = new FakeWorld();
  readonly broker = newBroker(this.world);
  readonly sessions = new Map<Client, string>();
  readonly tokens: { readonly text: string; readonly uid: number | null }[] = [];
  #files = 0;

  constructor() {
    this.world.held.get = () => 'lingering';
    this.connect(1);
    this.connect(2);
  }

  connect(uid: number): void {
    const client = this.broker.connect(peerOf(uid));
    this.sessions.set(client, this.broker.openSession(client));
  }

  run({ kind, pick, n }: Action): void {
    const { broker, world } = this;
    const client = at([...broker.clients], pick);
    const buffer = at([...broker.buffers], pick);
    if (kind === 'connect') this.connect(1 + (n % 3));
    else if (kind === 'wait') {
      world.pass(n * 3);
      broker.poll();
    } else if (kind === 'allocate') this.#allocate(client ?? null, n);
    else if (kind === 'disconnect' && client !== undefined) broker.disconnect(client);
    else if (kind === 'redeem' && client !== undefined) this.#redeem(client, n);
    else if (buffer === undefined) return;
    else if (kind === 'release') broker.release(buffer, 'owner');
    else if (kind === 'lose') broker.deviceLost([buffer.allocation]);
    else if (kind === 'reissue') {
      broker.reissue(buffer, () => {});
      this.#answer(n);
    } else if (kind === 'rename') broker.rename(buffer, n % 2 === 0 ? null : `name ${n}`);
    else if (kind === 'recall') broker.quotas.recalls.forAdministrator(buffer, 1 + (n % 30));
    else if (kind === 'park') broker.leases.park(buffer, 1 + (n % 50));
    else if (kind === 'renew' && broker.leases.of(buffer) !== null)
      broker.leases.renew(buffer, 1 + (n % 50));
    else if (kind === 'share' && buffer.state === 'live') {
      const uid = n % 3 === 0 ? 2 : null;
      const seconds = n % 2 === 0 ? null : 1 + (n % 60);
      const terms = { uses: 1 + (n % 3), uid, seconds, mayRenew: n % 5 === 0 };
      this.tokens.push({ text: broker.sharing.share(buffer, terms).token, uid });
    }
  }

  #answer(n: number): void {
    const fds = 1 + (n % 3);
    const identities = Array.from({ length: fds }, () => `file ${++this.#files}`);
    if (this.world.pending.length > 0) this.world.answer(0, fds, { identities });
  }

  #allocate(client: Client | null, n: number): void {
    const isRest = client === null || n % 7 === 0;
    const lifetime = at(LIFETIMES, isRest ? 1 + (n % 3) : n) ?? 'connection';
    const owner = { client: isRest ? null : client, peer: client?.peer ?? peerOf(1) };
    this.broker.allocate(owner, request({ lifetime }), (made) => {
      if (!('error' in made) && owner.client !== null)
        this.broker.sharing.handedOut(made, owner.client, true);
    });
    this.#answer(n);
  }

  #redeem(client: Client, n: number): void {
    const token = at(this.tokens, n);
    if (token === undefined) return;
    try {
      const { buffer, mayRenew } = this.broker.sharing.redeem(client, token.text);
      this.broker.sharing.handedOut(buffer, client, mayRenew);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
    }
  }
}

const at = <T>(list: readonly T[], index: number): T | undefined => list[index % list.length];

/** Whether a new client may redeem what is left of a token. */
function redeems(broker: Broker, { text, uid }: Life['tokens'][number]): string | null {
  const client = broker.connect(peerOf(uid ?? 3));
  try {
    return broker.sharing.redeem(client, text).buffer.id;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return error.code;
  } finally {
    broker.disconnect(client);
  }
}

t.test('whatever has happened, the next broker knows it', async (t) => {
  const totals = {
    buffers: 0,
    lingering: 0,
    redeemed: 0,
    ended: 0,
    adopted: 0,
    awaited: 0,
    gone: 0,
  };
  const actions = fc.array(action, { minLength: 5, maxLength: 60, size: 'max' });
  const property = fc.property(
    actions,
    fc.array(fc.nat(1000), { maxLength: 12 }),
    (steps, order) => {
      const life = new Life();
      for (const step of steps) life.run(step);
      const now = restarted(life, { graceMs: NEVER_MS });
      const before = all(life.broker);
      same('buffers', all(now.broker), before);
      same('accounts', accounts(now.broker), accounts(life.broker));
      same('numbers', now.broker.numbers, life.broker.numbers);
      totals.buffers += before.length;
      totals.lingering += before.filter(({ released }) => released).length;
      // And again, without anything having happened.
      const twice = restarted(now, { graceMs: NEVER_MS });
      same('buffers of the next but one', all(twice.broker), before);
      same('their accounts', accounts(twice.broker), accounts(life.broker));
      over(twice);

      comeBack(life, restarted(life), order, totals);

      for (const token of life.tokens) {
        const [then, there] = [redeems(life.broker, token), redeems(now.broker, token)];
        // What is with its clients alone is to be asked for later.
        if (there !== 'busy') same('a token', there, then);
        if (there !== null && there === then && there.length > 12) totals.redeemed++;
      }
      const leased = ({ broker }: { broker: Broker }) =>
        [...broker.buffers]
          .filter((b) => broker.leases.of(b) !== null)
          .map(({ id }) => id)
          .sort();
      for (let step = 0; step < 12; step++) {
        for (const { world, broker } of [life, now]) {
          world.pass(5000);
          broker.poll();
        }
        same('leases', leased(now), leased(life));
        totals.ended += leased(now).length;
      }
      over(now);
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(120, 5000) }));
  t.comment(JSON.stringify(totals));
  for (const [name, count] of Object.entries(totals)) t.ok(count > 3, `${name}: ${count}`);
});

/** Some of those who were there come back, in any order, and bring what they have. */
function comeBack(
  life: Life,
  { world, broker }: ReturnType<typeof restarted>,
  order: readonly number[],
  totals: { adopted: number; awaited: number; gone: number },
): void {
  const past = [...life.sessions];
  const claimed = new Set<string>();
  for (const pick of order) {
    const [client, session] = at(past, pick) ?? [];
    if (client === undefined || session === undefined) continue;
    const next = broker.connect(client.peer);
    for (const buffer of [...broker.buffers]) {
      const mine = buffer.owner.client?.id === client.id;
      if (!mine && ![...buffer.recipients].some((each) => each.client.id === client.id)) continue;
      const fds = (buffer.allocation.identities ?? []).map((each) => fdOf(world, each));
      const adopted = broker.adopt(next, { id: buffer.id, session, fds });
      for (const fd of fds) if (!adopted?.taken.includes(fd)) world.closeFd(fd);
      // A session of which nothing is left is not known any more.
      if (adopted === null) throw new Error('the session is not known');
      broker.sharing.handedOut(buffer, next, adopted.mayRenew);
      same('the owner', adopted.isOwner, mine);
      if (buffer.state === 'away') throw new Error('it is not there again');
      if (mine || buffer.lifetime !== 'connection') claimed.add(buffer.id);
      totals.adopted++;
    }
  }
  const isAwaited = (buffer: BrokerBuffer) =>
    !claimed.has(buffer.id) && (buffer.state === 'away' || buffer.lifetime === 'connection');
  const awaited = [...broker.buffers].filter(isAwaited);
  world.pass(GRACE_MS - 1);
  const early = new Set(broker.buffers);
  if (awaited.some((buffer) => !early.has(buffer))) throw new Error('it was not waited for');
  world.pass(1);
  broker.poll();
  totals.awaited += awaited.length;
  totals.gone += awaited.filter(({ released }) => released).length;
  if (awaited.some(({ released }) => !released)) throw new Error('it is still there');
  for (const { id, lifetime } of broker.buffers) {
    if (lifetime === 'connection' && !claimed.has(id)) throw new Error('nobody has it');
  }
  over({ world, broker });
}

/** A broker with one buffer. */
function one(lifetime: Lifetime = 'until_released') {
  const world = new FakeWorld();
  const broker = newBroker(world);
  const client = broker.connect(peerOf(1));
  const session = broker.openSession(client);
  let buffer: BrokerBuffer | undefined;
  broker.allocate({ client, peer: client.peer }, request({ lifetime }), (made) => {
    if (!('error' in made)) buffer = made;
  });
  world.answer(0, 1, { identities: ['the file'] });
  if (buffer === undefined) throw new Error('it was not allocated');
  broker.sharing.handedOut(buffer, client, true);
  return { world, broker, client, session, buffer };
}

t.test('what lingered and is gone by now is gone, and not written again', async (t) => {
  const { world, broker, buffer } = one();
  world.held.set(buffer.allocation.key, 'lingering');
  broker.release(buffer, 'owner');
  const next = new NextWorld(world);
  next.held.clear();
  const told: string[] = [];
  next.keep = () => told.push('keep');
  next.observer = { changed: () => told.push('changed'), gone: () => told.push('gone') };
  const { clients, buffers, numbers } = left(broker, next);
  const second = newBroker(next);
  second.restore(clients, buffers, numbers, GRACE_MS);
  t.equal([...second.lingering].length, 0);
  t.same([told.at(-1), told.filter((each) => each === 'gone').length], ['gone', 1]);
  over({ broker: second, world: next });
});

t.test('what nobody was told of goes when the grace is over', async (t) => {
  const life = one();
  const { broker, world } = restarted(life, { untold: new Set([life.buffer]) });
  t.equal(world.open.size, 1);
  world.pass(GRACE_MS);
  t.equal(broker.wait, 0);
  broker.poll();
  t.equal([...broker.buffers].length, 0);
  over({ broker, world });
});

t.test('unless its owner comes for it after all', async (t) => {
  const life = one();
  const { broker, world } = restarted(life, { untold: new Set([life.buffer]) });
  const next = broker.connect(peerOf(1));
  t.match(broker.adopt(next, { id: life.buffer.id, session: life.session, fds: [] }), {
    taken: [],
  });
  world.pass(2 * GRACE_MS);
  broker.poll();
  t.same(
    [...next.owned].map(({ id }) => id),
    [life.buffer.id],
  );
  over({ broker, world });
});

t.test('a recipient brings the memory, and the owner does not come', async (t) => {
  const life = one('connection');
  const other = life.broker.connect(peerOf(2));
  const session = life.broker.openSession(other);
  const { token } = life.broker.sharing.share(life.buffer, { uses: 1, uid: null, seconds: null });
  life.broker.sharing.redeem(other, token);
  life.broker.sharing.handedOut(life.buffer, other);
  const { broker, world } = restarted(life);
  const [next, fd] = [broker.connect(peerOf(2)), fdOf(world, 'the file')];
  const { id } = life.buffer;
  t.match(broker.adopt(next, { id, session, fds: [fd] }), { isOwner: false, taken: [fd] });
  t.equal(broker.get(id).state, 'live');
  const reasons: string[] = [];
  broker.get(id).watchers.add({ released: (reason) => reasons.push(reason) });
  world.pass(GRACE_MS);
  broker.poll();
  t.same(reasons, ['owner'], 'it ends with its owner’s connection, which has ended');
  over({ broker, world });
});

t.test(
  'a memfd that can be read alone is not taken: whoever has the buffer would have that',
  async (t) => {
    const life = one('connection');
    const { world, broker } = restarted(life);
    const next = broker.connect(peerOf(1));
    const bring = (fd: number) =>
      broker.adopt(next, { id: life.buffer.id, session: life.session, fds: [fd] });
    const [readOnly, fd] = [fdOf(world, 'the file'), fdOf(world, 'the file')];
    world.readOnly.add(readOnly);
    t.throws(() => bring(readOnly), { code: 'invalid_argument' });
    t.equal(broker.get(life.buffer.id).state, 'away');
    t.match(bring(fd), { taken: [fd] });
    world.closeFd(readOnly);
    over({ broker, world });
  },
);

t.test('what is brought back is kept anew', async (t) => {
  const life = one('connection');
  life.broker.leases.park(life.buffer, 600);
  const world = new NextWorld(life.world);
  const broker = newBroker(world);
  const { clients, buffers, numbers } = left(life.broker, world);
  // The store was full: the manager has none of it.
  for (const { fds } of buffers) for (const fd of fds ?? []) world.closeFd(fd);
  broker.restore(
    clients,
    buffers.map((each) => ({ ...each, fds: null })),
    numbers,
    GRACE_MS,
  );
  const kept: string[] = [];
  world.keep = ({ id, held }, done) => {
    kept.push(`${id} ${held.fds.length}`);
    done();
  };
  const [next, fd] = [broker.connect(peerOf(1)), fdOf(world, 'the file')];
  broker.adopt(next, { id: life.buffer.id, session: life.session, fds: [fd] });
  t.same(kept, [`${life.buffer.id} 1`]);
  over({ broker, world });
});

t.test('numbers that were given and not noted', async (t) => {
  const life = one();
  life.broker.sharing.share(life.buffer, { uses: 1, uid: null, seconds: null });
  const world = new NextWorld(life.world);
  const broker = newBroker(world);
  const { clients, buffers } = left(life.broker, world);
  broker.restore(clients, buffers, { client: 0, token: 0 }, GRACE_MS);
  t.not(broker.connect(peerOf(1)).id, life.client.id);
  const issued = broker.sharing.share(broker.get(life.buffer.id), {
    uses: 1,
    uid: null,
    seconds: null,
  });
  t.equal(issued.info.id, 't2');
  over({ broker, world });
});

t.test('a recipient of which nothing is known may still have it', async (t) => {
  const life = one();
  const world = new NextWorld(life.world);
  const broker = newBroker(world);
  const { buffers, numbers } = left(life.broker, world);
  broker.restore([], buffers, numbers, GRACE_MS);
  const buffer = broker.get(life.buffer.id);
  t.equal(buffer.owner.client, null);
  t.equal(buffer.recipients.incomplete, true);
  over({ broker, world });
});
