/**
 * Random schedules for a real daemon: processes allocate, share, redeem, let go, leave and are
 * killed, leases run out, quotas change. At quiet points what the daemon lists is what a model
 * expects, and all that it charges is what a recount finds; at the end nothing is left.
 *
 * A lease's end is the daemon's to say: here it is only checked that it does not come too early.
 */
import type { Test } from 'tap';
import { DEFAULT_LEASE_GRACE_SECONDS } from '../../src/broker/limits.js';
import { Actor, ActorError, type ActorLifetime, type Got, type Order } from './actor.js';
import { eventually, type TestDaemon } from './daemon.js';
import { nothingCharged, recounted } from './recount.js';

export interface ScheduleOptions {
  readonly seed: number;
  readonly steps: number;
  /** Users of the machine, null for this one, by uid. */
  readonly users: ReadonlyMap<number, string | null>;
  readonly sources: readonly string[];
  /** At most so many processes at a time. */
  readonly actors: number;
  /** A quiet point after so many steps. */
  readonly quietAfter: number;
}

/** A buffer that was made, until nobody has it. */
interface Known {
  readonly id: string;
  readonly lifetime: ActorLifetime;
  readonly owner: Actor;
  /** The owner's object for it. */
  readonly ownerNumber: number;
  /** The buffer's numbers at those who have it. */
  readonly held: Map<Actor, Set<number>>;
  /** Before this (milliseconds, monotonic) its lease is not over. */
  letGoAt: number;
  released: boolean;
}

const PAGE = 4096;
const ASKED_BEFORE_DEATH = 3;

/** mulberry32: small, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Schedule {
  readonly #actors = new Map<Actor, number>();
  readonly #known = new Map<string, Known>();
  readonly #random: () => number;
  /** What has happened how often. */
  readonly counts = {
    allocated: 0,
    refused: 0,
    redeemed: 0,
    lingered: 0,
    expired: 0,
    killed: 0,
    quotas: 0,
  };

  constructor(
    private readonly daemon: TestDaemon,
    private readonly options: ScheduleOptions,
  ) {
    this.#random = generator(options.seed);
  }

  async run(): Promise<void> {
    const { steps, quietAfter, actors } = this.options;
    while (this.#actors.size < actors) this.#start();
    for (let step = 1; step <= steps; step++) {
      await this.#step();
      if (step % quietAfter === 0) await this.#quiet();
    }
    await this.#finish();
  }

  /** Processes that are still there are ended. */
  async abandon(): Promise<void> {
    for (const actor of this.#actors.keys()) await actor.end('kill');
  }

  // ---- chance ----------------------------------------------------------------------------------

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #one<T>(all: Iterable<T>): T | undefined {
    const list = [...all];
    return list[this.#below(list.length)];
  }

  #lifetime(): ActorLifetime {
    const all: ActorLifetime[] = ['connection', 'connection', 'until_released', { lease: 1 }];
    return this.#one(all) ?? 'connection';
  }

  // ---- steps -----------------------------------------------------------------------------------

  #start(): void {
    const [uid, user] = this.#one(this.options.users) ?? [0, null];
    this.#actors.set(Actor.start(this.daemon, user), uid);
  }

  async #step(): Promise<void> {
    const actor = this.#one(this.#actors.keys());
    if (actor === undefined || this.#actors.size < this.options.actors / 2) return this.#start();
    const roll = this.#below(100);
    if (roll < 40) return this.#allocate(actor);
    if (roll < 65) return this.#share(actor);
    if (roll < 73) return this.#letGo('close');
    if (roll < 79) return this.#letGo('release');
    if (roll < 84) return this.#releaseOverRest();
    if (roll < 88) return this.#renew();
    if (roll < 94) return this.#changeQuota();
    if (roll < 96) return this.#leave(actor, 'leave');
    if (roll < 98) return this.#killInTheMiddle(actor);
    return this.#leave(actor, 'kill');
  }

  async #allocate(actor: Actor, lifetime = this.#lifetime()): Promise<void> {
    const source = this.#one(this.options.sources) ?? 'memfd';
    const size = PAGE * (1 + this.#below(16));
    const earliest = this.#letGoAt(lifetime);
    try {
      const { id, number } = await actor.allocate(source, size, lifetime);
      const held = new Map([[actor, new Set([number])]]);
      const owned = { owner: actor, ownerNumber: number, held };
      this.#known.set(id, { id, lifetime, ...owned, letGoAt: earliest, released: false });
      this.counts.allocated++;
    } catch (error) {
      if (!(error instanceof ActorError)) throw error;
      if (!['limit_exceeded', 'recalled'].includes(error.code)) throw error;
      this.counts.refused++;
    }
  }

  #letGoAt(lifetime: ActorLifetime): number {
    if (typeof lifetime !== 'object') return Number.POSITIVE_INFINITY;
    return performance.now() + (lifetime.lease + DEFAULT_LEASE_GRACE_SECONDS) * 1000;
  }

  /** One who has a buffer shares it, and another redeems it, once or in vain. */
  async #share(actor: Actor): Promise<void> {
    const known = this.#one([...this.#known.values()].filter(({ released }) => !released));
    const [holder, numbers] = this.#one(known?.held ?? []) ?? [];
    const number = this.#one(numbers ?? []);
    if (known === undefined || holder === undefined || number === undefined) return;
    const uid = this.#one([null, ...this.options.users.keys()]) ?? null;
    const terms = uid === null ? {} : { uid };
    const token = await this.#unlessExpired<string>(known, holder, {
      what: 'share',
      number,
      terms,
    });
    if (token === null) return;
    const allowed = uid === null || uid === this.#actors.get(actor);
    if (!allowed) {
      const { code } = await actor.refused({ what: 'redeem', token });
      if (code !== 'invalid_token') throw new Error(`refused with ${code}`);
      return;
    }
    const got = await this.#unlessExpired<Got>(known, actor, { what: 'redeem', token });
    if (got === null) return;
    if (got.id !== known.id) throw new Error(`${got.id} was redeemed, not ${known.id}`);
    const its = known.held.get(actor) ?? new Set();
    known.held.set(actor, its.add(got.number));
    this.counts.redeemed++;
  }

  /** Null where the buffer's lease is over; only then may it be refused. */
  async #unlessExpired<T>(known: Known, actor: Actor, order: Order): Promise<T | null> {
    try {
      return await actor.tell<T>(order);
    } catch (error) {
      if (error instanceof ActorError && performance.now() >= known.letGoAt) return null;
      throw error;
    }
  }

  /** Somebody lets go of a buffer; its owner releases it so, or with `close` if it is bound to it. */
  async #letGo(what: 'close' | 'release'): Promise<void> {
    const known = this.#one(this.#known.values());
    const [holder, numbers] = this.#one(known?.held ?? []) ?? [];
    const number = this.#one(numbers ?? []);
    if (known === undefined || holder === undefined || number === undefined) return;
    await holder.tell({ what, number });
    numbers?.delete(number);
    if (numbers?.size === 0) known.held.delete(holder);
    const owners = holder === known.owner && number === known.ownerNumber;
    if (owners && (what === 'release' || known.lifetime === 'connection')) known.released = true;
  }

  async #releaseOverRest(): Promise<void> {
    const known = this.#one([...this.#known.values()].filter(({ released }) => !released));
    if (known !== undefined) await this.#delete(known);
  }

  async #delete(known: Known): Promise<void> {
    const { status } = await this.daemon.rest('DELETE', `/v1/buffers/${known.id}`);
    const expired = status === 404 && performance.now() >= known.letGoAt;
    if (status !== 204 && !expired) throw new Error(`DELETE ${known.id} is answered ${status}`);
    known.released = true;
  }

  async #renew(): Promise<void> {
    const leased = [...this.#known.values()].filter(
      (known) => typeof known.lifetime === 'object' && known.held.has(known.owner),
    );
    const known = this.#one(leased.filter(({ released }) => !released));
    const number = known?.ownerNumber ?? 0;
    if (known === undefined || !known.held.get(known.owner)?.has(number)) return;
    const seconds = 1 + this.#below(2);
    const earliest = this.#letGoAt({ lease: seconds });
    await this.#unlessExpired(known, known.owner, { what: 'renew', number, seconds });
    known.letGoAt = Math.max(known.letGoAt, earliest);
  }

  async #changeQuota(): Promise<void> {
    const uid = this.#one(this.options.users.keys()) ?? 0;
    const limit = this.#one([null, null, 16, 64, 256]) ?? null;
    const whose = this.#one([`user/${uid}`, 'daemon/default']) ?? '';
    await this.#setQuota(whose, limit === null ? null : limit * PAGE);
    this.counts.quotas++;
  }

  async #setQuota(whose: string, bytes: number | null): Promise<void> {
    const path = `/v1/quotas/${whose}`;
    const { status } = await this.daemon.rest('PUT', path, { bytes });
    if (status !== 200) throw new Error(`PUT ${path} is answered ${status}`);
  }

  /** Requests are on their way, answered or not, when the process dies. */
  async #killInTheMiddle(actor: Actor): Promise<void> {
    const source = this.#one(this.options.sources) ?? 'memfd';
    const known = this.#one([...this.#known.values()].filter(({ released }) => !released));
    const number = this.#one(known?.held.get(actor) ?? []);
    for (let i = 0; i < ASKED_BEFORE_DEATH; i++) {
      actor.allocate(source, PAGE).catch(() => {});
    }
    if (number !== undefined) actor.tell({ what: 'share', number, terms: {} }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, this.#below(5)));
    await this.#leave(actor, 'kill');
  }

  async #leave(actor: Actor, how: 'kill' | 'leave'): Promise<void> {
    await actor.end(how);
    this.#actors.delete(actor);
    for (const known of this.#known.values()) {
      known.held.delete(actor);
      if (known.owner === actor && known.lifetime === 'connection') known.released = true;
    }
    if (how === 'kill') this.counts.killed++;
  }

  // ---- what must hold --------------------------------------------------------------------------

  /** What the daemon lists is what there is, and everything is charged as it is listed. */
  async #quiet(): Promise<void> {
    let wrong: string[] = [];
    await eventually(
      async () => {
        const listed = new Map((await this.daemon.buffers()).map(({ id, state }) => [id, state]));
        for (const known of this.#known.values()) this.#noteExpiry(known, listed.get(known.id));
        wrong = [...this.#known.values()]
          .filter((known) => listed.get(known.id) !== expected(known))
          .map((known) => `${known.id} is ${listed.get(known.id)}, not ${expected(known)}`);
        const strange = [...listed.keys()].filter((id) => !this.#known.has(id));
        wrong.push(...strange.map((id) => `${id} is listed`));
        return wrong.length === 0;
      },
      () => `list and model agree: ${wrong.join('; ')}`,
    );
    await recounted(this.daemon);
    for (const known of [...this.#known.values()]) {
      if (expected(known) === 'lingering') this.counts.lingered++;
      else if (known.released) this.#known.delete(known.id);
    }
  }

  #noteExpiry(known: Known, state: string | undefined): void {
    if (known.released || state === 'live' || typeof known.lifetime !== 'object') return;
    if (performance.now() < known.letGoAt) throw new Error(`the lease of ${known.id} ended early`);
    known.released = true;
    this.counts.expired++;
  }

  /** A last lease; everybody leaves, in two ways; what is left is released, or its lease runs out. */
  async #finish(): Promise<void> {
    for (const uid of this.options.users.keys()) await this.#setQuota(`user/${uid}`, null);
    await this.#setQuota('daemon/default', null);
    const [actor] = this.#actors.keys();
    if (actor !== undefined) await this.#allocate(actor, { lease: 1 });
    for (const known of this.#known.values()) {
      if (!known.released && known.lifetime === 'until_released') await this.#delete(known);
    }
    await this.#quiet();
    for (const [index, actor] of [...this.#actors.keys()].entries()) {
      await this.#leave(actor, index % 2 === 0 ? 'kill' : 'leave');
    }
    const leased = [...this.#known.values()].filter(({ released }) => !released);
    for (const { letGoAt } of leased) {
      await new Promise((resolve) => setTimeout(resolve, letGoAt - performance.now()));
    }
    await eventually(
      async () => (await this.daemon.buffers()).length === 0,
      'everything is released and gone',
    );
    await this.#quiet();
    await nothingCharged(this.daemon);
  }
}

/** How a buffer is listed; undefined where it is not. */
function expected({ released, held }: Known): string | undefined {
  if (!released) return 'live';
  return held.size > 0 ? 'lingering' : undefined;
}

/** DMABROKER_SEED runs a schedule again. */
const seedOf = (): number => {
  const given = Number(process.env.DMABROKER_SEED);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1;
};

/** Runs a schedule; everything that it was made to do must have happened in it. */
export async function testSchedule(
  t: Test,
  daemon: TestDaemon,
  options: Omit<ScheduleOptions, 'seed'>,
): Promise<Schedule['counts']> {
  const seed = seedOf();
  t.comment(`DMABROKER_SEED=${seed}`);
  const before = await daemon.idleFds();
  const schedule = new Schedule(daemon, { ...options, seed });
  t.teardown(() => schedule.abandon());
  await t.resolves(schedule.run(), `the schedule of seed ${seed}`);
  await t.resolves(daemon.settled(before));
  t.comment(JSON.stringify(schedule.counts));
  return schedule.counts;
}
