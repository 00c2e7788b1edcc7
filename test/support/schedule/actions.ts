/**
 * What happens in a schedule: processes allocate, share, redeem, let go, leave and are killed, leases
 * are renewed, quotas change, groups get a rule and lose it. Each is done on the daemon and noted in the model.
 */
import { Actor, ActorError, type ActorLifetime, type Got, type Order } from '../actor.js';
import type { TestDaemon } from '../daemon.js';
import type { Random } from '../random.js';
import { type Known, letGoAt, type Model } from './model.js';

export interface ActionOptions {
  /** Users of the machine, null for this one, by uid. */
  readonly users: ReadonlyMap<number, string | null>;
  /** Groups that they are in, or some of them. */
  readonly groups: readonly number[];
  readonly sources: readonly string[];
}

const PAGE = 4096;
const ASKED_BEFORE_DEATH = 3;

export class Actions {
  /** The processes that are there, and their users. */
  readonly actors = new Map<Actor, number>();
  /** What has happened how often. */
  readonly counts = {
    allocated: 0,
    refused: 0,
    redeemed: 0,
    lingered: 0,
    expired: 0,
    killed: 0,
    quotas: 0,
    groups: 0,
  };

  constructor(
    private readonly daemon: TestDaemon,
    private readonly model: Model,
    private readonly random: Random,
    private readonly options: ActionOptions,
  ) {}

  start(): void {
    const [uid, user] = this.random.one(this.options.users) ?? [0, null];
    this.actors.set(Actor.start(this.daemon, user), uid);
  }

  /** Anything, by this process or by another. */
  async any(actor: Actor): Promise<void> {
    const roll = this.random.below(100);
    if (roll < 40) return this.allocate(actor, this.#lifetime());
    if (roll < 65) return this.#share(actor);
    if (roll < 73) return this.#letGo('close');
    if (roll < 79) return this.#letGo('release');
    if (roll < 84) return this.#releaseOverRest();
    if (roll < 88) return this.#renew();
    if (roll < 92) return this.#changeQuota();
    if (roll < 94) return this.#ruleGroup();
    if (roll < 96) return this.leave(actor, 'leave');
    if (roll < 98) return this.#killInTheMiddle(actor);
    return this.leave(actor, 'kill');
  }

  #lifetime(): ActorLifetime {
    const all: ActorLifetime[] = ['connection', 'connection', 'until_released', { lease: 1 }];
    return this.random.one(all) ?? 'connection';
  }

  /** One of these buffers, and one of those who have it. */
  #held(among: readonly Known[]): { known: Known; holder: Actor; number: number } | null {
    const known = this.random.one(among);
    const [holder, numbers] = this.random.one(known?.held ?? []) ?? [];
    const number = this.random.one(numbers ?? []);
    if (known === undefined || holder === undefined || number === undefined) return null;
    return { known, holder, number };
  }

  async allocate(actor: Actor, lifetime: ActorLifetime): Promise<void> {
    const source = this.random.one(this.options.sources) ?? 'memfd';
    const size = PAGE * (1 + this.random.below(16));
    const earliest = letGoAt(lifetime);
    try {
      const got = await actor.allocate(source, size, lifetime);
      this.model.allocated(actor, got, lifetime, earliest);
      this.counts.allocated++;
    } catch (error) {
      if (!(error instanceof ActorError)) throw error;
      if (!['limit_exceeded', 'recalled'].includes(error.code)) throw error;
      this.counts.refused++;
    }
  }

  /** One who has a buffer shares it, and another redeems it, once or in vain. */
  async #share(actor: Actor): Promise<void> {
    const found = this.#held(this.model.live);
    if (found === null) return;
    const { known, holder, number } = found;
    const uid = this.random.one([null, ...this.options.users.keys()]) ?? null;
    const terms = uid === null ? {} : { uid };
    const share = { what: 'share', number, terms } as const;
    const token = await this.#unlessExpired<string>(known, holder, share);
    if (token === undefined) return;
    const allowed = uid === null || uid === this.actors.get(actor);
    if (!allowed) {
      const { code } = await actor.refused({ what: 'redeem', token });
      if (code !== 'invalid_token') throw new Error(`refused with ${code}`);
      return;
    }
    const got = await this.#unlessExpired<Got>(known, actor, { what: 'redeem', token });
    if (got === undefined) return;
    if (got.id !== known.id) throw new Error(`${got.id} was redeemed, not ${known.id}`);
    this.model.redeemed(known, actor, got);
    this.counts.redeemed++;
  }

  /** Undefined where the buffer's lease is over; only then may it be refused. */
  async #unlessExpired<T>(known: Known, actor: Actor, order: Order): Promise<T | undefined> {
    try {
      return await actor.tell<T>(order);
    } catch (error) {
      if (error instanceof ActorError && performance.now() >= known.letGoAt) return undefined;
      throw error;
    }
  }

  async #letGo(what: 'close' | 'release'): Promise<void> {
    const found = this.#held(this.model.all);
    if (found === null) return;
    const { known, holder, number } = found;
    await holder.tell({ what, number });
    this.model.letGo(known, holder, number, what);
  }

  async #releaseOverRest(): Promise<void> {
    const known = this.random.one(this.model.live);
    if (known !== undefined) await this.delete(known);
  }

  async delete(known: Known): Promise<void> {
    const { status } = await this.daemon.rest('DELETE', `/v1/buffers/${known.id}`);
    const expired = status === 404 && performance.now() >= known.letGoAt;
    if (status !== 204 && !expired) throw new Error(`DELETE ${known.id} is answered ${status}`);
    known.released = true;
  }

  async #renew(): Promise<void> {
    const known = this.random.one(
      this.model.live.filter(
        ({ lifetime, held, owner, ownerNumber }) =>
          typeof lifetime === 'object' && held.get(owner)?.has(ownerNumber),
      ),
    );
    if (known === undefined) return;
    const seconds = 1 + this.random.below(2);
    const earliest = letGoAt({ lease: seconds });
    const renew = { what: 'renew', number: known.ownerNumber, seconds } as const;
    // A lease that was over is not renewed: what is known of its end stays.
    if ((await this.#unlessExpired(known, known.owner, renew)) === undefined) return;
    known.letGoAt = Math.max(known.letGoAt, earliest);
  }

  async #changeQuota(): Promise<void> {
    const uid = this.random.one(this.options.users.keys()) ?? 0;
    const limit = this.random.one([null, null, 16, 64, 256]) ?? null;
    const whose = this.random.one([`user/${uid}`, 'daemon/default']) ?? '';
    await this.#setQuota(whose, limit === null ? null : limit * PAGE);
    this.counts.quotas++;
  }

  /** A rule, with a limit or to count alone, or none. */
  async #ruleGroup(): Promise<void> {
    const gid = this.random.one(this.options.groups) ?? 0;
    const pages = this.random.one([null, null, 64, 256]) ?? null;
    if (this.random.below(3) === 0) await this.#forgetGroup(gid);
    else await this.#setQuota(`group/${gid}`, pages === null ? null : pages * PAGE);
    this.counts.groups++;
  }

  async #forgetGroup(gid: number): Promise<void> {
    const path = `/v1/quotas/group/${gid}`;
    const { status } = await this.daemon.rest('DELETE', path);
    if (status !== 200) throw new Error(`DELETE ${path} is answered ${status}`);
  }

  /** Groups are counted on. */
  async liftQuotas(): Promise<void> {
    const groups = this.options.groups.map((gid) => `group/${gid}`);
    const users = [...this.options.users.keys()].map((uid) => `user/${uid}`);
    for (const whose of [...users, ...groups, 'daemon/default']) await this.#setQuota(whose, null);
  }

  async #setQuota(whose: string, bytes: number | null): Promise<void> {
    const path = `/v1/quotas/${whose}`;
    const { status } = await this.daemon.rest('PUT', path, { bytes });
    if (status !== 200) throw new Error(`PUT ${path} is answered ${status}`);
  }

  /** Requests are on their way, answered or not, when the process dies. */
  async #killInTheMiddle(actor: Actor): Promise<void> {
    const source = this.random.one(this.options.sources) ?? 'memfd';
    const number = this.random.one(this.random.one(this.model.live)?.held.get(actor) ?? []);
    for (let i = 0; i < ASKED_BEFORE_DEATH; i++) {
      actor.allocate(source, PAGE).catch(() => {});
    }
    if (number !== undefined) actor.tell({ what: 'share', number, terms: {} }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, this.random.below(5)));
    await this.leave(actor, 'kill');
  }

  async leave(actor: Actor, how: 'kill' | 'leave'): Promise<void> {
    await actor.end(how);
    this.actors.delete(actor);
    this.model.left(actor);
    if (how === 'kill') this.counts.killed++;
  }
}
