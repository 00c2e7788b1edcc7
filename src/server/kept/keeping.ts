/**
 * Has the registry outlive the daemon: what is known of each buffer is a record in a file that the service
 * manager keeps, and so are the fds of buffers whose lifetime is not their connection's. The order is record,
 * fds, answer: so whoever was told of a buffer finds it again, whenever the process ends.
 *
 * What has changed is written once a turn, before the turn's messages are sent.
 *
 * Owns: the mapping of the file. The fds of buffers are the registry's.
 */
import type { Broker } from '../../broker/broker.js';
import { BrokerBuffer, type Client } from '../../broker/buffer.js';
import type { Document } from '../../broker/document.js';
import { FairPool } from '../../broker/fair-pool.js';
import { type KeptState, keptClient, keptMemory } from '../../broker/kept.js';
import { identity } from '../../native/libc/fd.js';
import { type Slots, slotsFor } from '../../native/slots.js';
import type { KeptUse } from '../words/metrics.js';
import type { FdStore, FoundFd } from './fd-store.js';
import type { Found } from './found.js';
import { HeadNumber } from './head.js';
import { KeptMetadata } from './kept-metadata.js';
import { bufferOf, fdName } from './names.js';
import { clientRecord, memoryRecord, stateRecord } from './records.js';
import type { StoredFd } from './stored-files.js';

interface Records {
  /** Of its memory, and the generation that it is of. */
  memory: { readonly slot: number; readonly generation: number } | null;
  state: number | null;
  /** The clients that it names. */
  clients: ReadonlySet<string>;
}

export interface KeepingWorld {
  readonly broker: Broker;
  /** Once: there is no room for all that is to be kept. */
  full(): void;
  /** A buffer's fds are not in the store, which has no room. */
  unkept(id: string): void;
}

/** Most buffers have so many: a part. Names of control groups, which a user may choose, make it more. */
const SLOTS_PER_BUFFER = 4;
const partsOf = (slots: number): number => Math.max(1, Math.ceil(slots / SLOTS_PER_BUFFER));
/** What new buffers may take; the rest is for what is written anew, and for those who have more to say. */
const USED_PART = 3 / 4;

export class Keeping {
  readonly #buffers = new Map<string, Records>();
  readonly #clients = new Map<string, { slot: number; references: number; connected: boolean }>();
  readonly #changed = new Set<BrokerBuffer | Client>();
  readonly #unkept = new Set<string>();
  /** What is known of them was not written, for want of room. */
  readonly #unwritten = new Set<string>();
  /** By buffer, the user whose part of the file it has, and how much of that. */
  readonly #shares = new Map<string, { readonly uid: number; readonly parts: number }>();
  /** Of parts as most buffers have, of which a user gets a half at most. */
  readonly #pool: FairPool;
  readonly #metadata: KeptMetadata;
  #isFull = false;
  #frozen = false;

  constructor(
    private readonly world: () => KeepingWorld,
    private readonly slots: Slots,
    private readonly store: FdStore,
  ) {
    this.#pool = new FairPool(Math.floor((slots.size * USED_PART) / SLOTS_PER_BUFFER));
    this.#metadata = new KeptMetadata(store, identity);
  }

  /** What is in the file and in the store from before. */
  found({ clients, buffers, stale }: Found): void {
    const inStore = new Map<string, readonly FoundFd[]>();
    for (const { id, slot } of clients) {
      this.#clients.set(id, { slot, references: 0, connected: false });
    }
    for (const { memory, state, slots, stored, document } of buffers) {
      const { id, generation } = memory;
      const records: Records = {
        memory: { slot: slots.memory, generation },
        state: slots.state,
        clients: new Set(),
      };
      this.#buffers.set(id, records);
      const { uid } = state.charged.who;
      const parts = partsOf(this.slots.count(slots.memory) + this.slots.count(slots.state));
      this.#shares.set(id, { uid, parts });
      this.#pool.overdraw(uid, parts);
      this.#refer(records, namedBy(state));
      if (stored.length > 0) inStore.set(id, stored);
      if (document !== null) inStore.set(document.name, [document]);
    }
    this.store.found(inStore);
    for (const slot of stale) this.slots.remove(slot);
    for (const [id, { references }] of this.#clients) if (references === 0) this.#dropClient(id);
  }

  /** `kept` is called when the buffer may be answered. */
  keep(buffer: BrokerBuffer, kept: () => void): void {
    if (this.#frozen) return;
    this.#write(buffer);
    const isKept = this.#buffers.has(buffer.id);
    if (!isKept || !isStored(buffer) || this.store.has(buffer.id)) {
      kept();
      return;
    }
    this.store.put(buffer.charge.who.uid, {
      id: buffer.id,
      fds: fdsOf(buffer),
      done: (stored) => {
        if (!stored && !buffer.released) {
          this.#unkept.add(buffer.id);
          this.world().unkept(buffer.id);
        }
        kept();
      },
    });
  }

  /** The same of a document that is to be published with a buffer, before what is known of that says so. */
  keepMetadata(buffer: BrokerBuffer, metadata: Document, kept: () => void): void {
    if (this.#frozen) return;
    if (!this.#buffers.has(buffer.id)) {
      kept();
      return;
    }
    // Who writes need not be the owner, who has use for that rate itself.
    const writer = buffer.lasting?.writer ?? null;
    const { uid } = writer === null ? buffer.charge.who : this.world().broker.quotas.whoOf(writer);
    this.#metadata.put(buffer, metadata, uid, (stored) => {
      if (!stored && !buffer.released) {
        this.#unkept.add(buffer.id);
        this.world().unkept(buffer.id);
      }
      kept();
    });
  }

  changed(record: BrokerBuffer | Client): void {
    this.#changed.add(record);
    // Its fds are closed before this turn is over.
    if (!this.#frozen && record instanceof BrokerBuffer && record.released && !isStored(record)) {
      this.store.cancel(record.id);
    }
  }

  /** Nothing is left of it. */
  gone(record: BrokerBuffer | Client): void {
    this.#changed.delete(record);
    if (this.#frozen) return;
    if (!(record instanceof BrokerBuffer)) {
      this.#left(record.id);
      return;
    }
    const records = this.#buffers.get(record.id);
    this.#buffers.delete(record.id);
    this.#unkept.delete(record.id);
    this.#unwritten.delete(record.id);
    const share = this.#shares.get(record.id);
    if (share !== undefined) this.#pool.give(share.uid, share.parts);
    this.#shares.delete(record.id);
    if (records !== undefined) {
      // The state first: a memory without one is nothing.
      if (records.state !== null) this.slots.discard(records.state);
      if (records.memory !== null) this.slots.remove(records.memory.slot);
      this.#refer(records, new Set());
    }
    this.store.drop(record.id);
    this.#metadata.drop(record.id);
  }

  get use(): KeptUse {
    const { size, over, waiting, owed } = this.store;
    const unkept = new Set([...this.#unkept, ...this.#unwritten]);
    for (const name of owed) unkept.add(bufferOf(name));
    return { fds: size, keeperFds: over, waiting, unkept: unkept.size };
  }

  /** What waits for the manager goes on; who waits for that may be answered. */
  run(): void {
    if (!this.#frozen) this.store.run();
  }

  /** Writes what has changed: before anybody is told of it. */
  flush(): void {
    if (this.#frozen) return;
    for (const record of this.#changed) {
      if (record instanceof BrokerBuffer) this.#write(record);
      // Of one that has gone only what a buffer names is of interest.
      else if (record.session !== null && (record.connected || this.#clients.has(record.id))) {
        this.#writeClient(record);
      }
    }
    this.#changed.clear();
    const { client, token } = this.world().broker.numbers;
    this.slots.setNumber(HeadNumber.client, client);
    this.slots.setNumber(HeadNumber.token, token);
    // Behind the writing: what the next step is to send has addresses of what was removed in this turn.
    this.slots.recycle();
  }

  get wait(): number {
    return this.#frozen ? -1 : this.store.wait;
  }

  /** The daemon ends: what it lets go of now is there when it is started again. */
  freeze(): void {
    this.flush();
    this.store.run();
    this.#frozen = true;
  }

  toldAt({ id }: BrokerBuffer): number {
    const slot = this.#buffers.get(id)?.memory?.slot;
    return slot === undefined || this.#frozen ? 0 : this.slots.toldAt(slot);
  }

  close(): void {
    this.slots.close();
  }

  #write(buffer: BrokerBuffer): void {
    const known = this.#buffers.get(buffer.id);
    const records: Records = known ?? { memory: null, state: null, clients: new Set() };
    if (known === undefined && this.#isRefused(buffer.id)) return;
    const state = this.world().broker.keptState(buffer);
    const stateText = stateRecord(buffer.id, state);
    if (records.memory?.generation !== buffer.generation) {
      const memoryText = memoryRecord(keptMemory(buffer));
      const slots = slotsFor(memoryText.length) + slotsFor(stateText.length);
      if (records.memory === null && !this.#admit(buffer, partsOf(slots))) return;
      const before = records.memory?.slot ?? null;
      // Of what is made over REST nobody tells here.
      const told = before === null ? buffer.owner.client === null : this.slots.isTold(before);
      const slot = this.#put(memoryText, told);
      if (slot === null) return;
      // A message on its way may say there that it is told.
      if (before !== null) this.slots.remove(before);
      records.memory = { slot, generation: buffer.generation };
      this.#buffers.set(buffer.id, records);
      if (known !== undefined) this.store.drop(buffer.id);
    }
    for (const { client } of buffer.recipients) this.#ensure(client);
    if (buffer.owner.client !== null) this.#ensure(buffer.owner.client);
    if (buffer.lasting?.writer != null) this.#ensure(buffer.lasting.writer);
    const slot = this.#put(stateText, true);
    // Where there is no room, what it says is of the past: a token that was revoked must not be good again. Rather
    // nothing is known of it.
    if (records.state !== null) this.slots.discard(records.state);
    records.state = slot;
    // What the record does not name any more; where there is none, it is of no use but for the next.
    if (buffer.lasting !== null) this.#metadata.only(buffer);
    if (slot === null) {
      this.#unwritten.add(buffer.id);
      return;
    }
    this.#unwritten.delete(buffer.id);
    this.#refer(records, namedBy(state));
    if (buffer.released && !isStored(buffer)) this.store.drop(buffer.id);
  }

  /** Whether its user may have one more here: a part stays free for what is written anew. */
  #admit({ id, charge }: BrokerBuffer, parts: number): boolean {
    if (this.#shares.has(id)) return true;
    const { uid } = charge.who;
    if (!this.#pool.take(uid, parts)) {
      this.#noRoom();
      this.#unkept.add(id);
      return false;
    }
    this.#shares.set(id, { uid, parts });
    return true;
  }

  /** Its user has had no part for it: its fds would not be in the store. */
  #isRefused(id: string): boolean {
    return this.#unkept.has(id) && !this.#shares.has(id);
  }

  #noRoom(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.world().full();
  }

  /** Those that a buffer names have a record, session or not. */
  #ensure(client: Client): void {
    if (!this.#clients.has(client.id)) this.#writeClient(client);
  }

  #writeClient(client: Client): void {
    const known = this.#clients.get(client.id);
    const slot = this.#put(clientRecord(keptClient(client)), true);
    if (slot === null) return;
    if (known !== undefined) this.slots.discard(known.slot);
    const { references = 0 } = known ?? {};
    this.#clients.set(client.id, { slot, references, connected: client.connected });
  }

  #left(id: string): void {
    const known = this.#clients.get(id);
    if (known === undefined) return;
    known.connected = false;
    if (known.references === 0) this.#dropClient(id);
  }

  #dropClient(id: string): void {
    const known = this.#clients.get(id);
    if (known !== undefined) this.slots.discard(known.slot);
    this.#clients.delete(id);
  }

  /** A buffer names these clients now. */
  #refer(records: Records, clients: ReadonlySet<string>): void {
    for (const id of clients) {
      const known = this.#clients.get(id);
      if (!records.clients.has(id) && known !== undefined) known.references++;
    }
    for (const id of records.clients) {
      if (clients.has(id)) continue;
      const known = this.#clients.get(id);
      if (known === undefined) continue;
      known.references--;
      if (known.references === 0 && !known.connected) this.#dropClient(id);
    }
    records.clients = clients;
  }

  #put(record: Buffer, told: boolean): number | null {
    const slot = this.slots.write(record, { told, replaces: null });
    if (slot === null) this.#noRoom();
    return slot;
  }
}

/** The clients that a buffer's state names. */
function namedBy({ owner, recipients, lasting }: KeptState): Set<string> {
  const clients = new Set(recipients.map(({ client }) => client));
  if (lasting?.writer != null) clients.add(lasting.writer);
  if (owner.client !== null) clients.add(owner.client);
  return clients;
}

/**
 * Whether the service manager is to have its fds. What lingers stays there as long as its references are
 * counted: a memfd or an opaque fd there would keep memory that nobody else has, and nothing would tell.
 */
function isStored({ lifetime, released, allocation, held }: BrokerBuffer): boolean {
  if (lifetime === 'connection' || held.fds.length === 0) return false;
  const { handleType, faces = [] } = allocation;
  return !released || (handleType === 'dma_buf' && faces.length === 0);
}

/** One fd a memory, and behind them those of its further faces, numbered on. */
function fdsOf({ id, allocation, generation }: BrokerBuffer): StoredFd[] {
  const { memories, planes, identities, faceIdentities, faces = [] } = allocation;
  const first = memories.map((_, memory) => ({
    name: fdName(id, memory, generation),
    fd: planes.find((plane) => plane.memory === memory)?.fd ?? -1,
    identity: identities?.[memory] ?? null,
  }));
  const further = faces.flatMap(({ handleType, fds }, face) =>
    fds.map((fd, memory) => ({
      name: fdName(id, memories.length * (face + 1) + memory, generation),
      fd,
      identity: handleType === 'opaque_fd' ? null : (faceIdentities?.[memory] ?? null),
    })),
  );
  return [...first, ...further];
}
