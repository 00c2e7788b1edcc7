/**
 * Lasting names: each is one buffer's, from before its memory is made until it is released, so that of two who
 * want one name at the same time one has it and the other is told who does.
 *
 * Owns: which names there are.
 */
import { BrokerError } from '../memory/errors.js';
import { MAX_LASTING_NAMES } from '../memory/limits.js';
import type { Done } from '../memory/result.js';
import type { BrokerBuffer, BufferLasting, Client, Owner } from './buffer.js';
import { FairPool } from './fair-pool.js';
import { checkLastingName, Lasting, namespaceOf } from './lasting.js';
import type { AllocationRequest } from './request.js';
import { actorOf } from './who.js';

type Named = Pick<AllocationRequest, 'lifetime'> & Partial<AllocationRequest>;

interface Entry {
  readonly lasting: BufferLasting;
  /** Who asked for it first. */
  readonly owner: Owner;
  /** Null until its memory is there. */
  buffer: BrokerBuffer | null;
}

const keyOf = (uid: number, name: string) => `${uid} ${name}`;

/** Whether a request for a lasting name can be served at all, whoever has that name. */
export function checkLasting({ lastingName, lifetime, count = 1 }: Named): void {
  if (lastingName == null) return;
  checkLastingName(lastingName);
  if (lifetime === 'connection') {
    const message =
      'memory with a lasting name outlives its connection: ask for a lease, or until_released';
    throw new BrokerError('invalid_argument', message, {
      constraint: 'lifetime',
      requested: lifetime,
      possible: ['lease', 'until_released'],
    });
  }
  if (count === 1) return;
  const message = 'a lasting name is one buffer’s: several equal ones cannot have it';
  throw new BrokerError('invalid_argument', message, { constraint: 'count', requested: count });
}

export class Names {
  readonly #entries = new Map<string, Entry>();
  readonly #pool = new FairPool(MAX_LASTING_NAMES);
  /** What each client writes, or did: somebody may wait for its end. */
  readonly #written = new WeakMap<Client, Set<BufferLasting>>();

  /** Null: there is none, or its memory is not there yet. */
  find(uid: number, name: string): BrokerBuffer | null {
    return this.#entries.get(keyOf(uid, name))?.buffer ?? null;
  }

  /** Throws where an owner could not have the name that it asks for. */
  check(owner: Owner, request: Named): void {
    checkLasting(request);
    const { lastingName } = request;
    if (lastingName == null) return;
    const uid = namespaceOf(owner);
    const taken = this.#entries.get(keyOf(uid, lastingName));
    if (taken !== undefined) throw nameTaken(lastingName, taken);
    if (!this.#pool.has(uid, 1)) throw tooMany(this.#pool.taken(uid));
  }

  /**
   * Has a name be an owner's while its memory is made. Returns what is to be told instead of `done`: where nothing
   * was made, the name is free again. Throws as `check` does.
   */
  reserve<T extends object>(owner: Owner, request: Named, done: Done<T>): Done<T> {
    this.check(owner, request);
    const { lastingName } = request;
    if (lastingName == null) return done;
    const uid = namespaceOf(owner);
    const entry: Entry = { lasting: new Lasting(lastingName, uid), owner, buffer: null };
    this.#pool.take(uid, 1);
    this.#entries.set(keyOf(uid, lastingName), entry);
    return (result) => {
      if (entry.buffer === null) this.#drop(entry);
      done(result);
    };
  }

  /** What a buffer that is made has of a name that was reserved for it. */
  of(owner: Owner, name: string | null): BufferLasting | null {
    if (name === null) return null;
    const entry = this.#entries.get(keyOf(namespaceOf(owner), name));
    if (entry === undefined) throw new Error(`nobody has reserved ${name}`);
    return entry.lasting;
  }

  /** Its memory is there. */
  bind(buffer: BrokerBuffer): void {
    const { lasting } = buffer;
    const entry = lasting && this.#entries.get(keyOf(lasting.uid, lasting.name));
    if (entry?.lasting !== lasting || entry === null) return;
    entry.buffer = buffer;
    const { client } = buffer.owner;
    if (client !== null) this.writes(buffer, client);
  }

  /** It has a writer. */
  writes({ lasting }: BrokerBuffer, client: Client): void {
    if (lasting === null) return;
    lasting.writer = client;
    const written = this.#written.get(client) ?? new Set();
    this.#written.set(client, written.add(lasting));
  }

  /** Those that a client is the writer of. */
  *writtenBy(client: Client): Iterable<BufferLasting> {
    for (const lasting of this.#written.get(client) ?? [])
      if (lasting.writer === client) yield lasting;
  }

  /** One of before the daemon was restarted. */
  restore(buffer: BrokerBuffer): void {
    const { lasting, owner } = buffer;
    if (lasting === null) return;
    const key = keyOf(lasting.uid, lasting.name);
    if (this.#entries.has(key)) throw new Error(`two buffers are called ${lasting.name}`);
    this.#pool.overdraw(lasting.uid, 1);
    this.#entries.set(key, { lasting, owner, buffer });
  }

  /** The name is free again, and what was published of it goes. */
  released({ lasting }: BrokerBuffer): void {
    if (lasting === null) return;
    const entry = this.#entries.get(keyOf(lasting.uid, lasting.name));
    if (entry?.lasting === lasting) this.#drop(entry);
    lasting.forget();
    if (lasting.writer !== null) this.#written.get(lasting.writer)?.delete(lasting);
    lasting.writer = null;
  }

  #drop({ lasting: { uid, name } }: Entry): void {
    if (this.#entries.delete(keyOf(uid, name))) this.#pool.give(uid, 1);
  }
}

/** Names are a user's own, who may know all of it. */
function nameTaken(name: string, { buffer, owner }: Entry): BrokerError {
  const { client, pid, executable, unit } = actorOf(buffer?.owner ?? owner);
  const who = `${executable ?? 'a process'} (pid ${pid ?? 'unknown'}${unit === null ? '' : `, ${unit}`})`;
  const what = buffer === null ? 'a buffer that is being made' : `the buffer ${buffer.id}`;
  const message = `${what} of ${who} is called ${name}: claim it, or release it first`;
  return new BrokerError('name_taken', message, {
    constraint: 'lasting_name',
    requested: name,
    taken_by: { buffer: buffer?.id ?? null, client, pid, executable, unit },
  });
}

function tooMany(requested: number): BrokerError {
  return new BrokerError('limit_exceeded', 'the user has too many lasting names', {
    constraint: 'lasting_names',
    requested: requested + 1,
    possible: { max: requested },
  });
}
