/**
 * After a restart: buffers are again what they were, charged to whom they were charged. Those whose memory
 * nobody has brought by the end of a period of grace go as their lifetime says; so do those of which it is
 * not known that anybody was told that they are there.
 *
 * Owns: who is awaited, until the grace is over.
 */
import { after, type Monotonic } from '../memory/clock.js';
import type { Plane } from '../memory/plane.js';
import { type Allocation, NOTHING_KEPT } from '../memory/source.js';
import { nothingHeld } from './away.js';
import {
  BrokerBuffer,
  type BufferLasting,
  type Client,
  type Owner,
  type Recipient,
} from './buffer.js';
import type { Clients } from './clients.js';
import { documentParts } from './commits.js';
import { Document } from './document.js';
import { History } from './history.js';
import type { KeptBuffer, KeptClient, KeptRecipient } from './kept.js';
import { type KeptLasting, Lasting } from './lasting.js';
import type { Leases } from './leases.js';
import type { Lingering } from './lingering.js';
import type { Names } from './names.js';
import type { Who } from './quota/charge.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import type { Sessions } from './sessions.js';
import type { Sharing } from './sharing.js';
import type { Surroundings } from './surroundings.js';

/** What was kept, and what is left of it. */
export interface Restorable extends KeptBuffer {
  /** Of each memory; null where they were not kept. They are the broker's from here on. */
  readonly fds: readonly number[] | null;
  /** Of the last revision's document; null where there is none. It is the broker's, too. */
  readonly metadata: number | null;
  /** Somebody was told that it is there. */
  readonly told: boolean;
}

/** The last numbers that were given. */
export interface KeptNumbers {
  readonly client: number;
  readonly token: number;
}

interface Parts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  readonly clients: Clients;
  readonly sessions: Sessions;
  readonly sharing: Sharing;
  readonly leases: Leases;
  readonly lingering: Lingering;
  readonly names: Names;
  /** Lets go of what nobody has claimed. */
  release(buffer: BrokerBuffer): void;
}

export class Restored {
  readonly #awaited = new Set<BrokerBuffer>();
  #until: Monotonic | null = null;

  constructor(private readonly parts: Parts) {}

  /** Once, before anybody connects. Returns what those that could not be restored failed with. */
  restore(
    clients: readonly KeptClient[],
    buffers: readonly Restorable[],
    { client, token }: KeptNumbers,
    graceMs: number,
  ): unknown[] {
    const { parts } = this;
    // A number may have been given and not noted: the records tell.
    parts.clients.last = clients.reduce((last, { id }) => Math.max(last, numberIn(id)), client);
    const tokens = buffers.flatMap(({ state }) => state.tokens);
    parts.sharing.tokens.last = tokens.reduce(
      (last, { id }) => Math.max(last, numberIn(id)),
      token,
    );
    const past = new Map(clients.map((kept) => [kept.id, parts.clients.restore(kept)]));
    const inOrder = [...buffers].sort((a, b) => a.memory.number - b.memory.number);
    const failures: unknown[] = [];
    for (const each of inOrder) {
      try {
        this.#restore(each, past);
      } catch (error) {
        // One that cannot be had again must not keep all the others from it, at each start anew.
        failures.push(error);
      }
    }
    for (const each of past.values()) {
      parts.sessions.restore(each);
      parts.clients.departed(each);
    }
    if (this.#awaited.size > 0) this.#until = after(parts.world.clock.now(), graceMs);
    return failures;
  }

  #restore(kept: Restorable, past: ReadonlyMap<string, Client>): void {
    const { parts } = this;
    const { memory, state, fds } = kept;
    const allocation = withFds(memory.allocation, fds);
    const { client, peer, token } = state.owner;
    const owner: Owner = {
      client: client === null ? null : (past.get(client) ?? null),
      ...{ peer, ...(token !== undefined && { token }) },
    };
    const buffer = new BrokerBuffer({
      ...{ id: memory.id, number: memory.number, spec: memory.spec, choice: memory.choice },
      ...{ allocation, owner, lifetime: state.lifetime, name: state.name },
      lasting: state.released ? null : this.#lasting(kept, past),
      held: fds === null ? nothingHeld() : parts.registry.hold(allocation),
      createdAt: memory.createdAt,
      charge: parts.quotas.impose(state.charged),
    });
    buffer.generation = memory.generation;
    buffer.formerOf = memory.formerOf;
    buffer.lastUsed = state.lastUsed;
    buffer.released = state.released;
    buffer.releasedAt = state.releasedAt;
    buffer.history = History.ofFormer(state.events);
    const recipients = [...this.#recipients(buffer, state.recipients, past)];
    // Of one whose record is not there it is not known whether it has ended.
    const isUnsure = state.forgotten || recipients.length < state.recipients.length;
    buffer.recipients.restore(recipients, isUnsure);
    parts.quotas.importers.impose(buffer, state.parts);
    parts.registry.restore(buffer);
    if (!state.released) this.#live(buffer, kept);
    parts.names.restore(buffer);
    parts.world.changed(buffer);
    parts.world.keep(buffer, () => {});
    if (!state.released) return;
    parts.quotas.linger(buffer);
    // Nothing may be left of it at once.
    parts.lingering.add(buffer);
  }

  #lasting(
    { state, metadata }: Restorable,
    past: ReadonlyMap<string, Client>,
  ): BufferLasting | null {
    const kept: KeptLasting | null = state.lasting;
    const { world, names } = this.parts;
    // Two records may say so, of which nobody can tell which is right.
    if (kept === null || names.find(kept.uid, kept.name) !== null) {
      if (metadata !== null) world.closeFd(metadata);
      return null;
    }
    const lasting: BufferLasting = new Lasting(kept.name, kept.uid);
    const { committed } = kept;
    const found = committed?.metadata ?? null;
    lasting.writer = kept.writer === null ? null : (past.get(kept.writer) ?? null);
    lasting.revision = kept.revision;
    lasting.documents = kept.documents;
    lasting.committed = committed && {
      ...committed,
      metadata:
        metadata === null || found === null
          ? null
          : this.#document(metadata, found, state.charged.who),
    };
    return lasting;
  }

  /** Charged as its buffer is. */
  #document(
    fd: number,
    { size, number }: { readonly size: number; readonly number: number },
    who: Who,
  ): Document {
    const { world, quotas } = this.parts;
    const charge = quotas.imposeDocument(who, size);
    return new Document(fd, charge, size, number, documentParts(world, quotas));
  }

  #live(buffer: BrokerBuffer, { state, fds, told }: Restorable): void {
    const { parts } = this;
    parts.registry.owns(buffer.owner, buffer.allocation.size);
    parts.sharing.tokens.restore(buffer, state.tokens);
    if (state.lease !== null) parts.leases.restore(buffer, state.lease);
    if (state.recall !== null) parts.quotas.recalls.restore(buffer, state.recall);
    if (state.lost) {
      buffer.state = 'lost';
      // A daemon before this one may have kept it.
      buffer.lasting?.forget();
    }
    if (fds === null) {
      buffer.state = 'away';
      buffer.lostWhileAway = state.lost;
    }
    if (fds === null || buffer.lifetime === 'connection' || !told) this.#awaited.add(buffer);
  }

  *#recipients(
    buffer: BrokerBuffer,
    kept: readonly KeptRecipient[],
    past: ReadonlyMap<string, Client>,
  ): Generator<Recipient> {
    const { sharing, world } = this.parts;
    const watched = world.tells(buffer.allocation) !== 'gone';
    for (const { client: id, receivedAt, mayRenew } of kept) {
      const client = past.get(id);
      if (client === undefined) continue;
      const process = watched ? client.process.retain() : null;
      const forgotten = sharing.counted(client);
      yield { client, receivedAt, mayRenew, process, forgotten };
    }
  }

  /** Somebody has come back for it. */
  claimed(buffer: BrokerBuffer): void {
    this.#awaited.delete(buffer);
  }

  /** Lets go of what nobody has come for, when the grace is over. */
  run(): void {
    if (this.#until === null || this.parts.world.clock.now() < this.#until) return;
    this.#until = null;
    for (const buffer of [...this.#awaited]) this.parts.release(buffer);
    this.#awaited.clear();
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#until === null) return -1;
    return Math.max(0, Math.ceil(this.#until - this.parts.world.clock.now()));
  }
}

/** Of a client's or a token's id. */
const numberIn = (id: string): number => Number(id.slice(1)) || 0;

/** One fd a memory; planes in one memory have the same. Behind them are those of all further faces, or none. */
function withFds(allocation: Allocation, fds: readonly number[] | null): Allocation {
  const planes = allocation.planes.map(
    (plane): Plane => ({ ...plane, fd: fds?.[plane.memory] ?? -1 }),
  );
  const { memories, faces } = allocation;
  if (faces === undefined || fds === null || fds.length === memories.length)
    return { ...allocation, planes, key: NOTHING_KEPT };
  const each = memories.length;
  const had = faces.map((face, at) => ({
    ...face,
    fds: fds.slice(each * (at + 1), each * (at + 2)),
  }));
  return { ...allocation, planes, faces: had, key: NOTHING_KEPT };
}
