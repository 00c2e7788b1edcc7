/**
 * The registry: which buffers there are, who owns them, who was handed them, and what ends them.
 *
 * Pure: memory, time, randomness and the closing of fds come in through `Surroundings`. It runs in
 * the data plane's thread and answers by callback, since that thread never returns to Node's event
 * loop and a promise would never be settled there.
 */
import {
  BrokerBuffer,
  type BufferResult,
  type Client,
  type Owner,
  type PartialPeer,
  type Peer,
  type RecallNotice,
  type ReleaseReason,
} from './buffer.js';
import { type DeviceState, Devices, type OpenDevice, type SourceTable } from './devices.js';
import { BrokerError } from './errors.js';
import type { BrokerEvent, BufferEvent } from './events.js';
import { HeldFds } from './held-fds.js';
import { newBufferId, type Random } from './id.js';
import { Leases } from './leases.js';
import { MAX_PAST_PROCESSES } from './limits.js';
import { Lingering, type LingeringWorld } from './lingering.js';
import { PeerProcess } from './peer-process.js';
import { Planner } from './planner.js';
import { denied, Policy } from './policy.js';
import type { Charge } from './quota/charge.js';
import { estimateOf, importEstimate } from './quota/estimate.js';
import { Quotas } from './quota/quotas.js';
import type { Pressure } from './quota/recalls.js';
import type { Layer, RuleId, Rules } from './quota/rules.js';
import {
  type AllocationRequest,
  type Choice,
  checkName,
  checkRequest,
  chooseSource,
  type Lifetime,
} from './request.js';
import type {
  Allocation,
  FormatOffer,
  LostAllocation,
  MemorySpec,
  Plane,
  PlanResult,
  SourceState,
} from './source.js';
import { type Issued, type TokenInfo, Tokens, type TokenTerms } from './tokens.js';
import { Works, type Workshop } from './works.js';

export type AllocationResult = { allocation: Allocation } | { error: BrokerError };

/** What the broker needs of the world. */
export interface Surroundings extends Workshop, LingeringWorld {
  /** Answers later, exactly once; the fds of an allocation become the broker's. */
  allocate(choice: Choice, id: string, done: (result: AllocationResult) => void): void;
  /** What `allocate` would answer, without memory; answers later, exactly once. */
  plan(choice: Choice, done: (result: PlanResult) => void): void;
  /** Opens one of `devices`. */
  openDevice: OpenDevice;
  /**
   * Checks memory whose planes' fds are the broker's and imports it into a device, by default the main
   * one; answers as `allocate` does.
   */
  importMemory(
    spec: MemorySpec,
    planes: readonly Plane[],
    device: string | null,
    done: (result: AllocationResult) => void,
  ): void;
  /** Destroys what the source keeps for an allocation (its fds are closed by the broker). */
  free(allocation: Allocation): void;
  /** Whether the kernel will tell when nobody has an allocation's memory any more. */
  tells(allocation: Allocation): boolean;
  /** Whether the process behind a pidfd has ended. */
  exited(pidfd: number): boolean;
  /** Told what has happened; must not call back into the broker. */
  report(event: BrokerEvent): void;
  /** Something that is shown of it is new: to be called after every change, or lists are wrong. */
  changed(record: BrokerBuffer | Client): void;
  /** It is listed no more. */
  gone(record: BrokerBuffer | Client): void;
  /** Milliseconds since the epoch. */
  now(): number;
  readonly random: Random;
}

/** Memory that a client brings. */
export interface ImportRequest {
  /** An image's one modifier is that of the memory. */
  readonly spec: MemorySpec;
  readonly planes: readonly Plane[];
  /** The deviceUUID of the device that is to import it; the main one, where it is absent. */
  readonly device?: string | undefined;
  readonly lifetime: Lifetime;
  readonly name: string | null;
}

export type { BufferResult };

export interface Redemption {
  readonly buffer: BrokerBuffer;
  /** Whether the token allows its redeemer to renew the buffer's lease. */
  readonly mayRenew: boolean;
}

export interface BrokerOptions {
  /** How long memory is charged after its release where the kernel does not tell who holds it. */
  readonly unknownGraceMs: number;
}

export const DEFAULT_OPTIONS: BrokerOptions = { unknownGraceMs: 60_000 };

export class Broker {
  readonly #buffers = new Map<string, BrokerBuffer>();
  readonly #clients = new Map<string, Client>();
  readonly #tokens: Tokens<BrokerBuffer>;
  readonly #planner = new Planner({
    choose: (owner, request) => {
      checkRequest(request);
      const choice = this.#choose(owner, request);
      const who = this.quotas.whoIs(owner);
      this.quotas.ledger.check(who, choice.source, estimateOf(choice.spec));
      return choice;
    },
    plan: (choice, done) => this.world.plan(choice, done),
    permitted: ({ peer }, request) => this.#permittedRequest(peer, request),
  });
  readonly #devices: Devices;
  /** Copies, fills and reads, for whoever has an object for the buffer. */
  readonly works: Works;
  readonly #lingering: Lingering;
  /** Processes that have disconnected and are still of interest, oldest first. */
  readonly #past = new Set<PeerProcess>();
  readonly leases: Leases;
  /** Who may do what; nobody is refused anything until one is set. */
  policy = new Policy(null);
  #lastClient = 0;

  constructor(
    private readonly world: Surroundings,
    public sources: readonly SourceState[],
    public offers: readonly FormatOffer[],
    readonly quotas = new Quotas(() => world.now()),
    { unknownGraceMs }: BrokerOptions = DEFAULT_OPTIONS,
    devices: readonly DeviceState[] = [],
  ) {
    this.#devices = new Devices((uuid, done) => world.openDevice(uuid, done), devices);
    this.#tokens = new Tokens(() => world.now(), world.random);
    this.works = new Works(world);
    this.#lingering = new Lingering(world, unknownGraceMs, (buffer) => this.#gone(buffer));
    this.leases = new Leases(
      () => world.elapsed(),
      () => world.now(),
      (buffer) => this.release(buffer, 'lease_expired'),
      (buffer) => world.changed(buffer),
      (buffer, seconds) => this.#recalled(buffer, 'lease_expired', seconds, null),
    );
    quotas.onRecall = (...what) => this.#recalled(...what);
  }

  get buffers(): Iterable<BrokerBuffer> {
    return this.#buffers.values();
  }

  /** Released, and perhaps still held by somebody; oldest release first. */
  get lingering(): Iterable<BrokerBuffer> {
    return this.#lingering.buffers;
  }

  get clients(): Iterable<Client> {
    return this.#clients.values();
  }

  /** What can be had has changed: a device was lost, or is there again. */
  setSources(
    sources: readonly SourceState[],
    offers: readonly FormatOffer[],
    devices: readonly DeviceState[],
  ): void {
    this.sources = sources;
    this.offers = offers;
    this.#devices.update(devices);
  }

  /**
   * Calls `go` when the device that a request names is open, at once where none is named; `refuse`
   * where `check` throws, which says that the owner may not use it, where it cannot be opened, or where
   * the owner's connection has gone in the meantime.
   */
  #onDevice(
    { client }: Owner,
    device: string | undefined,
    check: () => void,
    refuse: (error: BrokerError) => void,
    go: () => void,
  ): void {
    if (device === undefined) {
      go();
      return;
    }
    try {
      check();
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      refuse(error);
      return;
    }
    this.#devices.ready(device, (error) => {
      if (error !== null) refuse(error);
      else if (client?.connected === false) refuse(connectionGone());
      else go();
    });
  }

  /** Throws `not_found`. */
  client(id: string): Client {
    const client = this.#clients.get(id);
    if (client === undefined) throw new BrokerError('not_found', `there is no client ${id}`);
    return client;
  }

  /** Takes ownership of the pidfd, if there is one. */
  connect(peer: Peer, pidfd: number | null = null): Client {
    const client: Client = {
      id: `c${++this.#lastClient}`,
      peer,
      connectedAt: this.world.now(),
      owned: new Set(),
      working: 0,
      ownedBytes: 0,
      fdsSent: 0,
      connected: true,
      process: new PeerProcess(pidfd, this.world, (process) => this.#past.delete(process)),
    };
    this.#clients.set(client.id, client);
    this.quotas.connected(client);
    this.world.report({ type: 'client.connected', client });
    this.world.changed(client);
    return client;
  }

  /** Releases what was bound to the connection; `until_released` buffers stay. */
  disconnect(client: Client): void {
    client.connected = false;
    this.#clients.delete(client.id);
    this.world.gone(client);
    for (const buffer of [...client.owned]) {
      if (buffer.lifetime === 'connection') this.release(buffer, 'owner');
    }
    this.#lingering.departed(client);
    this.#departed(client.process);
    this.quotas.disconnected(client);
    this.world.report({ type: 'client.disconnected', client });
  }

  /** The connection's reference goes; a process that handed-out memory depends on is kept for a while. */
  #departed(process: PeerProcess): void {
    process.release();
    if (!process.watched) return;
    this.#past.add(process);
    for (const each of this.#past) {
      if (this.#past.size <= MAX_PAST_PROCESSES) break;
      each.abandon();
    }
  }

  /**
   * Allocates for an owner. `done` is called once; with a refusal when the planner has looked for the
   * nearest request. A buffer bound to a connection that has gone in the meantime is released before
   * `done` is called with `not_found`.
   */
  allocate(owner: Owner, request: AllocationRequest, done: (result: BufferResult) => void): void {
    const refuse = (error: BrokerError) => this.#planner.explain(owner, request, error, done);
    const check = () => this.#checkVulkan(owner);
    const go = () => this.#allocate(owner, request, done);
    this.#onDevice(owner, request.device, check, refuse, go);
  }

  #allocate(owner: Owner, request: AllocationRequest, done: (result: BufferResult) => void): void {
    let choice: Choice;
    let charge: Charge;
    try {
      checkRequest(request);
      choice = this.#choose(owner, request);
      charge = this.quotas.reserve(owner, choice.source, estimateOf(choice.spec), this.buffers);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      this.#planner.explain(owner, request, error, done);
      return;
    }
    const id = this.#newId();
    this.world.allocate(choice, id, (result) => {
      if ('error' in result) {
        charge.release();
        this.#planner.explain(owner, request, result.error, done);
        return;
      }
      const { allocation } = result;
      done(this.#register(id, owner, choice.spec, request, allocation, charge, choice));
    });
  }

  /** A dry run: answers what `allocate` would; nothing is kept or charged. */
  test(owner: Owner, request: AllocationRequest, done: (result: PlanResult) => void): void {
    const refuse = (error: BrokerError) => this.#planner.explain(owner, request, error, done);
    const check = () => this.#checkVulkan(owner);
    const go = () => this.#planner.test(owner, request, done);
    this.#onDevice(owner, request.device, check, refuse, go);
  }

  /**
   * Registers memory that the owner brings. The planes' fds are the broker's from here on, whatever
   * comes of it. `done` as in `allocate`.
   */
  import(owner: Owner, request: ImportRequest, done: (result: BufferResult) => void): void {
    const failed = (error: BrokerError) => {
      for (const fd of new Set(request.planes.map((plane) => plane.fd))) this.world.closeFd(fd);
      done({ error });
    };
    const check = () => this.policy.checkImport(owner.peer);
    const go = () => this.#import(owner, request, failed, done);
    this.#onDevice(owner, request.device, check, failed, go);
  }

  #import(
    owner: Owner,
    request: ImportRequest,
    failed: (error: BrokerError) => void,
    done: (result: BufferResult) => void,
  ): void {
    const { spec, planes, device = null } = request;
    let charge: Charge;
    try {
      this.policy.checkImport(owner.peer);
      checkRequest({ ...request, handleTypes: ['dma_buf'] });
      charge = this.quotas.reserve(owner, 'import', importEstimate(spec, planes), this.buffers);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      failed(error);
      return;
    }
    const id = this.#newId();
    this.world.importMemory(spec, planes, device, (result) => {
      if ('error' in result) {
        charge.release();
        failed(result.error);
        return;
      }
      const { allocation } = result;
      // Planes that lie in one memory have one fd from here on.
      const kept = new Set(allocation.planes.map((plane) => plane.fd));
      for (const { fd } of planes) if (!kept.has(fd)) this.world.closeFd(fd);
      done(this.#register(id, owner, spec, request, allocation, charge, null));
    });
  }

  /** Throws `permission_denied` where only the policy stands in the way. */
  #choose({ peer }: Owner, request: AllocationRequest): Choice {
    const { device } = request;
    const { sources, offers }: SourceTable =
      device === undefined ? this : this.#devices.table(device);
    const permitted = this.policy.permitted(peer, sources);
    this.policy.checkPlacement(peer, request);
    try {
      return chooseSource(request, permitted, offers);
    } catch (error) {
      if (permitted.length === sources.length) throw error;
      const source = sourceOrNull(request, { sources, offers });
      // What else is wrong is told in terms of what somebody may have.
      if (source === null) throw error;
      throw denied('sources', source, [...new Set(permitted.map(({ name }) => name))]);
    }
  }

  /** A request that names none of the sources that the policy forbids. */
  #permittedRequest(peer: PartialPeer, request: AllocationRequest): AllocationRequest {
    const { sources = [] } = request;
    const named = this.policy.permitted(
      peer,
      sources.map((name) => ({ name })),
    );
    return { ...request, sources: named.map(({ name }) => name) };
  }

  /** Nobody opens a device whose memory is not for them. */
  #checkVulkan({ peer }: Owner): void {
    if (this.policy.permitted(peer, [{ name: 'vulkan' }]).length > 0) return;
    const permitted = this.policy.permitted(peer, this.sources);
    throw denied('sources', 'vulkan', [...new Set(permitted.map(({ name }) => name))]);
  }

  #newId(): string {
    for (;;) {
      const id = newBufferId(this.world.random);
      if (!this.#buffers.has(id) && this.#lingering.get(id) === undefined) return id;
    }
  }

  #register(
    id: string,
    owner: Owner,
    spec: MemorySpec,
    request: Pick<AllocationRequest, 'lifetime' | 'name'>,
    allocation: Allocation,
    charge: Charge,
    choice: Choice | null,
  ): BufferResult {
    const held = this.#hold(allocation);
    const error = this.#settle(charge, allocation, held);
    if (error !== null) {
      charge.release();
      return { error };
    }
    const { lifetime, name } = request;
    const buffer = new BrokerBuffer(
      id,
      spec,
      allocation,
      held,
      owner,
      lifetime,
      name,
      this.world.now(),
      charge,
      choice,
    );
    this.#buffers.set(id, buffer);
    if (typeof lifetime === 'object') this.leases.start(buffer, lifetime.lease);
    this.world.changed(buffer);
    owner.client?.owned.add(buffer);
    this.#happened({ type: 'buffer.created', buffer });
    this.#owns(owner, allocation.size);
    if (lifetime === 'connection' && owner.client?.connected === false) {
      this.release(buffer, 'owner');
      return { error: connectionGone() };
    }
    return { buffer };
  }

  /** Charges what was allocated instead of what was asked for; lets go of it where that is too much. */
  #settle(
    charge: Charge,
    allocation: Allocation,
    held: HeldFds,
    bytes = allocation.size,
  ): BrokerError | null {
    try {
      const actual = { bytes, fds: new Set(held.fds).size };
      this.quotas.settle(charge, actual, this.buffers);
      return null;
    } catch (error) {
      this.world.free(allocation);
      held.release();
      if (!(error instanceof BrokerError)) throw error;
      return error;
    }
  }

  /** The bytes that a client owns have changed by so many. */
  #owns({ client }: Owner, bytes: number): void {
    if (client === null) return;
    client.ownedBytes += bytes;
    if (client.connected) this.world.changed(client);
  }

  #hold({ planes }: Allocation): HeldFds {
    return new HeldFds(
      planes.map((plane) => plane.fd),
      (fd) => this.world.closeFd(fd),
    );
  }

  get(id: string): BrokerBuffer {
    const buffer = this.#buffers.get(id);
    if (buffer === undefined) throw new BrokerError('not_found', `there is no buffer ${id}`);
    return buffer;
  }

  /** Like `get`, also of what was released and lingers. */
  find(id: string): BrokerBuffer {
    return this.#lingering.get(id) ?? this.get(id);
  }

  /** Tells what has happened to a buffer, and keeps it with the buffer. */
  #happened(event: BufferEvent): void {
    event.buffer.history.add(event, this.world.now());
    this.world.report(event);
  }

  /** Over REST it is shared in its owner's name, whoever does it: the owner's policy says with whom. */
  share(buffer: BrokerBuffer, terms: TokenTerms, by: Owner | null = null): Issued {
    if (buffer.released) throw new BrokerError('not_found', 'the buffer is released');
    this.#checkLive(buffer);
    const { peer } = by?.client ? by : buffer.owner;
    const audience = this.policy.audience(peer, terms.uid);
    const issued = this.#tokens.issue(buffer, { ...terms, audience });
    this.#happened({ type: 'buffer.shared', buffer, token: issued.info, by });
    this.world.changed(buffer);
    return issued;
  }

  /** Returns false where the buffer has no such token (any more). */
  revoke(buffer: BrokerBuffer, tokenId: string, by: Owner | null = null): boolean {
    if (!this.#tokens.revoke(buffer, tokenId)) return false;
    this.#happened({ type: 'buffer.unshared', buffer, token: tokenId, by });
    this.world.changed(buffer);
    return true;
  }

  tokens(buffer: BrokerBuffer): TokenInfo[] {
    return this.#tokens.list(buffer);
  }

  tokenCount(buffer: BrokerBuffer): number {
    return this.#tokens.count(buffer);
  }

  /** Throws `invalid_argument` for a name that is too long. */
  rename(buffer: BrokerBuffer, name: string | null, by: Owner | null = null): void {
    checkName(name);
    buffer.name = name;
    this.#happened({ type: 'buffer.renamed', buffer, by });
    this.world.changed(buffer);
  }

  /** When the first of its tokens expires; null: never. */
  nextExpiry(buffer: BrokerBuffer): number | null {
    return this.#tokens.nextExpiry(buffer);
  }

  redeem(client: Client, token: string): Redemption {
    const admit = (buffer: BrokerBuffer) => {
      this.#checkLive(buffer);
      this.quotas.redeem(buffer, client);
    };
    const { target, info } = this.#tokens.redeem(token, client.peer, admit);
    this.#happened({ type: 'buffer.redeemed', buffer: target, client, token: info.id });
    this.world.changed(target);
    return { buffer: target, mayRenew: info.mayRenew };
  }

  #checkLive({ id, state }: BrokerBuffer): void {
    if (state === 'live') return;
    const message = `the memory of ${id} was lost with its device; its owner can have it re-issued`;
    throw new BrokerError('device_lost', message, { constraint: 'state', requested: 'live' });
  }

  /** The planes' fds are on their way to a client: it is a recipient from now on. */
  handedOut(buffer: BrokerBuffer, client: Client): void {
    buffer.addRecipient(client, this.world.now(), !this.world.tells(buffer.allocation));
    buffer.lastUsed = this.world.now();
    client.fdsSent += buffer.allocation.planes.length;
    if (!buffer.released) this.world.changed(buffer);
    if (client.connected) this.world.changed(client);
  }

  /**
   * The memory of these allocations went with its device: its fds are good, its contents undefined
   * ("Lost Device"). Tells everybody who has the buffers; returns how many there are.
   */
  deviceLost(allocations: readonly LostAllocation[]): number {
    const name = ({ source, handleType, key }: LostAllocation) => `${source} ${handleType} ${key}`;
    const lost = new Set(allocations.map(name));
    const buffers = [...this.#buffers.values()].filter(
      (buffer) => buffer.state === 'live' && lost.has(name(buffer.allocation)),
    );
    for (const buffer of buffers) {
      buffer.state = 'lost';
      this.#happened({ type: 'buffer.lost', buffer });
      this.world.changed(buffer);
      for (const watcher of [...buffer.watchers]) watcher.lost?.(buffer.generation);
    }
    return buffers.length;
  }

  /**
   * Allocates the memory of a lost buffer anew, from the same source: its id, name, owner and tokens
   * stay, its generation grows. `done` is called once: at once where nothing is lost (any more); with
   * a refusal the buffer stays lost and may be tried again. Who asks while another waits gets the
   * same answer, so that no limit on pending allocations is needed: there is one for each buffer.
   */
  reissue(
    buffer: BrokerBuffer,
    done: (result: BufferResult) => void,
    by: Owner | null = null,
  ): void {
    if (buffer.released) {
      done({ error: new BrokerError('not_found', 'the buffer is released') });
      return;
    }
    const { choice, state } = buffer;
    if (state === 'live' || choice === null) {
      done({ buffer });
      return;
    }
    buffer.reissuing.push(done);
    if (buffer.reissuing.length > 1) return;
    this.world.allocate(choice, buffer.id, (result) => {
      const waiting = buffer.reissuing.splice(0);
      const answer = 'error' in result ? result : this.#replace(buffer, result.allocation, by);
      for (const each of waiting) each(answer);
    });
  }

  #replace(buffer: BrokerBuffer, allocation: Allocation, by: Owner | null): BufferResult {
    const held = this.#hold(allocation);
    if (buffer.released) {
      this.world.free(allocation);
      held.release();
      return { error: new BrokerError('not_found', 'the buffer was released in the meantime') };
    }
    const bytes = this.quotas.importers.ownersPart(buffer, allocation.size);
    const error = this.#settle(buffer.charge, allocation, held, bytes);
    if (error !== null) return { error };
    this.quotas.importers.fit(buffer, allocation.size);
    this.world.free(buffer.allocation);
    buffer.held.release();
    this.#owns(buffer.owner, allocation.size - buffer.allocation.size);
    buffer.replace(allocation, held);
    this.#happened({ type: 'buffer.reissued', buffer, by });
    this.world.changed(buffer);
    for (const watcher of [...buffer.watchers]) watcher.reissued?.(buffer.generation);
    return { buffer };
  }

  /** Renews its lease. Throws where it has none, or has been released. */
  renew(buffer: BrokerBuffer, seconds: number, by: Owner | null = null): void {
    if (buffer.released) throw new BrokerError('not_found', 'the buffer is released');
    this.leases.renew(buffer, seconds);
    this.#happened({ type: 'buffer.renewed', buffer, seconds, by });
  }

  /** Drops the broker's references; the memory lives on for as long as others hold its fds. */
  release(
    buffer: BrokerBuffer,
    reason: ReleaseReason,
    by: Owner | null = reason === 'owner' ? buffer.owner : null,
  ): void {
    if (buffer.released) return;
    buffer.released = true;
    buffer.releasedAt = this.world.now();
    this.#buffers.delete(buffer.id);
    this.world.changed(buffer);
    buffer.owner.client?.owned.delete(buffer);
    this.#owns(buffer.owner, -buffer.allocation.size);
    this.#tokens.revokeAll(buffer);
    this.leases.released(buffer);
    this.world.free(buffer.allocation);
    this.quotas.recalls.released(buffer);
    this.#happened({ type: 'buffer.released', buffer, reason, by });
    this.#lingering.add(buffer);
    const watchers = [...buffer.watchers];
    buffer.watchers.clear();
    for (const watcher of watchers) watcher.released(reason);
  }

  #recalled(buffer: BrokerBuffer, reason: RecallNotice, seconds: number, by: Owner | null): void {
    this.#happened({ type: 'buffer.recalled', buffer, reason, by });
    this.world.changed(buffer);
    for (const watcher of [...buffer.watchers]) watcher.recalled?.(reason, seconds);
  }

  /** Replaces the rules of a layer, of which one has changed. */
  setQuotas(layer: Layer, rules: Rules, changed: RuleId, by: Owner | null = null): void {
    this.quotas.configure(layer, rules);
    this.world.report({ type: 'quota.changed', quota: changed, by });
  }

  /** Memory is short: asks for a part of it back. Returns how many buffers it asked for. */
  pressure(pressure: Pressure): number {
    return this.quotas.recalls.underPressure(pressure, this.buffers);
  }

  /** Memory is no longer short. */
  relieved(sources: Pressure['sources']): void {
    this.quotas.recalls.relieved(sources);
  }

  /** The memory of a released buffer is gone, or charged no longer: the one place where that is known. */
  #gone(buffer: BrokerBuffer): void {
    this.world.gone(buffer);
    this.quotas.release(buffer);
    this.#happened({ type: 'buffer.gone', buffer });
  }

  /** Looks after leases and released buffers; to be called when `wait` milliseconds have passed. */
  poll(): void {
    this.leases.run();
    this.#lingering.run();
  }

  /** Milliseconds until `poll` has something to do; -1: never. */
  get wait(): number {
    const [a, b] = [this.leases.wait, this.#lingering.wait];
    return a < 0 ? b : b < 0 ? a : Math.min(a, b);
  }

  /** Somebody is shown over REST what is in it. */
  previewed(buffer: BrokerBuffer, by: Owner | null): void {
    this.#happened({ type: 'buffer.previewed', buffer, by });
  }

  /** Somebody is told of a refusal, which is an event too. */
  refused(owner: Owner, error: BrokerError, buffer: BrokerBuffer | null = null): void {
    this.world.report({ type: 'refusal', error, owner, buffer });
  }

  /** The daemon ends: everything goes. */
  close(): void {
    for (const buffer of [...this.#buffers.values()]) this.release(buffer, 'administrator');
    this.#lingering.close();
  }
}

function connectionGone(): BrokerError {
  return new BrokerError('not_found', 'the connection has gone');
}

/** The source of a request that no policy stands in the way of. */
function sourceOrNull(request: AllocationRequest, { sources, offers }: SourceTable): string | null {
  try {
    return chooseSource(request, sources, offers).source;
  } catch (error) {
    if (error instanceof BrokerError) return null;
    throw error;
  }
}
