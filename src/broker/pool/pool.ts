/**
 * The pool: spare memory for the specs that are asked for often, allocated, zeroed and exported ahead
 * of time, so that such a request costs a lookup. A spare is given once, and nobody has had it before;
 * memory that comes back is freed, never given to somebody else.
 *
 * Spares are charged to nobody, and never stand in anybody's way: together with all charges they stay
 * within the daemon's and the sources' limits, and they are freed first where memory is short.
 *
 * Pure. It is asked when somebody is already charged for what he asks for.
 */
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import type { BrokerError } from '../../memory/errors.js';
import { POOL_REFILL_DELAY_MS, POOL_STALE_MS } from '../../memory/limits.js';
import type { Done } from '../../memory/result.js';
import type { Allocation, LostAllocation, SourceName } from '../../memory/source.js';
import { NO_ROOM, type Rooms, type Whose } from '../quota/room.js';
import type { Choice } from '../request.js';
import type { Asker } from '../turns.js';
import { type Home, Homes, type OwnMemories } from './homes.js';
import { lackOf } from './lack.js';
import { NO_POOL, type PoolLimits } from './limits.js';
import { type Spare, Spares, type SparesWorld } from './spares.js';
import { type Spec, Specs } from './specs.js';

export interface PoolWorld extends SparesWorld {
  readonly clock: Clock;
  allocate(asker: Asker, choice: Choice, id: string, done: Done<Allocation>): void;
  /** As `allocate`, for nobody: to be called only while `idle`. */
  prepare(choice: Choice, id: string, done: Done<Allocation>): void;
  /** Whether nobody waits for the allocator. */
  idle(): boolean;
  /** An allocation was answered from the pool. */
  served(source: SourceName): void;
}

/** Whose memory, how much of it spares may have, and how much they do. */
export interface PoolHome {
  readonly home: Home;
  readonly limit: number;
  readonly bytes: number;
}

/** A spare that is being made. */
interface Making {
  readonly spec: Spec;
  /** Somebody has asked for it already. */
  taker: Done<Spare> | null;
}

/** What was freed. */
export interface Drained {
  readonly spares: number;
  readonly bytes: number;
}

export class Pool {
  readonly #specs: Specs;
  readonly #spares: Spares;
  readonly #homes: Homes;
  /** The sources whose memory is short; null: the machine's is. */
  readonly #short = new Set<string | null>();
  #limits = NO_POOL;
  #making: Making | null = null;
  /** When to look for what to make; null: nothing is missing, or nothing more can be had. */
  #refillAt: Monotonic | null = null;
  #hits = 0;
  #misses = 0;

  constructor(
    private readonly world: PoolWorld,
    private readonly rooms: Rooms,
    private readonly newId: () => string,
    own: () => OwnMemories,
  ) {
    this.#homes = new Homes(own);
    this.#spares = new Spares(world, rooms, this.#homes);
    this.#specs = new Specs(world.clock, ({ spares }) => {
      for (const spare of spares.splice(0)) this.#spares.drop(spare);
    });
  }

  get limits(): PoolLimits {
    return this.#limits;
  }

  /** Of all spares. */
  get bytes(): number {
    return this.#spares.bytes;
  }

  /** Of the machine's memory first, then of each device that has memory of its own. */
  get homes(): PoolHome[] {
    return [null, ...this.#homes.devices].map((home) => ({
      ...{ home, limit: this.#limit(home), bytes: this.#spares.bytesOf(home) },
    }));
  }

  get spares(): number {
    return this.#spares.count;
  }

  /** Allocations that were answered from the pool, and those that were not while there is one. */
  get hits(): number {
    return this.#hits;
  }

  get misses(): number {
    return this.#misses;
  }

  /** Those that spares are kept of, the one asked for last first. */
  get specs(): readonly Readonly<Spec>[] {
    return this.#specs.newestFirst;
  }

  /** Whether a spare has this id. */
  has(id: string): boolean {
    return this.#spares.has(id);
  }

  /** Replaces the limits, and begins with nothing. */
  configure(limits: PoolLimits): void {
    this.drain();
    this.#limits = limits;
  }

  /**
   * Somebody asks for memory, and is charged for it. The spare, its fds and what the source keeps for
   * it, are the caller's from here on; null where there is none.
   */
  take(choice: Choice): Spare | null {
    const largest = this.#homes.largest(this.#limits);
    if (largest === 0 || choice.memory !== undefined) return null;
    const spec = this.#specs.asked(choice, largest, this.#idleMs);
    const spare = spec?.spares.shift() ?? null;
    if (spec !== null && spare !== null) {
      this.#spares.take(spare);
      this.#hit(spec);
    } else if (!this.#isMaking(choice)) this.#misses++;
    this.fit();
    if (spec !== null) this.#refillAt ??= after(this.world.clock.now(), POOL_REFILL_DELAY_MS);
    return spare;
  }

  /**
   * Allocates for somebody, for whom there was no spare: the one that is being made is theirs, which is sooner there than what
   * is begun behind it. As `take`, it is the caller's from then on.
   */
  allocate(asker: Asker, choice: Choice, done: Done<Spare>): void {
    const making = this.#making;
    if (making !== null && this.#isMaking(choice)) {
      making.taker = (result) => {
        if (!('error' in result)) done(result);
        else {
          this.#misses++;
          this.#allocate(asker, choice, done);
        }
      };
    } else this.#allocate(asker, choice, done);
  }

  #allocate(asker: Asker, choice: Choice, done: Done<Spare>): void {
    const id = this.newId();
    this.allocateAs(id, asker, choice, (result) =>
      done('error' in result ? result : { id, allocation: result }),
    );
  }

  /** With a name that the memory is to have; where there is no memory left, once more without the spares. */
  allocateAs(id: string, asker: Asker, choice: Choice, done: Done<Allocation>): void {
    this.world.allocate(asker, choice, id, (result) => {
      if ('error' in result && this.#isInWay(result.error) && this.drain().spares > 0) {
        this.world.allocate(asker, choice, id, done);
        return;
      }
      if (!('error' in result)) this.#learn(this.#specs.of(choice), result);
      done(result);
    });
  }

  /** Somebody is charged more, or a limit has become less: spares give way. */
  fit(): void {
    if (this.spares === 0) return;
    for (const whose of this.#spares.held.keys()) {
      while (!this.#keeps(whose) && this.#giveWay(({ takes }) => takes.has(whose))) {}
    }
  }

  /** The memory of these allocations went with its device. */
  lost(allocations: readonly LostAllocation[]): void {
    const name = ({ source, handleType, key }: LostAllocation) => `${source} ${handleType} ${key}`;
    const lost = new Set(allocations.map(name));
    this.#free(({ allocation }) => lost.has(name(allocation)));
  }

  /** Memory is short, of these sources or (null) the machine's. Returns how many spares were freed. */
  press(sources: readonly string[] | null): number {
    for (const source of sources ?? [null]) this.#short.add(source);
    return this.#free(({ allocation }) => this.#isShort(allocation.source));
  }

  /** It is no longer short; spares are made again when somebody asks. */
  relieve(sources: readonly string[] | null): void {
    for (const source of sources ?? [null]) this.#short.delete(source);
  }

  /** Frees all spares and forgets what they were for. */
  drain(): Drained {
    const drained = { spares: this.spares, bytes: this.bytes };
    this.#specs.clear();
    this.#refillAt = null;
    return drained;
  }

  /** Forgets what nobody asks for any more, and has the next spare made. */
  run(): void {
    const now = this.world.clock.now();
    for (const spec of this.#specs) {
      if (now < this.#forgetAt(spec)) break;
      this.#specs.forget(spec);
    }
    if (this.#refillAt === null || now < this.#refillAt) return;
    if (this.#making === null && this.world.idle()) this.#refill();
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    const { oldest } = this.#specs;
    if (oldest === undefined) return -1;
    // Whoever waits for the allocator wakes this thread with the answer.
    const at = this.#making !== null || !this.world.idle() ? null : this.#refillAt;
    const due = Math.min(this.#forgetAt(oldest), at ?? Number.POSITIVE_INFINITY);
    return Math.max(0, Math.ceil(due - this.world.clock.now()));
  }

  // ---- inside ----------------------------------------------------------------------------------

  #forgetAt({ askedAt }: Spec): Monotonic {
    return after(askedAt, this.#idleMs);
  }

  get #idleMs(): number {
    return this.#limits.idleSeconds * 1000;
  }

  #limit(home: Home): number {
    return this.#homes.limit(home, this.#limits);
  }

  /**
   * Whether somebody may have been refused for the sake of spares. Where the source says that more is lacking than all of them
   * take, that is not so: whoever asks for it again and again would otherwise see to it that nobody has any.
   */
  #isInWay(error: BrokerError): boolean {
    if (!isShortage(error)) return false;
    const lacking = lackOf(error);
    return lacking === null || lacking <= this.bytes;
  }

  /** What memory of a spec is, that was known as an estimate; what is too much of its home has no spares. */
  #learn(spec: Spec | undefined, allocation: Allocation): void {
    if (spec === undefined) return;
    spec.bytes = allocation.size;
    spec.home = this.#homes.of(allocation);
    spec.takes = this.rooms.takenBy(allocation);
    if (spec.bytes > this.#limit(spec.home) && this.#specs.has(spec)) this.#specs.forget(spec);
  }

  #refill(): void {
    const spec = this.#next();
    if (spec === null) {
      this.#refillAt = null;
      return;
    }
    const making: Making = { spec, taker: null };
    this.#making = making;
    const id = this.newId();
    this.world.prepare(spec.choice, id, (result) => {
      this.#making = null;
      const { taker } = making;
      if (!('error' in result)) this.#made(spec, { id, allocation: result }, taker);
      else if (taker !== null) taker(result);
      // What cannot be had must be asked for often again before it is tried again.
      else if (this.#specs.has(spec)) this.#specs.forget(spec);
    });
  }

  /** Whether it is what is being made, for nobody yet. */
  #isMaking(choice: Choice): boolean {
    const making = this.#making;
    if (making === null || making.taker !== null || choice.memory !== undefined) return false;
    return this.#specs.of(choice) === making.spec;
  }

  #hit(spec: Spec): void {
    this.#hits++;
    spec.hits++;
    this.world.served(spec.choice.source);
  }

  #made(spec: Spec, spare: Spare, taker: Done<Spare> | null): void {
    const { allocation } = spare;
    this.#learn(spec, allocation);
    if (taker !== null) {
      this.#hit(spec);
      taker(spare);
    } else if (this.#specs.has(spec) && this.#fits(spec)) {
      spec.spares.push(spare);
      this.#spares.add(spare);
    } else this.#spares.discard(allocation);
  }

  /** What to make a spare of: the one with the fewest, of these the one asked for last. */
  #next(): Spec | null {
    const { sparesPerSpec } = this.#limits;
    const wanting = this.#specs.newestFirst
      .filter(({ spares }) => spares.length < sparesPerSpec)
      .filter(({ bytes, home }) => bytes <= this.#limit(home))
      .sort((a, b) => a.spares.length - b.spares.length);
    return wanting.find((spec) => this.#makeWay(spec)) ?? null;
  }

  /** Whether there is room for one more; spares that nobody has asked for lately give way to it. */
  #makeWay(spec: Spec): boolean {
    const lately = after(this.world.clock.now(), -POOL_STALE_MS);
    const isStale = ({ askedAt, home }: Spec) =>
      home === spec.home && askedAt <= lately && askedAt < spec.askedAt;
    const isInWay = () => !this.#hasRoom(spec);
    while (isInWay() && this.#giveWay(isStale)) {}
    return this.#fits(spec);
  }

  /** Whether one more spare of it keeps within all limits. */
  #fits(spec: Spec): boolean {
    if (this.#isShort(spec.choice.source) || !this.#hasRoom(spec)) return false;
    return [...spec.takes].every(([whose, more]) => this.#keeps(whose, more));
  }

  #hasRoom({ home, bytes }: Spec): boolean {
    return this.#spares.bytesOf(home) + bytes <= this.#limit(home);
  }

  /** Whether the spares, and so much more, keep within a limit. */
  #keeps(whose: Whose, more = NO_ROOM): boolean {
    const room = this.rooms.of(whose);
    const { bytes, fds } = this.#spares.held.get(whose) ?? NO_ROOM;
    return bytes + more.bytes <= room.bytes && fds + more.fds <= room.fds;
  }

  #isShort(source: string): boolean {
    return this.#short.has(null) || this.#short.has(source);
  }

  /** Frees a spare of such a spec, of the one unasked for longest. Returns false where there is none. */
  #giveWay(such: (spec: Spec) => boolean): boolean {
    for (const spec of this.#specs) {
      const spare = such(spec) ? spec.spares.shift() : undefined;
      if (spare === undefined) continue;
      this.#spares.drop(spare);
      return true;
    }
    return false;
  }

  /** Frees such spares; their specs stay hot. Returns how many there were. */
  #free(such: (spare: Spare) => boolean): number {
    let freed = 0;
    for (const { spares } of this.#specs) {
      for (const spare of spares.filter(such)) {
        spares.splice(spares.indexOf(spare), 1);
        this.#spares.drop(spare);
        freed++;
      }
    }
    return freed;
  }
}

/** The machine has no memory for it, or this process no file descriptor. */
function isShortage({ code, refusal }: BrokerError): boolean {
  return code === 'out_of_memory' || (code === 'limit_exceeded' && refusal.constraint === 'fds');
}
