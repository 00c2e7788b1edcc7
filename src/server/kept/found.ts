/**
 * What a daemon before this one has left: the records of its file, and the fds that the service manager kept
 * under their names. What fits together is restored; what does not is named, and let go of.
 */
import type { KeptClient, KeptMemory, KeptState } from '../../broker/kept.js';
import type { Restorable } from '../../broker/restore.js';
import { messageOf } from '../../memory/errors.js';
import type { Allocation } from '../../memory/source.js';
import type { StoredRecord } from '../../native/slots.js';
import type { FoundFd } from './fd-store.js';
import { fdName, isMemoryName, metadataName } from './names.js';
import { type KeptRecord, keyOf, parseRecord } from './records.js';

export interface NamedFd {
  readonly name: string;
  readonly fd: number;
}

/** What may be asked of an fd that was kept. */
export interface FdWorld {
  /** st_dev:st_ino. */
  identity(fd: number): string;
  /** Of a dma_buf; null where it is none. */
  dmaBuf(fd: number): { readonly size: number | null; readonly exporter: string | null } | null;
  duplicate(fd: number): number;
}

export interface FoundBuffer extends Restorable {
  /** Of its records. */
  readonly slots: { readonly memory: number; readonly state: number };
  /** What of it is in the store. */
  readonly stored: readonly FoundFd[];
  /** The same of its last revision's document. */
  readonly document: FoundFd | null;
}

export interface Found {
  readonly clients: readonly (KeptClient & { readonly slot: number })[];
  readonly buffers: readonly FoundBuffer[];
  /** Slots whose records are of the past, or of nothing. */
  readonly stale: readonly number[];
  /** fds that no buffer has: the receiver's to close. */
  readonly stray: readonly NamedFd[];
  /** Names in the store that no buffer has. */
  readonly forgotten: readonly string[];
  /** For the log. */
  readonly problems: readonly string[];
}

type Placed<T> = {
  readonly record: T;
  readonly slot: number;
  readonly order: number;
  readonly told: boolean;
};
/** What a memory's fd is to be. */
interface Wanted {
  readonly name: string;
  readonly identity: string | null;
  readonly size: number;
  readonly exporter: string | null;
}
type Memory = Extract<KeptRecord, { is: 'memory' }>;
type State = Extract<KeptRecord, { is: 'state' }>;
type ClientRecord = Extract<KeptRecord, { is: 'client' }>;

export function findKept(
  stored: Iterable<StoredRecord>,
  named: readonly NamedFd[],
  world: FdWorld,
): Found {
  const problems: string[] = [];
  const stale: number[] = [];
  const newest = new Map<string, Placed<KeptRecord>>();
  for (const { slot, order, told, bytes } of stored) {
    try {
      const record = parseRecord(bytes);
      if (record === null) {
        stale.push(slot);
        continue;
      }
      const key = keyOf(record);
      const other = newest.get(key);
      if (other !== undefined) stale.push(other.order < order ? other.slot : slot);
      if (other === undefined || other.order < order)
        newest.set(key, { record, slot, order, told });
    } catch (error) {
      problems.push(`a record cannot be read: ${messageOf(error)}`);
      stale.push(slot);
    }
  }
  const of = <R extends KeptRecord>(is: R['is']) =>
    [...newest.values()].filter(({ record }) => record.is === is) as unknown as Placed<R>[];
  const fds = new Fds(named, world);
  const states = new Map(of<State>('state').map((each) => [each.record.id, each]));
  const buffers: FoundBuffer[] = [];
  for (const memory of of<Memory>('memory')) {
    const state = states.get(memory.record.id);
    states.delete(memory.record.id);
    // The state is written after the memory, and goes before it: nobody was told of it, or it is gone.
    if (state === undefined) stale.push(memory.slot);
    else buffers.push(fds.whole(memory, state, problems));
  }
  stale.push(...[...states.values()].map(({ slot }) => slot));
  const clients = of<ClientRecord>('client').map(({ record, slot }) => {
    const { is: _, ...client } = record;
    return { ...client, slot };
  });
  return { clients, buffers, stale, problems, ...fds.left() };
}

/** The fds that came from the store; each is given once. */
class Fds {
  readonly #byName = new Map<string, number[]>();
  /** Any one of a file's. */
  readonly #byIdentity = new Map<string, number>();
  /** Names under which what a buffer has is in the store. */
  readonly #used = new Set<string>();
  /** Duplicates that are of no use. */
  readonly #spare: NamedFd[] = [];

  constructor(
    named: readonly NamedFd[],
    private readonly world: FdWorld,
  ) {
    for (const { name, fd } of named) {
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), fd]);
      if (isMemoryName(name)) this.#byIdentity.set(world.identity(fd), fd);
    }
  }

  whole(memory: Placed<Memory>, state: Placed<State>, problems: string[]): FoundBuffer {
    const { is: _, ...kept } = memory.record;
    const { is: __, id, ...rest } = state.record;
    const slots = { memory: memory.slot, state: state.slot };
    const whole = { memory: kept, state: rest, slots, told: memory.told };
    const found = this.#take(kept, rest, problems);
    const document = this.#document(kept.id, rest, problems);
    const fds = found?.map(({ fd }) => fd) ?? null;
    return { ...whole, fds, stored: found ?? [], document, metadata: document?.fd ?? null };
  }

  /** It is kept before what says that it is there. */
  #document(id: string, { lasting, released }: KeptState, problems: string[]): FoundFd | null {
    const metadata = lasting?.committed?.metadata ?? null;
    if (metadata === null || released) return null;
    const name = metadataName(id, metadata.number);
    const [fd] = this.#byName.get(name)?.splice(0, 1) ?? [];
    if (fd === undefined) {
      problems.push(`${id}: the document of its last revision was not kept`);
      return null;
    }
    this.#used.add(name);
    return { name, fd, identity: this.world.identity(fd), named: true };
  }

  /** One fd for each memory; null where they are not all there, and are what they were. */
  #take(
    { id, allocation, generation }: KeptMemory,
    { lifetime, released }: KeptState,
    problems: string[],
  ): FoundFd[] | null {
    const found: FoundFd[] = [];
    for (const [memory, size] of allocation.memories.entries()) {
      const identity = allocation.identities?.[memory] ?? null;
      const wanted = {
        name: fdName(id, memory, generation),
        identity,
        size,
        exporter: allocation.exporter,
      };
      const fd = this.#named(wanted, problems) ?? this.#double(wanted);
      if (fd === null) break;
      found.push(fd);
    }
    if (found.length === allocation.memories.length) {
      found.push(...this.#faces(id, generation, allocation, problems));
      for (const { name, named } of found) if (named) this.#used.add(name);
      return found;
    }
    // Others may have the rest of it; without all of its memory it is with its clients alone.
    this.#giveBack(found);
    if (lifetime !== 'connection' && !released) problems.push(`${id}: its memory was not kept`);
    return null;
  }

  #giveBack(found: readonly FoundFd[]): void {
    for (const { name, fd, named } of found) {
      if (named) this.#byName.set(name, [...(this.#byName.get(name) ?? []), fd]);
      else this.#spare.push({ name, fd });
    }
  }

  /** The fds of further faces, as they are numbered on; none where one is missing: the memory is there without. */
  #faces(
    id: string,
    generation: number,
    { memories, faces = [], faceIdentities }: Allocation,
    problems: string[],
  ): FoundFd[] {
    const found: FoundFd[] = [];
    for (const [face, { handleType }] of faces.entries()) {
      for (const [memory, size] of memories.entries()) {
        const name = fdName(id, memories.length * (face + 1) + memory, generation);
        const identity = handleType === 'opaque_fd' ? null : (faceIdentities?.[memory] ?? null);
        const fd = this.#named({ name, identity, size, exporter: null }, problems);
        if (fd === null) {
          this.#giveBack(found);
          return [];
        }
        found.push(fd);
      }
    }
    return found;
  }

  /** The manager takes several files of one name. */
  #named(wanted: Wanted, problems: string[]): FoundFd | null {
    const { name, identity } = wanted;
    const fds = this.#byName.get(name) ?? [];
    const found: string[] = [];
    for (const [at, fd] of fds.entries()) {
      const problem = this.#problem(fd, wanted);
      if (problem === null) {
        fds.splice(at, 1);
        return { name, fd, identity, named: true };
      }
      found.push(`${name} is not what it was: ${problem}`);
    }
    problems.push(...found);
    return null;
  }

  /** The same file under another name: the store has each once. */
  #double(wanted: Wanted): FoundFd | null {
    const { name, identity } = wanted;
    const other = identity === null ? undefined : this.#byIdentity.get(identity);
    if (other === undefined || this.#problem(other, wanted) !== null) return null;
    return { name, fd: this.world.duplicate(other), identity, named: false };
  }

  /** FDNAME says whose it is; that it is that file is asked of the kernel. A dma_buf's own name is anybody's choice. */
  #problem(fd: number, { identity, size, exporter }: Wanted): string | null {
    if (identity === null) return null;
    const now = this.world.identity(fd);
    if (now !== identity) return `it is the file ${now} and was ${identity}`;
    if (exporter === null) return null;
    const dmaBuf = this.world.dmaBuf(fd);
    if (dmaBuf === null) return 'it is no dma_buf';
    if (dmaBuf.exporter !== exporter)
      return `its exporter is ${dmaBuf.exporter} and was ${exporter}`;
    if (dmaBuf.size !== null && dmaBuf.size < size) return `it has ${dmaBuf.size} bytes of ${size}`;
    return null;
  }

  left(): Pick<Found, 'stray' | 'forgotten'> {
    const named = [...this.#byName].flatMap(([name, fds]) => fds.map((fd) => ({ name, fd })));
    const names = new Set(named.map(({ name }) => name));
    return {
      stray: [...named, ...this.#spare],
      forgotten: [...names].filter((name) => !this.#used.has(name)),
    };
  }
}
