/**
 * Commits: a writer tells that there is new content, with a document of what is where. Nobody is told before what
 * is said would be said again by a daemon that is started after this one; of one buffer, one commit after the other.
 * What has waited for a document to be kept is done a bounded number in a turn, since one client says how much that is.
 * A reader whose user has no room for one more that it may not read is told when there is, of the newest.
 *
 * Owns: how many commits a user has left, a document until it is published, what waits behind it, and who is told later.
 */
import { BrokerError, isOutOfFds, outOfFds } from '../memory/errors.js';
import { BEHIND_COMMITS_PER_TURN, MAX_TOLD_A_TURN, METADATA_PER_SECOND } from '../memory/limits.js';
import { attempt, type Done } from '../memory/result.js';
import type { BrokerBuffer, BufferLasting, Client, Watcher } from './buffer.js';
import { Document } from './document.js';
import { type Committed, layoutDigest } from './lasting.js';
import { checkMetadata } from './metadata.js';
import { Bucket } from './quota/bucket.js';
import type { Quotas } from './quota/quotas.js';
import type { Registry } from './registry.js';
import { Rounds } from './rounds.js';
import { checkLive } from './sharing.js';
import type { Surroundings } from './surroundings.js';
import { tellings } from './tellings.js';

export interface CommitRequest {
  /** 0: the next one. */
  readonly revision: number;
  /** What the client has sent; null: the document of before stays. */
  readonly metadata: (() => Uint8Array) | null;
}

/** Told how many requests more wait for an answer than before, or fewer: whoever sends them is not heard for ever. */
export type Waiting = (more: number) => void;

interface Asking {
  readonly client: Client;
  readonly watcher: Watcher;
  readonly waiting: Waiting;
}

interface Parts {
  readonly world: Surroundings;
  readonly quotas: Quotas;
  readonly registry: Registry;
  /** Somebody may wait for the first. */
  committed(lasting: BufferLasting): void;
}

/** Users whose buckets are full again are forgotten beyond so many. */
const MAX_BUCKETS = 256;

export class Commits {
  readonly #buckets = new Map<number, Bucket>();
  /** Those whose document is being kept. */
  readonly #keeping = new Set<BrokerBuffer>();
  /** Those with requests that have waited for that, whose turn it is. */
  readonly #behind = new Set<BrokerBuffer>();
  readonly #tellings = tellings((watcher, buffer) => tell(watcher, buffer));
  /** Those whose users have had no room for a document. */
  readonly #later = new Map<Watcher, BrokerBuffer>();
  readonly #again = new Rounds<Commits, Watcher>({
    atMost: MAX_TOLD_A_TURN,
    members: () => [...this.#later.keys()],
    visit: (watcher) => {
      const buffer = this.#later.get(watcher);
      this.#later.delete(watcher);
      if (buffer?.watchers.has(watcher) === true) tell(watcher, buffer);
    },
  });
  /** As of `Quotas.freed`, when all of them were tried last. */
  #tried = 0;

  constructor(private readonly parts: Parts) {}

  /**
   * Does what has waited behind commits, and tells those of a new revision who have an object for the buffer: the newest;
   * a bounded number of both in a turn.
   */
  run(): void {
    for (let left = BEHIND_COMMITS_PER_TURN; left > 0; left--) {
      const [buffer] = this.#behind;
      if (buffer === undefined) break;
      // Behind the others'.
      this.#behind.delete(buffer);
      buffer.lasting?.pending?.shift()?.();
      this.#goOn(buffer);
    }
    this.#tellings.run();
    if (this.#mayHaveRoom) {
      this.#tried = this.parts.quotas.freed;
      this.#again.begin(this, undefined);
    }
    this.#again.run();
  }

  get #mayHaveRoom(): boolean {
    return this.#later.size > 0 && this.parts.quotas.freed !== this.#tried;
  }

  /** Milliseconds until `run` has something to do; -1: never. */
  get wait(): number {
    if (this.#behind.size > 0 || this.#tellings.waiting) return 0;
    return this.#again.waiting || this.#mayHaveRoom ? 0 : -1;
  }

  /** Whether something is to be done behind a commit, which is not being kept any more. */
  #goOn(buffer: BrokerBuffer): void {
    const { lasting } = buffer;
    if (lasting?.pending == null || this.#keeping.has(buffer)) return;
    if (lasting.pending.length > 0) this.#behind.add(buffer);
    else lasting.pending = null;
  }

  released(buffer: BrokerBuffer): void {
    this.#tellings.end(buffer);
    for (const watcher of buffer.watchers) this.#later.delete(watcher);
  }

  /** An object has gone. */
  left(watcher: Watcher): void {
    this.#later.delete(watcher);
  }

  /**
   * An object of a client's is about to be told of a document. Returns what is to be called when the client has received
   * that; null, where its user has no room for it now: the object is told later, of the newest. `anyway`: never null, of
   * what its user had room for (`Quotas.redeem`), or has had before (`adopt`).
   */
  send(
    { client, watcher }: Pick<Asking, 'client' | 'watcher'>,
    buffer: BrokerBuffer,
    document: Document,
    anyway = false,
  ): (() => void) | null {
    const { quotas } = this.parts;
    try {
      if (!anyway) quotas.checkReader(document, client);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      if (this.#later.size === 0) this.#tried = quotas.freed;
      this.#later.set(watcher, buffer);
      return null;
    }
    return document.sentTo(quotas.whoOf(client));
  }

  /** `done` is called once, before everybody else who has an object for the buffer is told (`run`). */
  commit(
    { client, watcher, waiting }: Asking,
    buffer: BrokerBuffer,
    request: CommitRequest,
    done: Done<Committed>,
  ): void {
    const { lasting } = buffer;
    if (lasting === null) {
      const message = 'only a buffer with a lasting name has revisions';
      done({ error: new BrokerError('invalid_argument', message, { constraint: 'lasting_name' }) });
      return;
    }
    const begin = () => this.#begin(buffer, lasting, client, watcher, request, done);
    this.inTurn(buffer, begin, waiting);
  }

  /** Runs what was asked for behind commits when these are done; `waiting` is told of it until then. */
  inTurn({ lasting }: BrokerBuffer, run: () => void, waiting: Waiting): void {
    if (lasting?.pending == null) {
      run();
      return;
    }
    waiting(1);
    lasting.pending.push(() => {
      waiting(-1);
      run();
    });
  }

  /** The document of its last revision: the JSON as its writer has sent it. Throws `not_found`. */
  metadata({ id, lasting }: BrokerBuffer): string {
    const metadata = lasting?.committed?.metadata ?? null;
    if (metadata === null) {
      const message = `nothing was committed of ${id} that has a document`;
      throw new BrokerError('not_found', message, { constraint: 'metadata' });
    }
    return this.parts.world.sealedText(metadata.held.fds[0] ?? -1, metadata.size);
  }

  #begin(
    buffer: BrokerBuffer,
    lasting: BufferLasting,
    client: Client,
    watcher: Watcher,
    { revision: wanted, metadata }: CommitRequest,
    done: Done<Committed>,
  ): void {
    const made = attempt(() => {
      const revision = this.#check(buffer, lasting, client, wanted);
      return { revision, document: metadata && this.#document(buffer, lasting, client, metadata) };
    });
    if ('error' in made) {
      done(made);
      return;
    }
    const { revision, document } = made;
    if (document === null) {
      this.#publish(buffer, lasting, { revision, document }, watcher, done);
      return;
    }
    const { generation } = buffer;
    // It may be what was behind another, with more behind it.
    lasting.pending ??= [];
    this.#keeping.add(buffer);
    this.parts.world.keepMetadata(buffer, document, () => {
      if (buffer.released || buffer.state === 'lost' || buffer.generation !== generation) {
        document.letGo();
        done({ error: tooLate(buffer) });
      } else this.#publish(buffer, lasting, { revision, document }, watcher, done);
      this.#keeping.delete(buffer);
      this.#goOn(buffer);
    });
  }

  #check(buffer: BrokerBuffer, lasting: BufferLasting, client: Client, wanted: number): number {
    if (buffer.released) throw new BrokerError('not_found', 'the buffer is released');
    if (lasting.writer !== client) {
      const message = `another connection is the writer of ${lasting.name}, or none: claim it as its writer`;
      throw new BrokerError('permission_denied', message, { constraint: 'writer' });
    }
    checkLive(buffer);
    const revision = wanted === 0 ? lasting.revision + 1 : wanted;
    if (revision > lasting.revision && revision <= Number.MAX_SAFE_INTEGER) return revision;
    const max = Number.MAX_SAFE_INTEGER;
    const last = `the last revision of ${lasting.name} is ${lasting.revision}`;
    const isLast = lasting.revision >= max;
    const message = isLast
      ? `${last}, and none is larger: only a new buffer has more`
      : `${last}, and the next one is larger, up to ${max}`;
    throw new BrokerError('invalid_argument', message, {
      constraint: 'revision',
      requested: wanted,
      ...(!isLast && { possible: { min: lasting.revision + 1, max } }),
    });
  }

  #document(
    buffer: BrokerBuffer,
    lasting: BufferLasting,
    client: Client,
    metadata: () => Uint8Array,
  ): Document {
    const { world, quotas } = this.parts;
    this.#pace(quotas.whoOf(client).uid);
    const bytes = metadata();
    const text = checkMetadata(bytes);
    // Beside the one that it is to replace, which is there until this one is published.
    const charge = quotas.holdDocument(buffer, bytes.length);
    try {
      const fd = sealed(() => world.sealText(text));
      const parts = documentParts(world, quotas);
      return new Document(fd, charge, bytes.length, ++lasting.documents, parts);
    } catch (error) {
      charge.release();
      throw error;
    }
  }

  /** To read a document takes the daemon's time, which is everybody's. */
  #pace(uid: number): void {
    const now = this.parts.world.clock.now();
    const bucket = this.#buckets.get(uid) ?? new Bucket();
    const wait = bucket.wait(METADATA_PER_SECOND, now);
    if (wait > 0) {
      const message = `${METADATA_PER_SECOND} documents a second can be published`;
      throw new BrokerError('limit_exceeded', message, {
        constraint: 'metadata',
        possible: { max: METADATA_PER_SECOND, after_seconds: wait },
      });
    }
    bucket.take(METADATA_PER_SECOND, now);
    this.#buckets.set(uid, bucket);
    if (this.#buckets.size <= MAX_BUCKETS) return;
    for (const [each, other] of this.#buckets) {
      if (other.full(METADATA_PER_SECOND, now)) this.#buckets.delete(each);
    }
  }

  #publish(
    buffer: BrokerBuffer,
    lasting: BufferLasting,
    { revision, document }: { readonly revision: number; readonly document: Document | null },
    watcher: Watcher,
    done: Done<Committed>,
  ): void {
    const { world, registry } = this.parts;
    const before = lasting.committed?.metadata ?? null;
    const isFirst = lasting.committed === null;
    const committed: Committed = {
      ...{ revision, digest: layoutDigest(buffer), at: world.clock.now() },
      metadata: document ?? before,
    };
    lasting.revision = revision;
    lasting.committed = committed;
    if (document !== null) {
      // Its buffer may have another owner since it was made.
      document.ownedBy(buffer.charge.who);
      before?.letGo();
    }
    const by = lasting.writer && { client: lasting.writer, peer: lasting.writer.peer };
    registry.happened({ type: 'buffer.committed', buffer, revision, by });
    world.changed(buffer);
    done(committed);
    this.#tellings.begin(buffer, watcher);
    if (isFirst) this.parts.committed(lasting);
  }
}

function tell(watcher: Watcher, { lasting }: BrokerBuffer): void {
  if (lasting?.committed != null) watcher.committed?.(lasting.committed);
}

/** What documents need of the world. */
export const documentParts = (world: Pick<Surroundings, 'closeFd'>, quotas: Quotas) => ({
  pass: quotas.pass.bind(quotas),
  closeFd: (fd: number) => world.closeFd(fd),
});

/** While it was being kept. */
function tooLate({ released }: BrokerBuffer): BrokerError {
  if (released) return new BrokerError('not_found', 'the buffer is released');
  return new BrokerError('device_lost', 'the memory was lost before it was committed');
}

function sealed(make: () => number): number {
  try {
    return make();
  } catch (error) {
    if (isOutOfFds(error)) throw outOfFds();
    if (!(error instanceof Error && 'code' in error) || error instanceof BrokerError) throw error;
    throw new BrokerError('out_of_memory', 'there is no memory for the metadata', {
      constraint: 'metadata',
    });
  }
}
