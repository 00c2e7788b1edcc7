/**
 * The registry against a model, with a pool of spares: clients come and go, allocations are answered in any order, buffers
 * are shared, redeemed and released, leases are renewed and run out. After every step the registry and the model agree on who owns
 * what and on which fds are open; at the end everything has been closed and freed exactly once
 * (FakeWorld throws on a second time).
 */
import fc from 'fast-check';
import t from 'tap';
import { Broker } from '../../src/broker/broker.js';
import type { BrokerBuffer, Client } from '../../src/broker/buffer.js';
import type { HeldFds } from '../../src/broker/held-fds.js';
import type { Lifetime } from '../../src/broker/lifetime.js';
import { NO_POOL, type PoolLimits } from '../../src/broker/pool/limits.js';
import type { Rule, RuleId } from '../../src/broker/quota/rules.js';
import { BrokerError } from '../../src/memory/errors.js';
import {
  DEFAULT_LEASE_GRACE_SECONDS,
  LINGERING_PAUSE_MS,
  POOL_REFILL_DELAY_MS,
} from '../../src/memory/limits.js';
import { atNight } from '../support/night.js';
import { FakeWorld, memfd, offers, peer, request } from './support/world.js';

/** `pick` chooses among whatever there is then, modulo its number. */
type Action =
  | { kind: 'connect'; uid: number }
  | {
      kind: 'disconnect' | 'release' | 'send' | 'refuse' | 'reissue' | 'hold' | 'drop';
      pick: number;
    }
  | { kind: 'lose' }
  | { kind: 'allocate'; pick: number; lifetime: Lifetime; rest: boolean }
  | { kind: 'answer'; pick: number; fds: number }
  | { kind: 'share'; pick: number; uses: number; uid: number | null; seconds: number | null }
  | { kind: 'redeem'; pick: number; token: number }
  | { kind: 'revoke'; token: number }
  | { kind: 'renew'; pick: number; seconds: number }
  | { kind: 'quota'; rule: Rule; groups: RuleId[] }
  | { kind: 'spare'; good: boolean; fds: number }
  | { kind: 'pool'; limits: PoolLimits }
  | { kind: 'pressure'; short: boolean }
  | { kind: 'drain' }
  /** The same is asked for again and again, and answered at once. */
  | { kind: 'rush'; pick: number; times: number }
  | { kind: 'wait'; seconds: number };

const pick = fc.nat(1000);
const uid = fc.constantFrom(1, 2);
/** A step of the schedule takes five seconds. */
const leaseSeconds = fc.integer({ min: 1, max: 30 });
/** Something can be redeemed only after connecting, allocating, an answer and sharing. */
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const action: fc.Arbitrary<Action> = fc.oneof(
  often(2, fc.record({ kind: fc.constant('connect' as const), uid })),
  fc.record({
    kind: fc.constantFrom(
      'disconnect',
      'release',
      'send',
      'refuse',
      'reissue',
      'hold',
      'drop' as const,
    ),
    pick,
  }),
  often(2, fc.record({ kind: fc.constant('lose' as const) })),
  often(2, fc.record({ kind: fc.constant('reissue' as const), pick })),
  often(
    4,
    fc.record({
      kind: fc.constant('allocate' as const),
      pick,
      lifetime: fc.oneof(
        fc.constantFrom<Lifetime>('connection', 'until_released'),
        fc.record({ lease: leaseSeconds }),
      ),
      rest: fc.boolean(),
    }),
  ),
  often(
    4,
    fc.record({ kind: fc.constant('answer' as const), pick, fds: fc.integer({ min: 1, max: 4 }) }),
  ),
  often(
    4,
    fc.record({
      kind: fc.constant('share' as const),
      pick,
      uses: fc.integer({ min: 1, max: 3 }),
      uid: fc.option(uid),
      seconds: fc.option(fc.integer({ min: 1, max: 60 })),
    }),
  ),
  often(6, fc.record({ kind: fc.constant('redeem' as const), pick, token: pick })),
  fc.record({ kind: fc.constant('revoke' as const), token: pick }),
  fc.record({ kind: fc.constant('renew' as const), pick, seconds: leaseSeconds }),
  fc.record({
    kind: fc.constant('quota' as const),
    /** Those that have a rule, too. */
    groups: fc.subarray<RuleId>(['group/10', 'group/20', 'group/102']),
    rule: fc.record({
      buffers: fc.option(fc.integer({ min: 1, max: 20 })),
      bytes: fc.option(fc.integer({ min: 1, max: 20 }).map((pages) => pages * 4096)),
    }),
  }),
  often(
    4,
    fc.record({
      kind: fc.constant('spare' as const),
      good: fc.integer({ max: 9 }).map((n) => n > 0),
      fds: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  fc.record({
    kind: fc.constant('pool' as const),
    limits: fc.oneof(
      fc.constant(NO_POOL),
      fc.record({
        bytes: fc.integer({ min: 0, max: 8 }).map((pages) => pages * 4096),
        deviceBytes: fc.option(fc.integer({ min: 0, max: 8 }).map((pages) => pages * 4096)),
        sparesPerSpec: fc.integer({ min: 1, max: 4 }),
        idleSeconds: fc.integer({ min: 20, max: 120 }),
      }),
    ),
  }),
  fc.record({ kind: fc.constant('pressure' as const), short: fc.boolean() }),
  fc.record({ kind: fc.constant('drain' as const) }),
  often(
    4,
    fc.record({
      kind: fc.constant('rush' as const),
      pick,
      times: fc.integer({ min: 1, max: 6 }),
    }),
  ),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 3 }) }),
);

/** Both users are in one group, the second in another, too. */
const peerOf = (uid: number) => ({
  ...peer,
  uid,
  gid: 100 + uid,
  groups: uid === 2 ? [10, 20] : [10],
});

/** It has memory of its own, which is all that comes in an even number of fds. */
const gpu = {
  ...{ uuid: 'a'.repeat(32), name: 'GPU', problem: null },
  ...{ table: { sources: [], offers: [] }, ownBytes: 2 ** 30 },
};
const placeOf = (fds: number) =>
  fds % 2 === 0 ? { device: gpu.uuid, placement: ['device_local'] } : {};
const sumOf = (all: readonly { readonly size: number }[]) =>
  all.reduce((sum, { size }) => sum + size, 0);

interface Token {
  readonly text: string;
  readonly id: string;
  readonly buffer: BrokerBuffer;
  readonly uid: number | null;
  readonly expires: number;
  uses: number;
}

/** Memory that is not a live buffer's any more. */
type Past = Pick<BrokerBuffer, 'owner' | 'allocation' | 'held'>;

/** Milliseconds; `letGoAt` where it was recalled. */
interface Lease {
  endsAt: number;
  letGoAt: number | null;
}

const memoryOf = ({ held }: Past) => held;

class Model {
  readonly world = new FakeWorld();
  readonly broker = new Broker(this.world, { sources: [memfd], offers, devices: [gpu] });
  readonly clients: Client[] = [];
  readonly buffers = new Set<BrokerBuffer>();
  /** Buffers whose memory went with its device, and whether they were told so. */
  readonly lost = new Set<BrokerBuffer>();
  readonly toldLost = new Set<BrokerBuffer>();
  readonly tokens: Token[] = [];
  readonly leases = new Map<BrokerBuffer, Lease>();
  /** Buffers whose watchers were told that the lease has ended. */
  readonly toldExpired = new Set<BrokerBuffer>();
  /** Messages with fds that wait to be sent, as connections keep them. */
  readonly messages: HeldFds[] = [];
  /** Released buffers' memory, and what re-issued ones had before. */
  readonly past = new Set<Past>();
  /** The memories that buffers have or had, by key: none is given twice. */
  readonly memories = new Set<number>();
  /** Spares, by key, as the source made them. */
  readonly spares = new Set<number>();
  fromPool = 0;
  /** Spares that somebody had asked for while they were made. */
  joined = 0;
  /** Allocations with memory; each must be freed. */
  given = 0;
  /** Buffers that were registered, and those whose watchers were told that they went. */
  registered = 0;
  released = 0;
  /** Those that went with their lease, and whose watchers were told so. */
  expired = 0;
  toldLetGo = 0;
  redeemed = 0;
  reissued = 0;
  /** How often memory that a re-issued buffer had was seen to linger. */
  formers = 0;
  /** The source is just now answering with memory. */
  #answering = false;
  /** A spare is just now there, which somebody may have asked for. */
  #sparing = false;
  /** Requests that are not answered. */
  #asked = 0;

  #at<T>(list: readonly T[], index: number): T | undefined {
    return list[index % list.length];
  }

  #gone(buffer: BrokerBuffer): void {
    this.buffers.delete(buffer);
    this.lost.delete(buffer);
    this.toldLost.delete(buffer);
    this.toldExpired.delete(buffer);
    this.leases.delete(buffer);
    this.past.add(buffer);
    for (const token of this.tokens) if (token.buffer === buffer) token.uses = 0;
  }

  run(action: Action): void {
    const { world, broker } = this;
    switch (action.kind) {
      case 'connect':
        this.clients.push(broker.connect(peerOf(action.uid)));
        break;
      case 'disconnect': {
        const client = this.#at(this.clients, action.pick);
        if (client === undefined) break;
        this.clients.splice(this.clients.indexOf(client), 1);
        broker.disconnect(client);
        for (const buffer of [...this.buffers]) {
          if (buffer.owner.client === client && buffer.lifetime === 'connection')
            this.#gone(buffer);
        }
        break;
      }
      case 'allocate': {
        const client = action.rest ? null : (this.#at(this.clients, action.pick) ?? null);
        const { lifetime } = action;
        this.#asked++;
        broker.allocate({ client, peer: client?.peer ?? peer }, request({ lifetime }), (result) => {
          this.#asked--;
          const late = lifetime === 'connection' && client?.connected === false;
          const isSpare = world.fromPool.length > this.fromPool;
          this.fromPool = world.fromPool.length;
          const expected = (this.#answering || isSpare) && !late;
          if ('error' in result === expected) throw new Error('memory and answer differ');
          if ('error' in result) return;
          const { key } = result.allocation;
          if (this.spares.delete(key) !== (isSpare && !this.#sparing))
            throw new Error('a spare, or not');
          if (this.memories.has(key)) throw new Error('memory was given twice');
          this.memories.add(key);
          this.registered++;
          this.buffers.add(result);
          const buffer = result;
          if (typeof lifetime === 'object') {
            this.leases.set(buffer, {
              endsAt: world.clock.now() + lifetime.lease * 1000,
              letGoAt: null,
            });
          }
          buffer.watchers.add({
            released: (reason) => {
              this.released++;
              if (reason === 'lease_expired') this.toldLetGo++;
            },
            recalled: (reason) => {
              if (reason === 'lease_expired') this.toldExpired.add(buffer);
            },
            leased: () => this.toldExpired.delete(buffer),
            lost: () => this.toldLost.add(buffer),
            reissued: () => this.toldLost.delete(buffer),
          });
        });
        break;
      }
      case 'answer':
        if (world.pending.length === 0) break;
        this.given++;
        this.#answering = true;
        world.answer(action.pick % world.pending.length, action.fds, placeOf(action.fds));
        this.#answering = false;
        break;
      case 'spare':
        if (world.preparing.length === 0) break;
        if (action.good) {
          this.given++;
          this.#sparing = true;
          const { key } = world.answerSpare(action.fds, placeOf(action.fds));
          this.#sparing = false;
          if (this.memories.has(key)) this.joined++;
          else this.spares.add(key);
        } else world.refuseSpare(new BrokerError('out_of_memory', 'no'));
        break;
      case 'pool':
        broker.pool.configure(action.limits);
        break;
      case 'pressure':
        if (action.short) broker.pressure({ sources: null, seconds: 10 });
        else broker.relieved(null);
        break;
      case 'rush':
        for (let i = 0; i < action.times; i++) {
          const fds = 1 + (action.pick % 2);
          while (world.pending.length > 0) this.run({ kind: 'answer', pick: 0, fds });
          this.run({ kind: 'allocate', pick: action.pick, lifetime: 'connection', rest: false });
          while (world.pending.length > 0) this.run({ kind: 'answer', pick: 0, fds });
          world.pass(POOL_REFILL_DELAY_MS);
          this.#poll();
          this.run({ kind: 'spare', good: true, fds });
        }
        break;
      case 'drain':
        broker.drainPool(null);
        if (broker.pool.spares > 0) throw new Error('spares are left');
        break;
      case 'refuse':
        if (world.pending.length === 0) break;
        world.refuse(new BrokerError('out_of_memory', 'no'), action.pick % world.pending.length);
        break;
      case 'release': {
        const buffer = this.#at([...this.buffers], action.pick);
        if (buffer === undefined) break;
        broker.release(buffer, 'owner');
        this.#gone(buffer);
        break;
      }
      case 'lose': {
        const live = [...this.buffers].filter((buffer) => !this.lost.has(buffer));
        const told = broker.deviceLost([...this.buffers].map(({ allocation }) => allocation));
        if (told !== live.length) throw new Error('buffers were lost twice, or not at all');
        for (const buffer of live) this.lost.add(buffer);
        break;
      }
      case 'reissue': {
        const buffer = this.#at([...this.buffers], action.pick);
        if (buffer === undefined) break;
        const { generation, owner, allocation, held } = buffer;
        const wasLost = this.lost.has(buffer);
        broker.reissue(buffer, (result) => {
          const good = this.#answering ? !buffer.released : !wasLost;
          if ('error' in result === good) throw new Error('memory and answer differ');
          if (!good) return;
          if (buffer.generation !== generation + (wasLost ? 1 : 0)) throw new Error('generation');
          if (!this.lost.delete(buffer)) return;
          this.reissued++;
          this.past.add({ owner, allocation, held });
        });
        break;
      }
      case 'share': {
        const live = [...this.buffers].filter((buffer) => !this.lost.has(buffer));
        const buffer = this.#at(live, action.pick);
        if (buffer === undefined) break;
        const { uses, seconds } = action;
        const { token, info } = broker.sharing.share(buffer, { uses, uid: action.uid, seconds });
        const expires =
          seconds === null ? Number.POSITIVE_INFINITY : world.clock.now() + seconds * 1000;
        this.tokens.push({ text: token, id: info.id, buffer, uid: action.uid, expires, uses });
        break;
      }
      case 'redeem':
        this.#redeem(this.#at(this.clients, action.pick), this.#at(this.tokens, action.token));
        break;
      case 'revoke': {
        const token = this.#at(this.tokens, action.token);
        if (token === undefined) break;
        broker.sharing.revoke(token.buffer, token.id);
        token.uses = 0;
        break;
      }
      case 'renew': {
        const buffer = this.#at([...this.leases.keys()], action.pick);
        if (buffer === undefined) break;
        const endsAt = world.clock.now() + action.seconds * 1000;
        const lease = this.leases.get(buffer);
        broker.leases.renew(buffer, action.seconds);
        if (lease && endsAt > lease.endsAt) this.leases.set(buffer, { endsAt, letGoAt: null });
        break;
      }
      case 'send': {
        const message = this.#at(this.messages, action.pick);
        if (message === undefined) break;
        this.messages.splice(this.messages.indexOf(message), 1);
        message.release();
        break;
      }
      case 'quota':
        broker.setQuotas(
          'rest',
          new Map(
            (['daemon/default', ...action.groups] as const).map((id) => [id, action.rule] as const),
          ),
          'daemon/default',
        );
        break;
      case 'hold': {
        const buffer = this.#at([...this.buffers], action.pick);
        if (buffer !== undefined) world.held.set(buffer.allocation.key, 'lingering');
        break;
      }
      case 'drop': {
        const key = this.#at([...world.held.keys()], action.pick);
        if (key !== undefined) world.held.delete(key);
        break;
      }
      case 'wait':
        world.pass(action.seconds * 1000);
        break;
    }
  }

  #redeem(client: Client | undefined, token: Token | undefined): void {
    if (client === undefined || token === undefined) return;
    const good =
      token.uses > 0 &&
      token.expires > this.world.clock.now() &&
      !this.lost.has(token.buffer) &&
      (token.uid === null || token.uid === client.peer.uid);
    try {
      const { buffer } = this.broker.sharing.redeem(client, token.text);
      if (!good || buffer !== token.buffer) throw new Error('a bad token was taken');
      token.uses--;
      this.redeemed++;
      this.messages.push(buffer.held.retain());
      this.broker.sharing.handedOut(buffer, client);
    } catch (error) {
      if (!(error instanceof BrokerError) || good) throw error;
    }
  }

  /** Every account's charge, counted anew from what there is. */
  #recount(): void {
    // A buffer that waits for new memory is charged for what it has.
    const waiting = this.#asked;
    const { accounts } = this.broker.quotas;
    const { daemon } = accounts;
    const memory = [...this.buffers, ...this.#lingering()];
    const count = (all: readonly Past[]) => ({
      bytes: all.reduce((sum, { allocation }) => sum + allocation.size, 0),
      buffers: all.length,
      fds: all.reduce((sum, { held }) => sum + new Set(held.fds).size, 0),
    });
    const all = count(memory);
    // What is not answered yet is charged as one buffer of a page with one fd, as it was asked for.
    const expected = {
      bytes: all.bytes + waiting * 4096,
      buffers: all.buffers + waiting,
      fds: all.fds + waiting,
      pending: waiting,
    };
    if (JSON.stringify(daemon.charge) !== JSON.stringify(expected)) throw new Error('charges');
    const { bytes, buffers, fds } = daemon.lingering;
    const lingering = count(this.#lingering());
    if (JSON.stringify({ bytes, buffers, fds }) !== JSON.stringify(lingering)) {
      throw new Error('what lingers');
    }
    if (waiting > 0) return;
    for (const { scope, key, charge, lingering } of accounts) {
      if (scope !== 'user' && scope !== 'connection' && scope !== 'group') continue;
      const isTheirs = ({ owner: { client, peer } }: Past) => {
        if (scope === 'user') return key === String(peer.uid);
        if (scope === 'connection') return key === client?.id;
        return [peer.gid, ...(peer.groups ?? [])].map(String).includes(key);
      };
      const expected = [memory, this.#lingering()].map((all) => ({
        ...count(all.filter(isTheirs)),
        pending: 0,
      }));
      if (JSON.stringify([charge, lingering]) !== JSON.stringify(expected)) {
        throw new Error(`${scope} ${key}`);
      }
    }
  }

  /** Spares keep within all limits; what is gone from the pool is freed. Returns their fds. */
  #sparesFds(): number[] {
    const { pool, quotas } = this.broker;
    const spares = pool.specs.flatMap((spec) => spec.spares.map(({ allocation }) => allocation));
    for (const key of this.spares) if (this.world.freed.has(key)) this.spares.delete(key);
    const keys = spares.map(({ key }) => key);
    if (keys.length !== this.spares.size || keys.some((key) => !this.spares.has(key))) {
      throw new Error('spares');
    }
    const bytes = sumOf(spares);
    const fds = spares.flatMap(({ planes }) => planes.map(({ fd }) => fd));
    if (pool.bytes !== bytes || pool.spares !== spares.length) throw new Error('sums of the pool');
    for (const { home, limit, bytes: told } of pool.homes) {
      const its = spares.filter(({ device = null }) => device === home);
      if (told !== sumOf(its)) throw new Error(`sum of ${home}`);
      if (told > limit) throw new Error(`the pool of ${home} is too large`);
    }
    const { settings, charge } = quotas.accounts.daemon;
    const limit = settings.bytes ?? Number.POSITIVE_INFINITY;
    if (bytes > 0 && charge.bytes + bytes > limit) throw new Error('spares are in the way');
    return fds;
  }

  /** A message that waits to be sent holds the memory as much as another process does. */
  #lingering(): Past[] {
    return [...this.past].filter(
      ({ held, allocation }) =>
        this.world.held.has(allocation.key) || this.messages.some((message) => message === held),
    );
  }

  /** Lets the broker look at what is due, its leases among it. */
  #poll(): void {
    this.broker.poll();
    const ticks = this.world.clock.now();
    for (const [buffer, lease] of [...this.leases]) {
      if (lease.letGoAt === null) {
        if (lease.endsAt > ticks) continue;
        lease.letGoAt = ticks + DEFAULT_LEASE_GRACE_SECONDS * 1000;
      } else if (lease.letGoAt <= ticks) {
        this.expired++;
        this.#gone(buffer);
      }
    }
  }

  /** Gives everything that was released time to be looked at. */
  #settle(): void {
    const { broker, world } = this;
    world.pass(5_000);
    for (let turn = 0; turn < 20 && broker.wait >= 0; turn++) {
      this.#poll();
      world.pass(LINGERING_PAUSE_MS);
    }
  }

  /** What both sides must agree on after every step. */
  compare(): void {
    this.#settle();
    this.#recount();
    const same = (what: string, found: Iterable<unknown>, expected: Iterable<unknown>) => {
      const [a, b] = [new Set(found), new Set(expected)];
      if (a.size !== b.size || [...a].some((each) => !b.has(each))) throw new Error(what);
    };
    const { broker, world, buffers } = this;
    same('buffers', broker.buffers, buffers);
    const lost = [...buffers].filter(({ state }) => state === 'lost');
    same('lost buffers', lost, this.lost);
    same('buffers that were told so', this.toldLost, this.lost);
    const recalled = [...this.leases].filter(([, { letGoAt }]) => letGoAt !== null);
    const ended = recalled.map(([buffer]) => buffer);
    same('buffers whose lease has ended', this.toldExpired, ended);
    if (this.toldLetGo !== this.expired) throw new Error('leases that ran out');
    same('clients', broker.clients, this.clients);
    for (const client of this.clients) {
      const owned = [...buffers].filter((buffer) => buffer.owner.client === client);
      same(`owned by ${client.id}`, client.owned, owned);
    }
    const lingering = this.#lingering();
    // What is gone never comes back.
    for (const each of this.past) if (!lingering.includes(each)) this.past.delete(each);
    const listed = [...broker.lingering];
    same('lingering', listed.map(memoryOf), lingering.map(memoryOf));
    const ids = new Set([...listed, ...buffers].map(({ id }) => id));
    if (ids.size !== listed.length + buffers.size) throw new Error('an id is used twice');
    this.formers += listed.filter(({ formerOf }) => formerOf !== null).length;
    const held = [...[...buffers, ...lingering].map((buffer) => buffer.held), ...this.messages];
    same('open fds', world.open, [...held.flatMap(({ fds }) => fds), ...this.#sparesFds()]);
    for (const buffer of buffers) {
      const live = this.tokens.filter(
        (token) => token.buffer === buffer && token.uses > 0 && token.expires > world.clock.now(),
      );
      if (broker.sharing.tokens.count(buffer) !== live.length) throw new Error('tokens');
    }
  }

  /** The daemon ends: what is on its way still comes, then everything goes. */
  end(): void {
    while (this.#asked > 0) {
      const isSpare = this.world.pending.length === 0;
      if (isSpare) this.run({ kind: 'spare', good: true, fds: 1 });
      else this.run({ kind: 'answer', pick: 0, fds: 1 });
    }
    for (const client of [...this.clients]) this.broker.disconnect(client);
    this.broker.close();
    for (const message of this.messages) message.release();
    if (this.world.preparing.length > 0) this.run({ kind: 'spare', good: true, fds: 1 });
    if (this.world.open.size > 0) throw new Error(`fds ${[...this.world.open]} are left open`);
    if (this.world.freed.size !== this.given) throw new Error('not everything was freed');
    if (this.released !== this.registered) throw new Error('not everybody was told');
    for (const { scope, key, charge, lingering } of this.broker.quotas.accounts) {
      const amounts = [charge, lingering].flatMap((each) => Object.values(each));
      if (amounts.some((amount) => amount !== 0)) throw new Error(`${scope} ${key}`);
    }
  }
}

t.test('registry and model agree', async (t) => {
  const totals = {
    buffers: 0,
    redeemed: 0,
    reissued: 0,
    formers: 0,
    expired: 0,
    fromPool: 0,
    joined: 0,
  };
  const property = fc.property(fc.array(action, { maxLength: 120, size: 'max' }), (actions) => {
    const model = new Model();
    model.run({ kind: 'connect', uid: 1 });
    const limits = { bytes: 16_384, deviceBytes: 8192, sparesPerSpec: 3, idleSeconds: 60 };
    model.run({ kind: 'pool', limits });
    for (const each of actions) {
      model.run(each);
      model.compare();
    }
    totals.redeemed += model.redeemed;
    totals.expired += model.expired;
    totals.fromPool += model.fromPool;
    totals.joined += model.joined;
    totals.reissued += model.reissued;
    totals.formers += model.formers;
    model.end();
    totals.buffers += model.given;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: atNight(250, 20_000) }));
  t.ok(totals.buffers > 200, `${totals.buffers} allocations were answered`);
  t.ok(totals.reissued > 15, `${totals.reissued} times a buffer was re-issued`);
  t.ok(totals.formers > 15, `${totals.formers} times their old memory was seen to linger`);
  t.ok(totals.fromPool > 50, `${totals.fromPool} spares were given`);
  t.ok(totals.joined > 10, `${totals.joined} of them were asked for while they were made`);
  t.ok(totals.expired > 25, `${totals.expired} leases ran out`);
  t.ok(totals.redeemed > 50, `${totals.redeemed} buffers were redeemed`);
});
