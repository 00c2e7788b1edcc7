/**
 * What a daemon before this one has left: the records of its file, and the fds that the service manager kept
 * under their names. What fits together is restored; what does not is named, and let go of.
 */
import type { KeptClient, KeptMemory, KeptState } from '../../broker/kept.js';
import type { Restorable } from '../../broker/restore.js';
import { messageOf } from '../../memory/errors.js';
import type { StoredRecord } from '../../native/slots.js';
import type { StoredFd } from './fd-store.js';
import { fdName } from './names.js';
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
  readonly stored: readonly StoredFd[];
}

export interface Found {
  readonly clients: readonly (KeptClient & { readonly slot: number })[];
  readonly buffers: readonly FoundBuffer[];
  /** Slots whose records are of the past, or of nothing. */
  readonly stale: readonly number[];
  /** fds that no buffer has: the receiver's to close. */
  readonly stray: readonly NamedFd[];
  /** For the log. */
  readonly problems: readonly string[];
}

type Placed<T> = {
  readonly record: T;
  readonly slot: number;
  readonly order: number;
  readonly told: boolean;
};
type Memory = Extract<KeptRecord, { is: 'memory' }>;
type State = Extract<KeptRecord, { is: 'state' }>;
type ClientRecord = Extract<KeptRecord, { is: 'client' }>;

export function findKept(
  stored: Iterable<StoredRecord>,
  version: number,
  named: readonly NamedFd[],
  world: FdWorld,
): Found {
  const problems: string[] = [];
  const stale: number[] = [];
  const newest = new Map<string, Placed<KeptRecord>>();
  for (const { slot, order, told, bytes } of stored) {
    try {
      const record = parseRecord(bytes, version);
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
  return { clients, buffers, stale, stray: fds.left(), problems };
}

/** The fds that came from the store, by name; each is given once. */
class Fds {
  readonly #byName: Map<string, number>;
  readonly #byIdentity = new Map<string, number>();

  constructor(
    named: readonly NamedFd[],
    private readonly world: FdWorld,
  ) {
    this.#byName = new Map(named.map(({ name, fd }) => [name, fd]));
  }

  whole(memory: Placed<Memory>, state: Placed<State>, problems: string[]): FoundBuffer {
    const { is: _, ...kept } = memory.record;
    const { is: __, id, ...rest } = state.record;
    const slots = { memory: memory.slot, state: state.slot };
    const whole = { memory: kept, state: rest, slots, told: memory.told };
    const found = this.#take(kept, rest, problems);
    return { ...whole, fds: found?.map(({ fd }) => fd) ?? null, stored: found ?? [] };
  }

  /** One fd for each memory; null where they are not all there, and are what they were. */
  #take(
    { id, allocation }: KeptMemory,
    { lifetime, released }: KeptState,
    problems: string[],
  ): StoredFd[] | null {
    const found: StoredFd[] = [];
    for (const [memory, size] of allocation.memories.entries()) {
      const name = fdName(id, memory);
      const identity = allocation.identities?.[memory] ?? null;
      const fd = this.#byName.get(name) ?? this.#double(identity);
      if (fd === null) break;
      const problem = this.#problem(fd, identity, size, allocation.exporter);
      if (problem !== null) {
        problems.push(`${name} is not what it was: ${problem}`);
        break;
      }
      this.#byName.delete(name);
      if (identity !== null) this.#byIdentity.set(identity, fd);
      found.push({ name, fd, identity });
    }
    if (found.length === allocation.memories.length) return found;
    // Others may have the rest of it; without all of its memory it is with its clients alone.
    for (const { name, fd } of found) this.#byName.set(name, fd);
    if (lifetime !== 'connection' && !released) problems.push(`${id}: its memory was not kept`);
    return null;
  }

  /** The same file under another buffer's name: the store has each once. */
  #double(identity: string | null): number | null {
    const fd = identity === null ? undefined : this.#byIdentity.get(identity);
    return fd === undefined ? null : this.world.duplicate(fd);
  }

  /** FDNAME says whose it is; that it is that file is asked of the kernel. A dma_buf's own name is anybody's choice. */
  #problem(
    fd: number,
    identity: string | null,
    size: number,
    exporter: string | null,
  ): string | null {
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

  left(): NamedFd[] {
    return [...this.#byName].map(([name, fd]) => ({ name, fd }));
  }
}
