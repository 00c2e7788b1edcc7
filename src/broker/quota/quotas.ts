/**
 * The broker's door to quotas: who is charged for an owner, reservations, and settings that change
 * at run time.
 */

import { alignUp, DEFAULT_ALIGNMENT } from '../../memory/alignment.js';
import { type Amount, NOTHING, type SharedDimension } from '../../memory/charged.js';
import { after, type Clock, type Monotonic } from '../../memory/clock.js';
import { BrokerError } from '../../memory/errors.js';
import type { Allocation, Plan } from '../../memory/source.js';
import { Aliases } from '../aliases.js';
import type { BrokerBuffer, Client, Owner } from '../buffer.js';
import type { Document } from '../document.js';
import type { ChargePolicy } from '../shares.js';
import type { PartialPeer } from '../who.js';
import { sum } from './account.js';
import type { AccountTable } from './accounts.js';
import { type Charge, type Charged, NO_HEAPS, type Who } from './charge.js';
import { heapAmounts, heapRules } from './heaps.js';
import { Importers } from './importers.js';
import { asked, type Estimate, Ledger, type Paced } from './ledger.js';
import { DEFAULT_RULES, Policy } from './policy.js';
import { Recalls, type Told } from './recalls.js';
import { recalling, ShareRefusal } from './refusals.js';
import { Rooms } from './room.js';
import type { Layer, Rules } from './rules.js';

export interface QuotaOptions {
  /** Built-in rules; those for no machine in particular, if not given. */
  readonly defaults?: Rules;
  /** The user that answers for a uid: for a container's, the owner of its subuids. */
  readonly accountable?: (uid: number) => number;
  /** How long a holder above its share has to give something back. */
  readonly recallSeconds?: number;
  /** Who is charged for a buffer that others have redeemed; by default its owner. */
  readonly charge?: ChargePolicy;
  /** The deviceUUID of the main Vulkan device, if there is one. */
  readonly mainDevice?: string | null;
  /** The sources that have several names: one account each. */
  readonly aliases?: Aliases;
}

/** As long as a compositor may take to notice that a client hangs. */
export const RECALL_SECONDS = 10;

/** What memory for the answer to a read counts as, beside the names of sources. */
export const READ_SOURCE = 'read';

/** And what documents of revisions count as. */
export const METADATA_SOURCE = 'metadata';

/** (uid_t)-1, which no process has: a user of REST whom the kernel did not name. */
export const UNKNOWN_UID = 0xffffffff;

/** What a memfd of the daemon's own takes. */
const inMemfd = (bytes: number): Amount => ({
  ...NOTHING,
  bytes: alignUp(bytes, DEFAULT_ALIGNMENT.size),
  fds: 1,
});

/** Who wants how much of a source. */
interface Demanded {
  readonly who: Who;
  readonly source: string;
  readonly want: Amount;
}

export class Quotas {
  readonly policy: Policy;
  readonly #ledger: Ledger;
  readonly recalls: Recalls;
  readonly importers: Importers;
  readonly rooms: Rooms;
  /** Told of each recall, with the seconds that are left; the registry sets it. */
  onRecall: Told = () => {};
  /**
   * Somebody is to be refused, and what lingers of a user's, or of everybody's (null), is charged there: returns
   * whether any of it is gone when it is looked at once more. The registry sets it.
   */
  onShort: (user: number | null) => boolean = () => false;
  readonly aliases: Aliases;
  readonly #mainDevice: string | null;
  /** Given to holders above their share to give something back. */
  recallSeconds: number;
  readonly #accountable: (uid: number) => number;
  /** Of a connection nothing of it changes. */
  readonly #clients = new WeakMap<Client, Who>();

  constructor(
    private readonly clock: Clock,
    options: QuotaOptions = {},
  ) {
    this.aliases = options.aliases ?? new Aliases();
    this.policy = new Policy(options.defaults ?? DEFAULT_RULES);
    this.#ledger = new Ledger(this.policy, clock);
    this.recalls = new Recalls(this.#ledger, this.policy, clock, (...what) =>
      this.onRecall(...what),
    );
    this.importers = new Importers(options.charge ?? 'owner', this.#ledger);
    this.#mainDevice = options.mainDevice ?? null;
    this.rooms = new Rooms(this.#ledger, this.policy, this.#mainDevice);
    this.recallSeconds = options.recallSeconds ?? RECALL_SECONDS;
    this.#accountable = options.accountable ?? ((uid) => uid);
  }

  /** Replaces the rules of a layer. Charges stay; what is over its limit now gets no more. */
  configure(layer: Layer, rules: Rules): void {
    this.policy.set(layer, this.aliases.rulesOf(rules));
    this.#ledger.refresh();
  }

  whoIs({ client, peer }: Owner): Who {
    return client === null ? this.#who(null, peer) : this.whoOf(client);
  }

  whoOf(client: Client): Who {
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    const who = this.#who(client.id, client.peer);
    this.#clients.set(client, who);
    return who;
  }

  #who(connection: string | null, peer: PartialPeer): Who {
    const uid = this.#accountable(peer.uid ?? UNKNOWN_UID);
    const { cgroup, gid, groups } = peer;
    return { uid, cgroup, gid, groups, connection };
  }

  connected(client: Client): void {
    this.#ledger.connect(this.whoOf(client));
  }

  disconnected(client: Client): void {
    this.#ledger.disconnect(this.whoOf(client));
  }

  /**
   * Charges an allocation that is about to start. Throws `recalled` where the user is overdue,
   * `limit_exceeded` where there is no room; what others hold above their shares is then recalled
   * from `buffers`, if the user is below its own.
   */
  reserve(
    owner: Owner,
    source: string,
    estimate: Estimate,
    buffers: Iterable<BrokerBuffer>,
  ): Charge {
    return this.reserveMany(owner, source, estimate, 1, buffers)[0] as Charge;
  }

  /** The same for so many equal allocations, of which each has a charge: all or none. `paced` as in Ledger. */
  reserveMany(
    owner: Owner,
    source: string,
    estimate: Estimate,
    count: number,
    buffers: Iterable<BrokerBuffer>,
    paced?: Paced,
  ): Charge[] {
    const who = this.#admit(owner);
    return this.#orRecall({ who, source, want: asked(estimate, count) }, buffers, () =>
      this.#ledger.reserveMany(who, source, estimate, count, paced),
    );
  }

  /**
   * A dry run: throws what `reserveMany` would throw now and, where the source has planned it, `settle`.
   * Charges the same in the same way, and takes it back at once; uses up no rate and recalls nothing.
   */
  rehearse(
    owner: Owner,
    source: string,
    estimate: Estimate,
    count: number,
    plan: Plan | null,
  ): void {
    const who = this.#admit(owner);
    const { freed } = this.#ledger;
    const charges = this.#orLook(who, () => this.#ledger.rehearse(who, source, estimate, count));
    try {
      if (plan === null) return;
      const { memories, also = [] } = plan;
      const bytes = memories.reduce((sum, memory) => sum + memory, 0);
      const heaps = heapAmounts(plan, this.#mainDevice);
      for (const charge of charges) {
        this.#orLook(who, () => charge.settle(bytes, memories.length * (1 + also.length), heaps));
      }
    } finally {
      for (const charge of charges) charge.release();
      // Nobody has given anything back.
      this.#ledger.freed = freed;
    }
  }

  /** Another number whenever there may be room that was not there before. */
  get freed(): number {
    return this.#ledger.freed;
  }

  /** Whether so much can be had at all, when others have given back what they have. */
  couldEver(owner: Owner, source: string, estimate: Estimate, count: number): boolean {
    return this.#ledger.couldEver(this.whoIs(owner), source, estimate, count);
  }

  /** What one that waits lacks of its user's share counts as its demand, until `unclaim` or a moment. */
  claim(owner: Owner, { need, refusal: { requested } }: ShareRefusal, until: Monotonic): void {
    if (typeof requested !== 'number') return;
    const sources = need.source === null ? [] : [need.source];
    const want = { ...NOTHING, [need.dimension]: requested };
    this.#ledger.capacities.claimWaiting(this.whoIs(owner), sources, want, until);
  }

  unclaim(owner: Owner): void {
    this.#ledger.capacities.unclaim(this.whoIs(owner));
  }

  /** Who is charged for what an owner asks for. Throws where that user gets nothing, whatever it is. */
  #admit(owner: Owner): Who {
    const who = this.whoIs(owner);
    this.recalls.refuseOverdue(who);
    return who;
  }

  /**
   * Charges the memory and the fd of an answer, from before it is made until whoever asked has received
   * it. Throws `limit_exceeded`.
   */
  holdAnswer(owner: Owner, bytes: number): Charge {
    const who = this.whoIs(owner);
    return this.#orLook(who, () => this.#ledger.hold(who, READ_SOURCE, inMemfd(bytes)));
  }

  /** Charges whom a buffer is charged to for a document of it (document.ts). Throws `limit_exceeded`. */
  holdDocument({ charge: { who } }: BrokerBuffer, bytes: number): Charge {
    return this.#orLook(who, () => this.#ledger.hold(who, METADATA_SOURCE, inMemfd(bytes)));
  }

  /** The same of a document that there is already, whatever the limits. */
  imposeDocument(who: Who, bytes: number): Charge {
    const heaps = NO_HEAPS;
    return this.#ledger.impose({ who, source: METADATA_SOURCE, amount: inMemfd(bytes), heaps });
  }

  /**
   * A client is to be told of a document, which it may not have read when there is another one. Throws `limit_exceeded`
   * where it would have no room for it then: what is there already is charged whatever the limits.
   */
  checkReader({ charge: { who: owner, amount, accounts } }: Document, client: Client): void {
    const who = this.whoOf(client);
    // Of its own user's it is there once, whoever keeps it.
    const had = who.uid === owner.uid ? accounts : [];
    this.#ledger.check(who, METADATA_SOURCE, amount, had);
  }

  /** A client is about to redeem a buffer. Throws where its user has no room for what comes with it. */
  redeem(buffer: BrokerBuffer, client: Client): void {
    const who = this.whoOf(client);
    const document = buffer.lasting?.committed?.metadata ?? null;
    this.#orLook(who, () => {
      if (document !== null) this.checkReader(document, client);
      this.importers.redeem(buffer, who);
    });
  }

  /** A buffer is released: what is charged for it cannot be recalled any more. */
  linger(buffer: BrokerBuffer): void {
    buffer.charge.linger();
    this.importers.linger(buffer);
    this.recalls.released(buffer);
  }

  /** The memory of a buffer is gone. */
  release(buffer: BrokerBuffer): void {
    buffer.charge.release();
    this.importers.release(buffer);
  }

  /** Charges what an allocation really takes. Throws as `reserve` does for the difference. */
  settle(
    charge: Charge,
    actual: Estimate,
    allocation: Allocation,
    buffers: Iterable<BrokerBuffer>,
  ): void {
    const heaps = heapAmounts(allocation, this.#mainDevice);
    const { who, source } = charge;
    this.#orRecall({ who, source, want: asked(actual) }, buffers, () =>
      charge.settle(actual.bytes, actual.fds, heaps),
    );
  }

  /** Built in: a device's heaps have these sizes. */
  addHeaps(device: string, sizes: readonly number[]): void {
    const heaps = heapRules(device, sizes, this.#mainDevice);
    this.configure('default', new Map([...this.policy.rules('default'), ...heaps]));
  }

  /** What is charged where, for whoever shows it. */
  get accounts(): AccountTable {
    return this.#ledger.accounts;
  }

  /** What a user may have of the daemon's capacity; null where there is no limit. */
  shareOf(uid: number, dimension: SharedDimension): number | null {
    return this.#ledger.capacities.share(uid, null, dimension);
  }

  /**
   * A buffer is to have another owner, of the same user: its connection and control group are charged from now on.
   * `admitted`: throws where they have no room for it, and nothing is charged then.
   */
  move(buffer: BrokerBuffer, owner: Owner, how: 'admitted' | 'imposed'): void {
    const who = this.whoIs(owner);
    const { charge } = buffer;
    const document = buffer.lasting?.committed?.metadata ?? null;
    const all = document === null ? charge.amount : sum(charge.amount, document.charge.amount);
    if (how === 'admitted') this.#orLook(who, () => this.#ledger.admitHeir(charge, all, who));
    buffer.charge = this.pass(charge, who);
    document?.ownedBy(who);
  }

  /** Charges somebody else, whatever the limits. Returns the charge that there is in place of the one before. */
  pass(charge: Charge, who: Who): Charge {
    const next = this.#ledger.impose({ ...charge.charged, who });
    charge.release();
    return next;
  }

  /** Charges somebody whatever the limits: for memory that is there already. */
  impose(charged: Charged): Charge {
    // An earlier daemon may have known the source by another name.
    return this.#ledger.impose({ ...charged, source: this.aliases.nameOf(charged.source) });
  }

  /** Once more, where what lingers was in the way and is gone. `attempt` leaves nothing where it throws. */
  #orLook<T>({ uid }: Who, attempt: () => T): T {
    try {
      return attempt();
    } catch (error) {
      const quota = error instanceof BrokerError ? error.refusal.quota : undefined;
      if (quota === undefined || quota.lingering === 0) throw error;
      const isShared = quota.scope === 'source' || quota.scope === 'daemon';
      if (!this.onShort(isShared ? null : uid)) throw error;
      return attempt();
    }
  }

  #orRecall<T>(
    { who, source, want }: Demanded,
    buffers: Iterable<BrokerBuffer>,
    attempt: () => T,
  ): T {
    try {
      return this.#orLook(who, attempt);
    } catch (error) {
      if (!(error instanceof ShareRefusal)) throw error;
      const prospect = this.recalls.forShare(error.need, buffers, this.recallSeconds);
      if ('afterSeconds' in prospect) {
        const until = after(this.clock.now(), prospect.afterSeconds * 1000);
        const sources = [source, error.need.source ?? source];
        this.#ledger.capacities.claim(who, sources, want, until);
      }
      throw recalling(error, prospect);
    }
  }
}
