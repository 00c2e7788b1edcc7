/**
 * A buffer's object, dmabroker_buffer_v1, as a client has it: asks the daemon, hands out what the events describe
 * (gathered.ts), and tells the buffer what becomes of it.
 */
import type { HandleType } from '../memory/source.js';
import { close } from '../native/libc/fd.js';
import { dmabroker_buffer_v1 } from '../protocol/dmabroker-v1.gen.js';
import { hi, lo, size64 } from '../protocol/wire.js';
import { BrokerError } from './broker-error.js';
import type { ClientBuffer } from './buffer.js';
import type { BufferLink } from './buffer-link.js';
import type { AllocateOptions, CallOptions } from './call-options.js';
import { Deadline, Recall } from './deadline.js';
import type { BufferDescription } from './description.js';
import { nameOf, type OrUnknown } from './enums.js';
import { type BufferEvents, Gathered, type Told } from './gathered.js';
import { type CommitTerms, type Committed, type Metadata, sealedMetadata } from './lasting.js';
import type { Line } from './manager.js';
import { parseMetadata } from './metadata.js';
import { Refusals, textOf } from './refusal.js';
import { type Shared, share } from './share.js';
import type { ShareTerms } from './terms.js';
import { ConnectionError, type ProtocolObject } from './wire-client.js';
import { type ByteRange, type CopyTerms, type Work, type WorkAnswer, work } from './work.js';

interface Waiting {
  resolve(buffer: ClientBuffer): void;
  reject(error: Error): void;
}

export class BufferObject extends Gathered implements BufferLink, BufferEvents {
  readonly #object: ProtocolObject<typeof dmabroker_buffer_v1>;
  #waiting: Waiting | null = null;
  #onWaiting: AllocateOptions['onWaiting'];
  /** `renew` and `park`, in the order of the requests, which is that of the answers. */
  readonly #leasing: { resolve(): void; reject(error: Error): void }[] = [];
  /** `commit`, likewise. */
  readonly #committing: {
    resolve(committed: Committed): void;
    reject(error: Error): void;
    readonly metadata: Metadata | null;
  }[] = [];
  /** What was published last: before the buffer is there, too. */
  #committed: { readonly committed: Committed; readonly metadata: Metadata | null } | null = null;
  /** Of the `committed` that follows. */
  #metadata: Metadata | null = null;
  /** Most requests are not refused. */
  #refusing: Refusals | null = null;
  #leaseEnds: Deadline | null = null;
  /** Told at once what becomes of it, in the order of the events. */
  #buffer: ClientBuffer | null = null;

  constructor(
    readonly line: Line,
    /** The buffer that a description is of, when it has come for the first time. */
    private readonly arrived: (
      object: BufferObject,
      description: BufferDescription,
      leaseEnds: Deadline | null,
    ) => ClientBuffer,
    types?: readonly OrUnknown<HandleType>[],
  ) {
    super(types);
    this.#object = line.wire.create(dmabroker_buffer_v1, this);
  }

  get #refusals(): Refusals {
    this.#refusing ??= new Refusals();
    return this.#refusing;
  }

  get id(): number {
    return this.#object.id;
  }

  get isThere(): boolean {
    return !this.#object.dead && this.line.wire.isOpen;
  }

  /**
   * Sends a request that is answered by info, plane and done, or by failed (BrokerError). A signal gives
   * up what does not exist yet, by `end`; a buffer that there is stays, and takes its answer all the same.
   */
  async receive(
    ask: () => void,
    options: AllocateOptions = {},
    end: 'destroy' | 'release' = 'destroy',
  ): Promise<ClientBuffer> {
    this.#onWaiting = options.onWaiting;
    try {
      return await this.line.wire.answer((resolve, reject) => {
        this.#waiting = { resolve, reject };
        ask();
      }, options);
    } catch (error) {
      if (this.#buffer !== null && this.line.wire.isOpen && !this.#object.dead) throw error;
      // The connection may have ended between them and done; or it was given up.
      this.drop();
      if (!this.#object.dead && this.line.wire.isOpen) {
        // done may have been sent already; then the buffer is there for as long as its lifetime says.
        if (end === 'release' && !(error instanceof BrokerError)) this.#object.request('release');
        this.#object.request('destroy');
      }
      throw error;
    } finally {
      this.#waiting = null;
      this.#onWaiting = undefined;
    }
  }

  // The events: the object is what takes them, since thousands of buffers would else have a function for each of them.

  long_detail(...detail: Told<'long_detail'>): void {
    this.#refusals.longDetail(...detail);
  }

  failed(...failure: Told<'failed'>): void {
    this.#waiting?.reject(this.#refusals.of(...failure));
  }

  released(reason: number): void {
    this.#buffer?.wasReleased(nameOf(dmabroker_buffer_v1.enums.release_reason, reason));
  }

  recall(...[reason, seconds]: Told<'recall'>): void {
    this.#buffer?.wasRecalled(recallOf(reason, seconds));
  }

  lease(...[seconds, answer]: Told<'lease'>): void {
    this.#leaseEnds = new Deadline(seconds);
    this.#buffer?.wasLeased(this.#leaseEnds);
    if (answer === 1) this.#leasing.shift()?.resolve();
  }

  lease_refused(...failure: Told<'lease_refused'>): void {
    this.#leasing.shift()?.reject(this.#refusals.of(...failure));
  }

  metadata(...[fd, size]: Told<'metadata'>): void {
    try {
      const json = textOf(fd, size);
      this.#metadata = json === null ? null : (JSON.parse(json) as Metadata);
    } finally {
      close(fd);
    }
  }

  committed(...[high, low, digest, answer]: Told<'committed'>): void {
    const committed = { revision: size64(high, low), digest };
    const own = answer === 1 ? this.#committing.shift() : undefined;
    // Its own document nobody sends back.
    const kept = answer === 1 ? (this.#committed?.metadata ?? null) : null;
    const metadata = own?.metadata ?? this.#metadata ?? kept;
    this.#metadata = null;
    this.#committed = { committed, metadata };
    this.#buffer?.wasCommitted(committed, metadata);
    own?.resolve(committed);
  }

  commit_refused(...failure: Told<'commit_refused'>): void {
    this.#committing.shift()?.reject(this.#refusals.of(...failure));
  }

  waiting(place: number): void {
    this.#onWaiting?.(place);
  }

  lost(): void {
    this.#buffer?.wasLost();
  }

  reissued(): void {
    this.#buffer?.wasReissued();
  }

  done(): void {
    const description = this.take();
    if (description === null) {
      this.#waiting?.reject(new ConnectionError('done before info'));
      return;
    }
    if (this.#buffer === null) {
      this.#buffer = this.arrived(this, description, this.#leaseEnds);
      const told = this.#committed;
      if (told !== null) this.#buffer.wasCommitted(told.committed, told.metadata);
    } else this.#buffer.replace(description);
    this.#waiting?.resolve(this.#buffer);
  }

  share(terms: ShareTerms & CallOptions): Promise<Shared> {
    return share(this.line.wire, (...asked) => this.#object.request('share', ...asked), terms);
  }

  renew(seconds: number, options: CallOptions): Promise<void> {
    return this.#lease('renew', seconds, options);
  }

  park(seconds: number, options: CallOptions): Promise<void> {
    return this.#lease('park', seconds, options);
  }

  commit({ revision = 0, metadata, signal }: CommitTerms & CallOptions): Promise<Committed> {
    const document = metadata === undefined ? null : sealedMetadata(metadata);
    const own = typeof metadata === 'string' ? parseMetadata(metadata) : (metadata ?? null);
    try {
      return this.line.wire.answer<Committed>(
        (resolve, reject) => {
          if (document !== null) this.#object.request('set_metadata', document.fd, document.size);
          this.#object.request('commit', hi(revision), lo(revision));
          this.#committing.push({ resolve, reject, metadata: own });
        },
        signal === undefined ? {} : { signal },
      );
    } finally {
      // A request with an fd is sent at once.
      if (document !== null) close(document.fd);
    }
  }

  #lease(request: 'renew' | 'park', seconds: number, options: CallOptions): Promise<void> {
    return this.line.wire.answer((resolve, reject) => {
      this.#leasing.push({ resolve, reject });
      this.#object.request(request, seconds);
    }, options);
  }

  copy(source: number, what: CopyTerms & CallOptions): Promise<WorkAnswer> {
    const { sourceOffset = 0 } = what;
    return this.#work(what, (work) => {
      if (sourceOffset !== 0) {
        work.request('set_source_offset', hi(sourceOffset), lo(sourceOffset));
      }
      work.request('copy', source);
    });
  }

  fill(value: number, range: ByteRange & CallOptions): Promise<WorkAnswer> {
    return this.#work(range, (work) => work.request('fill', value));
  }

  read(range: ByteRange & CallOptions): Promise<WorkAnswer> {
    return this.#work(range, (work) => work.request('read'));
  }

  #work(range: ByteRange & CallOptions, ask: (work: Work) => void): Promise<WorkAnswer> {
    const create = (id: number): void =>
      this.line.manager.request('create_work', id, this.#object.id);
    return work(this.line.wire, { create, range, ask }, range);
  }

  async reissue(): Promise<void> {
    await this.receive(() => this.#object.request('reissue'));
  }

  /**
   * Ends the object, and resolves when the daemon has taken that; fds that are on their way to it are closed as they
   * come.
   */
  destroy(request: 'destroy' | 'release'): Promise<void> {
    return this.line.wire.answer((resolve) => {
      if (request === 'release') this.#object.request('release');
      this.#object.deleted = resolve;
      this.#object.request('destroy');
      // What is answered from now on is not heard.
      const others = [...this.#leasing.splice(0), ...this.#committing.splice(0)];
      const closed = new TypeError('the buffer is closed');
      for (const each of [this.#waiting, ...others]) each?.reject(closed);
    });
  }
}

function recallOf(value: number, seconds: number): ClientBuffer['recalled'] {
  const reason = nameOf(dmabroker_buffer_v1.enums.recall_reason, value);
  if (reason === 'withdrawn') return null;
  return new Recall(reason, seconds);
}
