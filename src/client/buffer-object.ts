/**
 * dmabroker_buffer_v1 as the client hears it: what the daemon says of a buffer is gathered until
 * `done`, when it is allocated, imported or redeemed, and again each time that it is re-issued.
 *
 * Owns: the fds of planes that have come, until the description is handed out.
 */
import { fourccName } from '../memory/fourcc.js';
import type { HandleType } from '../memory/source.js';
import { usageNames } from '../memory/usage.js';
import { close } from '../native/libc/fd.js';
import { dmabroker_buffer_v1, dmabroker_share_v1 } from '../protocol/dmabroker-v1.gen.js';
import {
  type Handlers,
  hi,
  join64,
  lo,
  type MessageOf,
  size64,
  type Values,
} from '../protocol/wire.js';
import { BrokerError } from './broker-error.js';
import type { ClientBuffer } from './buffer.js';
import type { BufferLink } from './buffer-link.js';
import type { AllocateOptions, CallOptions } from './call-options.js';
import { Deadline, Recall } from './deadline.js';
import type { BufferDescription, ReceivedMemory, ReceivedPlane } from './description.js';
import { handleTypeOf, nameOf, type OrUnknown } from './enums.js';
import { type CommitTerms, type Committed, type Metadata, sealedMetadata } from './lasting.js';
import type { Line } from './manager.js';
import { parseMetadata } from './metadata.js';
import { closePlanes } from './planes.js';
import { Refusals, textOf } from './refusal.js';
import type { Share, ShareTerms } from './terms.js';
import { ConnectionError, type ProtocolObject } from './wire-client.js';
import { type ByteRange, type CopyTerms, type Work, type WorkAnswer, work } from './work.js';

interface Waiting {
  resolve(buffer: ClientBuffer): void;
  reject(error: Error): void;
}

const ANY_UID = 0xffffffff;

type Info = Omit<
  BufferDescription,
  | 'handleType'
  | 'memories'
  | 'planes'
  | 'device'
  | 'checked'
  | 'vulkan'
  | 'fellBack'
  | 'unverifiedUsage'
>;

type Events = Handlers<typeof dmabroker_buffer_v1, 'events'>;
type Told<N extends keyof Events> = Values<MessageOf<typeof dmabroker_buffer_v1, 'events', N>>;

export class BufferObject implements BufferLink, Events {
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
  #info: Info | null = null;
  #memories: ReceivedMemory[] = [];
  #planes: ReceivedPlane[] = [];
  /** The handle type of what is kept of them. */
  #planeType: number | null = null;
  #device: BufferDescription['device'] = null;
  #checked: BufferDescription['checked'] = null;
  #vulkan: BufferDescription['vulkan'] = null;
  #fellBack: BufferDescription['fellBack'] = null;
  #unverifiedUsage: BufferDescription['unverifiedUsage'] = [];
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
    /** It is to have no others, whatever it is told: a daemon that was restarted does not know of them. */
    private readonly types?: readonly OrUnknown<HandleType>[],
  ) {
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
      closePlanes(this.#planes);
      this.#planes = [];
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

  info(
    ...[id, generation, _types, source, sizeHi, sizeLo, code, modHi, modLo, w, h]: Told<'info'>
  ): void {
    const image = code !== 0;
    this.#info = {
      id,
      generation,
      source,
      size: size64(sizeHi, sizeLo),
      format: image ? fourccName(code) : null,
      modifier: image ? join64(modHi, modLo) : null,
      width: image ? w : null,
      height: image ? h : null,
    };
  }

  memory(...[index, sizeHi, sizeLo]: Told<'memory'>): void {
    this.#memories[index] = { size: size64(sizeHi, sizeLo) };
  }

  plane(...[fd, type, index, memory, offset, stride]: Told<'plane'>): void {
    const handleType = handleTypeOf(type);
    if (this.types?.includes(handleType) === false) {
      close(fd);
      return;
    }
    this.#planeType ??= type;
    const known = this.#planes[index];
    if (known === undefined && type === this.#planeType)
      this.#planes[index] = { fd, memory, offset, stride };
    // The buffer may have been made as several types; what a later daemon has beside those is of no use here.
    else if (known === undefined || type === this.#planeType || handleType === 'unknown') close(fd);
    else
      this.#planes[index] = { ...known, further: [...(known.further ?? []), { handleType, fd }] };
  }

  checked(...[how, reason]: Told<'checked'>): void {
    this.#checked = { how: nameOf(dmabroker_buffer_v1.enums.import_check, how), reason };
  }

  vulkan_memory(...[memoryType, dedicated]: Told<'vulkan_memory'>): void {
    this.#vulkan = { memoryType, dedicated: dedicated === 1 };
  }

  device(uuid: string): void {
    this.#device = uuid;
  }

  fell_back(...[reason, source, message]: Told<'fell_back'>): void {
    const why = nameOf(dmabroker_buffer_v1.enums.fall_back, reason);
    this.#fellBack = { reason: why, source: source === '' ? null : source, message };
  }

  unverified(usage: number): void {
    this.#unverifiedUsage = usageNames(usage);
  }

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
    if (this.#info === null) {
      this.#waiting?.reject(new ConnectionError('done before info'));
      return;
    }
    const [memories, planes] = [this.#memories, this.#planes];
    const handleType = handleTypeOf(this.#planeType ?? 0);
    this.#memories = [];
    this.#planes = [];
    this.#planeType = null;
    const { id, generation, source, size, format, modifier, width, height } = this.#info;
    const description = {
      id,
      generation,
      source,
      size,
      format,
      modifier,
      width,
      height,
      handleType,
      memories,
      planes,
      device: this.#device,
      checked: this.#checked,
      vulkan: this.#vulkan,
      fellBack: this.#fellBack,
      unverifiedUsage: this.#unverifiedUsage,
    };
    if (this.#buffer === null) {
      this.#buffer = this.arrived(this, description, this.#leaseEnds);
      const told = this.#committed;
      if (told !== null) this.#buffer.wasCommitted(told.committed, told.metadata);
    } else this.#buffer.replace(description);
    this.#waiting?.resolve(this.#buffer);
  }

  async share(terms: ShareTerms & CallOptions): Promise<Share & { forget(): void }> {
    const { uses = 1, uid = ANY_UID, seconds = 0, mayRenew = false } = terms;
    const rights = mayRenew ? dmabroker_share_v1.enums.right.renew : 0;
    const refusals = new Refusals();
    let tokenId = '';
    const share = this.line.wire.create(dmabroker_share_v1, {
      long_detail: refusals.longDetail,
      token_id: (id) => {
        tokenId = id;
      },
      token: (token) => settle.resolve(token),
      failed: (...failure) => settle.reject(refusals.of(...failure)),
    });
    let settle: { resolve(token: string): void; reject(error: Error): void };
    const end = (first?: 'revoke'): void => {
      if (share.dead || !this.line.wire.isOpen) return;
      if (first !== undefined) share.request(first);
      share.request('destroy');
    };
    try {
      const token = await this.line.wire.answer<string>((resolve, reject) => {
        settle = { resolve, reject };
        this.#object.request('share', share.id, uses, uid, seconds, rights);
      }, terms);
      const revoke = async (): Promise<void> => {
        if (share.dead) return;
        if (!this.line.wire.isOpen) {
          throw new ConnectionError(`the connection that made the token ${tokenId} is over`);
        }
        end('revoke');
        await this.line.wire.sync();
      };
      return { token, tokenId, revoke, forget: () => end() };
    } catch (error) {
      // Given up: nobody will know the token.
      end(error instanceof BrokerError ? undefined : 'revoke');
      throw error;
    }
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
