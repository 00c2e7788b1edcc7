/**
 * The broker: which buffers there are, who owns them, who was handed them, and what ends them. Here is
 * what may be asked of it; how memory comes in (intake.ts), is chosen (selection.ts), handed to others
 * (sharing.ts), published (commits.ts), lost (reissues.ts) and let go of (lingering.ts) is in files of its own.
 *
 * Pure: memory, time, randomness and the closing of fds come in through `Surroundings`. It runs in
 * the data plane's thread and answers by callback, since that thread never returns to Node's event
 * loop and a promise would never be settled there.
 */

import type { Clock } from '../memory/clock.js';
import type { DeviceState, SourceTable } from '../memory/device.js';
import type { BrokerError } from '../memory/errors.js';
import {
  DEFAULT_PAST_PROCESSES,
  DEFAULT_TRUSTED_BYTES,
  DEFAULT_UNKNOWN_GRACE_SECONDS,
} from '../memory/limits.js';
import type { Done } from '../memory/result.js';
import type {
  FormatOffer,
  LostAllocation,
  Plan,
  SourceName,
  SourceState,
} from '../memory/source.js';
import { type Adopted, Adoption, type AdoptionRequest } from './adoption.js';
import type { BrokerBuffer, Client, Owner, Watcher } from './buffer.js';
import { type Claimed, Claims, type ClaimTerms } from './claims.js';
import { Clients } from './clients.js';
import { Commits } from './commits.js';
import { sooner } from './deadlines.js';
import { Displays } from './displays.js';
import { type GiveUp, type ImportRequest, Intake } from './intake.js';
import { type KeptClient, type KeptState, keptState } from './kept.js';
import { Leases } from './leases.js';
import type { RecallNotice, ToldRelease } from './lifetime.js';
import { Lingering } from './lingering.js';
import { LongTexts } from './long-texts.js';
import { MemoryQueue, type Waiter } from './memory-queue.js';
import { Names } from './names.js';
import type { Policy } from './policy.js';
import { NO_POOL } from './pool/limits.js';
import { type Drained, Pool } from './pool/pool.js';
import { Quotas } from './quota/quotas.js';
import type { Pressure } from './quota/recalls.js';
import type { Layer, RuleId, Rules } from './quota/rules.js';
import { Registry } from './registry.js';
import { Reissues } from './reissues.js';
import { type AllocationRequest, checkName } from './request.js';
import { type KeptNumbers, type Restorable, Restored } from './restore.js';
import { RoomQueue } from './room-queue.js';
import { connectionGone, Selection } from './selection.js';
import { Sessions } from './sessions.js';
import { Sharing } from './sharing.js';
import type { Surroundings } from './surroundings.js';
import type { Swept } from './unproven.js';
import type { Peer } from './who.js';
import { Works } from './works.js';

export type { ImportRequest } from './intake.js';
export type { Surroundings } from './surroundings.js';

export interface BrokerOptions {
  /** How long memory is charged after its release where the kernel does not tell who holds it. */
  readonly unknownGraceMs: number;
  /** What each user's memory is taken to be gone by its count alone; DEFAULT_TRUSTED_BYTES, if not given. */
  readonly trustedBytes?: number;
  /** How many processes are watched after they have disconnected: a pidfd each. */
  readonly maxPastProcesses?: number;
  /** MAX_RECIPIENTS, if not given. */
  readonly maxRecipients?: number;
}

export const DEFAULT_OPTIONS: BrokerOptions = {
  unknownGraceMs: DEFAULT_UNKNOWN_GRACE_SECONDS * 1000,
};

export class Broker {
  readonly #registry: Registry;
  readonly #clients: Clients;
  readonly #selection: Selection;
  readonly #intake: Intake;
  readonly #reissues: Reissues;
  readonly #lingering: Lingering;
  readonly #room: RoomQueue;
  readonly #queue: MemoryQueue;
  readonly #sessions: Sessions;
  readonly #adoption: Adoption;
  readonly #restored: Restored;
  readonly #names = new Names();
  readonly #claims: Claims;
  #ending = false;
  readonly leases: Leases;
  /** Tokens, and who was handed what. */
  readonly sharing: Sharing;
  /** Revisions: what writers publish, and who is told of it. */
  readonly commits: Commits;
  /** Copies, fills and reads, for whoever has an object for the buffer. */
  readonly works: Works;
  /** What is too long for a message. */
  readonly texts: LongTexts;
  /** Spare memory; none until it has limits. */
  readonly pool: Pool;

  constructor(
    private readonly world: Surroundings,
    /** What there is at the start (`setSources`). */
    { sources, offers, devices = [] }: SourceTable & { readonly devices?: readonly DeviceState[] },
    readonly quotas = new Quotas(world.clock),
    {
      unknownGraceMs,
      trustedBytes = DEFAULT_TRUSTED_BYTES,
      maxPastProcesses = DEFAULT_PAST_PROCESSES,
      maxRecipients,
    }: BrokerOptions = DEFAULT_OPTIONS,
  ) {
    this.#registry = new Registry(world, quotas);
    this.#clients = new Clients(world, maxPastProcesses);
    this.#room = new RoomQueue(world.clock);
    this.#queue = new MemoryQueue({
      clock: world.clock,
      freed: () => quotas.freed,
      claim: (...claimed) => quotas.claim(...claimed),
      unclaim: (owner) => quotas.unclaim(owner),
    });
    this.#sessions = new Sessions(world.random);
    this.works = new Works(world, quotas);
    this.texts = new LongTexts(world, quotas);
    this.#lingering = new Lingering(world, {
      graceMs: unknownGraceMs,
      trustedBytes,
      suspect: (buffer) => this.sharing.suspect(buffer),
      userOf: ({ owner }) => quotas.whoIs(owner).uid,
      room: this.#room,
      chargedElsewhere: (buffer) =>
        world.tells(buffer.allocation) !== 'unknown' && this.#registry.memories.areOlder(buffer),
      gone: (buffer) => this.#gone(buffer),
    });
    this.leases = new Leases({
      ...{ world, registry: this.#registry },
      letGo: (buffer) => this.release(buffer, 'lease_expired'),
      recalled: (buffer, seconds) => this.#recalled(buffer, 'lease_expired', seconds, null),
    });
    this.#selection = new Selection(
      sources,
      offers,
      (uuid, done) => world.openDevice(uuid, done),
      devices,
      new Displays(world.clock),
    );
    this.sharing = new Sharing(
      { world, quotas, registry: this.#registry, policy: () => this.policy },
      maxRecipients,
    );
    const newId = () =>
      this.#registry.newId((id) => this.#lingering.get(id) !== undefined || this.pool.has(id));
    this.pool = new Pool(world, quotas.rooms, newId, () => this.#selection.own);
    const parts = {
      ...{ world, quotas, registry: this.#registry, pool: this.pool, newId },
      names: this.#names,
    };
    this.#intake = new Intake({
      ...parts,
      selection: this.#selection,
      leases: this.leases,
      room: this.#room,
      queue: this.#queue,
      release: (buffer) => this.release(buffer, 'owner'),
    });
    this.#adoption = new Adoption({
      ...{ world, quotas, registry: this.#registry, sessions: this.#sessions },
    });
    this.#restored = new Restored({
      ...{ world, quotas, registry: this.#registry, clients: this.#clients },
      ...{ sessions: this.#sessions, sharing: this.sharing, leases: this.leases },
      ...{ lingering: this.#lingering, names: this.#names },
      release: (buffer) => this.release(buffer, 'owner', null),
    });
    this.#claims = new Claims({
      ...{ world, quotas, registry: this.#registry, names: this.#names, sharing: this.sharing },
      policy: () => this.policy,
      awaited: (buffer) => this.#restored.claimed(buffer),
    });
    this.commits = new Commits({
      ...{ world, quotas, registry: this.#registry },
      committed: (lasting) => this.#claims.look(lasting),
    });
    this.#reissues = new Reissues({ ...parts, lingering: this.#lingering });
    quotas.onRecall = (...what) => this.#recalled(...what);
    quotas.onShort = (user) => this.#lingering.look(user);
  }

  get clock(): Clock {
    return this.world.clock;
  }

  get sources(): readonly SourceState[] {
    return this.#selection.sources;
  }

  get offers(): readonly FormatOffer[] {
    return this.#selection.offers;
  }

  /** Who may do what; nobody is refused anything until one is set. */
  get policy(): Policy {
    return this.#selection.policy;
  }

  set policy(policy: Policy) {
    this.#selection.policy = policy;
    this.#claims.look(null);
  }

  /** The sources that are taken, in this order, where a heap has no more; none, until it is set. */
  set fallback(chain: readonly SourceName[]) {
    this.#selection.chain = chain;
  }

  /** What displays have said; none is asked, until it says so. */
  get displays(): Displays {
    return this.#selection.displays;
  }

  get buffers(): Iterable<BrokerBuffer> {
    return this.#registry.buffers;
  }

  /** Released, and perhaps still held by somebody; oldest release first. */
  get lingering(): Iterable<BrokerBuffer> {
    return this.#lingering.buffers;
  }

  /** Bytes that are taken to be gone without proof. */
  get unprovenBytes(): number {
    return this.#lingering.unproven.bytes;
  }

  /** The sweep that was asked for is over. */
  swept(found: Swept): void {
    this.#lingering.unproven.swept(found);
  }

  get clients(): Iterable<Client> {
    return this.#clients.all;
  }

  /** What can be had has changed: a device was lost, or is there again. */
  setSources(
    sources: readonly SourceState[],
    offers: readonly FormatOffer[],
    devices: readonly DeviceState[],
  ): void {
    this.#selection.update(sources, offers, devices);
  }

  /** Throws `not_found`. */
  client(id: string): Client {
    return this.#clients.get(id);
  }

  /** Takes ownership of the pidfd, if there is one. */
  connect(peer: Peer, pidfd: number | null = null): Client {
    const client = this.#clients.add(peer, pidfd);
    this.quotas.connected(client);
    this.world.report({ type: 'client.connected', client });
    this.world.changed(client);
    return client;
  }

  /** Releases what was bound to the connection; `until_released` buffers stay. */
  disconnect(client: Client, by: Owner | null = null): void {
    this.#clients.remove(client);
    this.#queue.giveUpAll((owner) => owner.client === client, connectionGone());
    for (const buffer of [...client.owned]) {
      if (buffer.lifetime === 'connection') this.release(buffer, 'owner');
    }
    for (const lasting of this.#names.writtenBy(client)) this.#claims.look(lasting);
    this.#lingering.departed(client);
    this.#clients.departed(client);
    this.#sessions.ended(client);
    this.quotas.disconnected(client);
    this.world.report({ type: 'client.disconnected', client, by });
  }

  /** A token by which a later connection is known to be this one's successor; another each time. */
  openSession(client: Client): string {
    const token = this.#sessions.open(client);
    this.world.changed(client);
    return token;
  }

  /** A client takes up what an earlier connection of its own had (adoption.ts); null: that is not known. */
  adopt(client: Client, request: AdoptionRequest): Adopted | null {
    const adopted = this.#adoption.adopt(client, request);
    if (adopted === null) return null;
    const { buffer, isOwner } = adopted;
    // One that is to end with its connection needs one.
    if (isOwner || buffer.lifetime !== 'connection') this.#restored.claimed(buffer);
    if (adopted.isWriter) this.#names.writes(buffer, client);
    if (adopted.taken.length > 0) {
      this.world.keep(buffer, () => {});
      this.#claims.look(buffer.lasting);
    }
    return adopted;
  }

  /** What outlives the daemon of a buffer, beside its memory (`keptMemory`). */
  keptState(buffer: BrokerBuffer): KeptState {
    return keptState(buffer, {
      lease: this.leases.kept(buffer),
      tokens: this.sharing.tokens.kept(buffer),
      parts: this.quotas.importers.parts(buffer),
      recall: this.quotas.recalls.ofBuffer(buffer),
    });
  }

  get numbers(): KeptNumbers {
    return { client: this.#clients.last, token: this.sharing.tokens.last };
  }

  /** After a restart, before anybody connects: all is as it was (restore.ts). */
  restore(
    clients: readonly KeptClient[],
    buffers: readonly Restorable[],
    numbers: KeptNumbers,
    graceMs: number,
  ): unknown[] {
    return this.#restored.restore(clients, buffers, numbers, graceMs);
  }

  /**
   * Allocates for an owner. `done` is called once; with a refusal when the planner has looked for the
   * nearest request. A buffer bound to a connection that has gone in the meantime is released before
   * `done` is called with `not_found`. One that waits for memory is told its place in the queue, and waits no
   * more when what is returned is called.
   */
  allocate(
    owner: Owner,
    request: AllocationRequest,
    done: Done<BrokerBuffer>,
    told: (place: number) => void = () => {},
  ): GiveUp {
    const named = request.lastingName == null ? done : this.#named(done);
    return this.#intake.allocate(owner, request, named, told);
  }

  /** As `allocate`, of as many equal buffers as the request says: all of them, or none. */
  allocateMany(
    owner: Owner,
    request: AllocationRequest,
    done: Done<readonly BrokerBuffer[]>,
    told: (place: number) => void = () => {},
  ): GiveUp {
    return this.#intake.allocateMany(owner, request, done, told);
  }

  /** Those that wait for memory, in the order of the queue. */
  get waiting(): readonly Waiter[] {
    return this.#queue.all;
  }

  /** A dry run: answers what `allocate` would; nothing is kept or charged. */
  test(owner: Owner, request: AllocationRequest, done: Done<Plan>): void {
    this.#intake.test(owner, request, done);
  }

  /**
   * Registers memory that the owner brings. The planes' fds are the broker's from here on, whatever
   * comes of it. `done` as in `allocate`.
   */
  import(owner: Owner, request: ImportRequest, done: Done<BrokerBuffer>): void {
    this.#intake.import(owner, request, this.#named(done));
  }

  /** Somebody may wait for a buffer of this name, which is told of first. */
  #named(done: Done<BrokerBuffer>): Done<BrokerBuffer> {
    return (result) => {
      done(result);
      if (!('error' in result) && result.lasting !== null) this.#claims.look(result.lasting);
    };
  }

  /**
   * The memory of these allocations went with its device. Tells everybody who has the buffers; returns
   * how many there are.
   */
  deviceLost(allocations: readonly LostAllocation[]): number {
    this.pool.lost(allocations);
    this.#intake.lost(allocations);
    return this.#reissues.deviceLost(allocations);
  }

  /** Allocates the memory of a lost buffer anew (reissues.ts). */
  reissue(buffer: BrokerBuffer, done: Done<BrokerBuffer>, by: Owner | null = null): void {
    const again = buffer.lasting === null ? done : this.#named(done);
    this.#reissues.reissue(buffer, again, by);
  }

  /**
   * A client wants a buffer by its lasting name, for one of its objects (claims.ts). `done` is called once, unless
   * what is returned is called before: the claim is withdrawn.
   */
  claim(client: Client, watcher: Watcher, terms: ClaimTerms, done: Done<Claimed>): () => void {
    return this.#claims.claim(client, watcher, terms, done);
  }

  /** An object for a buffer has gone. `asWriter`: it was its writer's, who has gone on without it. */
  left(buffer: BrokerBuffer, watcher: Watcher, asWriter: boolean): void {
    buffer.watchers.delete(watcher);
    this.commits.left(watcher);
    const { lasting } = buffer;
    lasting?.claimers.delete(watcher);
    if (lasting !== null && asWriter) {
      lasting.isLeft ||= lasting.writer === buffer.owner.client;
      lasting.writer = null;
    }
    if (!buffer.released && buffer.lifetime !== 'connection') this.world.changed(buffer);
    if (asWriter) this.#claims.look(lasting);
  }

  /** Throws `not_found`. */
  get(id: string): BrokerBuffer {
    return this.#registry.get(id);
  }

  /** Like `get`, also of what was released and lingers. */
  find(id: string): BrokerBuffer {
    return this.#lingering.get(id) ?? this.get(id);
  }

  /** Throws `invalid_argument` for a name that is too long. */
  rename(buffer: BrokerBuffer, name: string | null, by: Owner | null = null): void {
    checkName(name);
    buffer.name = name;
    this.#registry.happened({ type: 'buffer.renamed', buffer, by });
    this.world.changed(buffer);
  }

  /** Drops the broker's references; the memory lives on for as long as others hold its fds. */
  release(
    buffer: BrokerBuffer,
    reason: ToldRelease,
    by: Owner | null = reason === 'owner' ? buffer.owner : null,
  ): void {
    if (buffer.released) return;
    buffer.released = true;
    buffer.releasedAt = this.clock.now();
    this.#registry.remove(buffer);
    this.world.changed(buffer);
    this.#registry.owns(buffer.owner, -buffer.allocation.size);
    this.sharing.tokens.revokeAll(buffer);
    this.#names.released(buffer);
    this.leases.released(buffer);
    this.commits.released(buffer);
    this.#registry.free(buffer.allocation);
    this.quotas.linger(buffer);
    // Whatever lets go of it then, the end of its connection too, comes of the daemon's end.
    const why = this.#ending ? ({ reason: 'stopped', by: null } as const) : { reason, by };
    this.#registry.happened({ type: 'buffer.released', buffer, ...why });
    this.#lingering.add(buffer);
    const watchers = [...buffer.watchers];
    buffer.watchers.clear();
    for (const watcher of watchers) watcher.released(reason);
  }

  #recalled(buffer: BrokerBuffer, reason: RecallNotice, seconds: number, by: Owner | null): void {
    this.#registry.happened({ type: 'buffer.recalled', buffer, reason, by });
    this.world.changed(buffer);
    for (const watcher of [...buffer.watchers]) watcher.recalled?.(reason, seconds);
  }

  /** Replaces the rules of a layer, of which one has changed. */
  setQuotas(layer: Layer, rules: Rules, changed: RuleId, by: Owner | null = null): void {
    this.quotas.configure(layer, rules);
    this.pool.fit();
    this.world.report({ type: 'quota.changed', quota: changed, by });
  }

  /** The configuration was read again. */
  configureQuotas(rules: Rules, recallSeconds: number): void {
    this.quotas.configure('configuration', rules);
    this.quotas.recallSeconds = recallSeconds;
    this.pool.fit();
  }

  /**
   * Memory is short: frees spares or, where there are none, asks for a part of it back. Returns how many
   * buffers it asked for.
   */
  pressure(pressure: Pressure): number {
    if (this.pool.press(pressure.sources) > 0) return 0;
    return this.quotas.recalls.underPressure(pressure, this.buffers);
  }

  /** Memory is no longer short. */
  relieved(sources: Pressure['sources']): void {
    this.pool.relieve(sources);
    this.quotas.recalls.relieved(sources);
  }

  /** The memory of a released buffer is gone, or charged no longer: the one place where that is known. */
  #gone(buffer: BrokerBuffer): void {
    this.world.gone(buffer);
    this.#registry.memories.remove(buffer);
    this.quotas.release(buffer);
    this.#queue.memoryGone();
    this.#registry.happened({ type: 'buffer.gone', buffer });
  }

  /** Frees all spares for somebody who asks for it. */
  drainPool(by: Owner | null): Drained {
    const drained = this.pool.drain();
    this.world.report({ type: 'pool.drained', ...drained, by });
    return drained;
  }

  /** Looks after leases, released buffers and spares; to be called when `wait` milliseconds have passed. */
  poll(): void {
    this.leases.run();
    this.#lingering.run();
    this.#claims.run();
    this.commits.run();
    this.#room.run();
    this.#queue.run();
    this.pool.run();
    this.#restored.run();
  }

  /** Milliseconds until `poll` has something to do; -1: never. */
  get wait(): number {
    let wait = sooner(this.leases.wait, this.#lingering.wait);
    wait = sooner(sooner(wait, this.#room.wait), sooner(this.pool.wait, this.#claims.wait));
    wait = sooner(wait, this.commits.wait);
    wait = sooner(wait, this.#queue.wait);
    return sooner(wait, this.#restored.wait);
  }

  /** Somebody is shown over REST what is in it. */
  previewed(buffer: BrokerBuffer, by: Owner | null): void {
    this.#registry.happened({ type: 'buffer.previewed', buffer, by });
  }

  /** Somebody is told of a refusal, which is an event too. */
  refused(owner: Owner, error: BrokerError, buffer: BrokerBuffer | null = null): void {
    this.world.report({ type: 'refusal', error, by: owner, buffer });
  }

  /** Where the answer that a buffer is there notes that it has been sent. */
  toldAt(buffer: BrokerBuffer): number {
    return this.world.toldAt(buffer);
  }

  /** The daemon is about to end: what is released from now on is gone at once. */
  end(): void {
    this.#ending = true;
    this.#lingering.end();
  }

  /** The daemon ends: everything goes. */
  close(): void {
    this.end();
    this.#queue.giveUpAll(() => true, connectionGone());
    this.pool.configure(NO_POOL);
    for (const buffer of [...this.buffers]) this.release(buffer, 'administrator');
  }
}
