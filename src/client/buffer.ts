/**
 * A buffer in the hands of a client: its planes' fds, mappings of them, and what the daemon may be
 * asked about it.
 *
 * Owns: the fds, until `close` or `release`.
 */
import { fstatSync } from 'node:fs';
import type { HandleType, VulkanMemory } from '../memory/source.js';
import type { UsageName } from '../memory/usage.js';
import { close } from '../native/libc/fd.js';
import { map } from '../native/libc/memory.js';
import { type CallOptions, checkOptions } from './call-options.js';
import { u32 } from './check.js';
import type { Deadline, Recall } from './deadline.js';
import type { BufferDescription, ReceivedMemory, ReceivedPlane } from './description.js';
import type { OrUnknown } from './enums.js';
import { Listeners } from './listeners.js';
import { MappedMemory } from './mapped-memory.js';
import {
  checkMap,
  checkShare,
  type MapOptions,
  type ReadContent,
  type Share,
  type ShareTerms,
} from './terms.js';
import {
  type ByteRange,
  type CopyTerms,
  checkCopy,
  checkRange,
  takeContent,
  type WorkAnswer,
  type WorkPath,
} from './work.js';

/** What a buffer asks of its connection. */
export interface BufferLink {
  /** `forget`: it will not be revoked. */
  share(terms: ShareTerms & CallOptions): Promise<Share & { forget(): void }>;
  renew(seconds: number, options: CallOptions): Promise<void>;
  /** Resolves when the buffer has been given its new memory (`replace`). */
  reissue(): Promise<void>;
  destroy(request: 'destroy' | 'release'): Promise<void>;
  /** For those who listen to all of the connection's buffers. */
  tell(news: BufferNews): void;
  /** Whose connection it is, and the number of its object there. */
  readonly wire: object;
  readonly id: number;
  copy(source: number, what: CopyTerms & CallOptions): Promise<WorkAnswer>;
  fill(value: number, what: ByteRange & CallOptions): Promise<WorkAnswer>;
  read(what: ByteRange & CallOptions): Promise<WorkAnswer>;
}

/** What the connection tells a buffer of. */
export type BufferNews = 'released' | 'recalled' | 'leased' | 'lost' | 'reissued';

export class ClientBuffer implements BufferDescription {
  readonly id: string;
  readonly handleType: OrUnknown<HandleType>;
  readonly source: string;
  readonly format: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly device: string | null;
  readonly checked: BufferDescription['checked'];
  // What follows changes with `reissue`.
  generation: number;
  size: number;
  modifier: bigint | null;
  memories: readonly ReceivedMemory[];
  planes: readonly ReceivedPlane[];
  vulkan: VulkanMemory | null;
  readonly unverifiedUsage: readonly UsageName[];
  /** Why the daemon let go of it, or null: its fds stay good all the same. */
  released: OrUnknown<'owner' | 'administrator' | 'lease_expired'> | null = null;
  /**
   * The daemon asks for it back; null where it does not (any more). After the deadline its owner's
   * user gets no further allocation until it is released; or, with `lease_expired`, the daemon lets
   * go of it.
   */
  recalled: Recall | null = null;
  /**
   * The device was lost, and what this memory holds is undefined: `reissue` replaces it, the owner's
   * at once, anybody else's when the owner's has.
   */
  lost = false;
  #leaseEnds: Deadline | null;
  readonly #listeners = {
    released: new Listeners(),
    recalled: new Listeners(),
    leased: new Listeners(),
    lost: new Listeners(),
    reissued: new Listeners(),
  } satisfies Record<BufferNews, Listeners>;
  #reissuing: Promise<void> | null = null;
  /** fds of lost memory that mappings still synchronise with. */
  readonly #former: ReceivedPlane[] = [];
  readonly #mappings = new Set<MappedMemory>();
  #open = true;

  readonly #link: BufferLink;

  constructor(description: BufferDescription, link: BufferLink, leaseEnds: Deadline | null = null) {
    this.#link = link;
    this.#leaseEnds = leaseEnds;
    this.id = description.id;
    this.generation = description.generation;
    this.handleType = description.handleType;
    this.source = description.source;
    this.size = description.size;
    this.format = description.format;
    this.modifier = description.modifier;
    this.width = description.width;
    this.height = description.height;
    this.memories = description.memories;
    this.planes = description.planes;
    this.device = description.device;
    this.checked = description.checked;
    this.vulkan = description.vulkan;
    this.unverifiedUsage = description.unverifiedUsage;
  }

  /** When the lease ends; null where it has none. */
  get leaseEnds(): Date | null {
    return this.#leaseEnds?.deadline ?? null;
  }

  /** The same as seconds from now, whatever is done to the machine's date. */
  get leaseSecondsLeft(): number | null {
    return this.#leaseEnds?.secondsLeft ?? null;
  }

  /**
   * Maps a memory, or the one that a plane lies in, from its start (mind the plane's offset), or the bytes
   * of it that `offset` and `size` say. Throws TypeError for an opaque_fd, which only a driver can read,
   * and RangeError for what the memory does not have and for more than a Buffer can have (4 GiB with
   * Node 20).
   */
  map(options: MapOptions = {}): MappedMemory {
    checkMap(options, 'options');
    const { plane, memory, write = true, offset = 0, size } = options;
    const { handleType } = this;
    this.#mustBeOpen();
    const { fd, size: whole } = this.#memoryOf(plane, memory);
    if (handleType === 'opaque_fd') throw new TypeError('an opaque_fd cannot be mapped');
    if (handleType === 'unknown')
      throw new TypeError('how memory of this type is mapped is not known');
    const length = size ?? whole - offset;
    if (offset + length > whole) throw new RangeError(`the memory has ${whole} bytes`);
    const mapping = map(fd, length, { write, offset });
    const mapped = new MappedMemory(mapping, handleType === 'dma_buf' ? fd : null);
    this.#mappings.add(mapped);
    return mapped;
  }

  /** An fd of a memory, and how many bytes of it can be mapped: no more than its file has, or SIGBUS follows. */
  #memoryOf(plane: number | undefined, memory: number | undefined): { fd: number; size: number } {
    if (plane !== undefined && memory !== undefined) {
      throw new TypeError('either a plane or a memory is mapped');
    }
    const index = plane === undefined ? (memory ?? 0) : this.planes[plane]?.memory;
    if (index === undefined) throw new RangeError(`there is no plane ${plane}`);
    const told = this.memories[index];
    const [first] = this.planes.filter((each) => each.memory === index);
    if (told === undefined || first === undefined) {
      throw new RangeError(`there is no memory ${index}`);
    }
    // Some kernels do not say how long a dma_buf is; mmap(2) refuses more of one than there is.
    const { size } = fstatSync(first.fd);
    return { fd: first.fd, size: size === 0 ? told.size : Math.min(told.size, size) };
  }

  #mustBeOpen({ signal }: CallOptions = {}): void {
    if (!this.#open) throw new TypeError('the buffer is closed');
    signal?.throwIfAborted();
  }

  /** A token with which other processes can redeem the buffer. Rejects with BrokerError. */
  async share(terms: ShareTerms & CallOptions = {}): Promise<string> {
    const share = await this.#share(terms);
    share.forget();
    return share.token;
  }

  /** The same, with what ends it; the connection keeps a little for it until it is revoked. */
  async shareRevocably(terms: ShareTerms & CallOptions = {}): Promise<Share> {
    return this.#share(terms);
  }

  #share(terms: ShareTerms & CallOptions): ReturnType<BufferLink['share']> {
    checkShare(terms, 'terms');
    this.#mustBeOpen(terms);
    return this.#link.share(terms);
  }

  /** Calls back when the daemon has let go of it: see `released`. Returns what takes the listener off. */
  onReleased(listener: () => void): () => void {
    return this.#listeners.released.add(listener);
  }

  /** Calls back each time that the device is lost, and this buffer's memory with it. */
  onLost(listener: () => void): () => void {
    return this.#listeners.lost.add(listener);
  }

  /** Calls back when somebody else has had the buffer re-issued: `reissue` gets the new memory. */
  onReissued(listener: () => void): () => void {
    return this.#listeners.reissued.add(listener);
  }

  /** Calls back when the daemon asks for the buffer, or no longer does: see `recalled`. */
  onRecalled(listener: () => void): () => void {
    return this.#listeners.recalled.add(listener);
  }

  /**
   * Gets new, zeroed memory in place of what was lost; resolves with its planes. Mappings of the old
   * memory stay what they are. Rejects with BrokerError: `permission_denied` where the buffer is
   * another's, who has not had it re-issued yet.
   */
  async reissue(): Promise<readonly ReceivedPlane[]> {
    this.#mustBeOpen();
    this.#reissuing ??= this.#link.reissue().finally(() => {
      this.#reissuing = null;
    });
    await this.#reissuing;
    return this.planes;
  }

  /** The connection's: takes over the fds of a description. */
  replace(description: BufferDescription): void {
    if (this.#mappings.size > 0) this.#former.push(...this.planes);
    else closeAll(this.planes);
    this.generation = description.generation;
    this.size = description.size;
    this.modifier = description.modifier;
    this.memories = description.memories;
    this.planes = description.planes;
    this.vulkan = description.vulkan;
    this.lost = false;
  }

  /** The connection's: the daemon has let go of it. */
  wasReleased(reason: ClientBuffer['released']): void {
    this.released = reason;
    this.#tell('released');
  }

  /** The connection's: its memory was lost. */
  wasLost(): void {
    this.lost = true;
    this.#tell('lost');
  }

  /** The connection's: when the lease ends now. */
  wasLeased(ends: Deadline): void {
    this.#leaseEnds = ends;
    this.#tell('leased');
    if (this.recalled?.reason === 'lease_expired') this.wasRecalled(null);
  }

  /** The connection's: the daemon asks for it, or no longer does. */
  wasRecalled(recalled: ClientBuffer['recalled']): void {
    this.recalled = recalled;
    this.#tell('recalled');
  }

  /** The connection's: somebody had it re-issued. */
  wasReissued(): void {
    this.#tell('reissued');
  }

  #tell(news: BufferNews): void {
    this.#listeners[news].tell();
    this.#link.tell(news);
  }

  /**
   * Has the daemon copy another buffer of this connection into this one: linear memory into linear
   * memory, or an image into one of the same format, width and height. Rejects with BrokerError.
   */
  async copyFrom(source: ClientBuffer, what: CopyTerms & CallOptions = {}): Promise<WorkPath> {
    if (!(source instanceof ClientBuffer)) throw new TypeError('source must be a ClientBuffer');
    checkCopy(what, 'what');
    this.#mustBeOpen(what);
    source.#mustBeOpen();
    if (source.#link.wire !== this.#link.wire) {
      throw new TypeError('the buffers are of different connections');
    }
    return (await this.#link.copy(source.#link.id, what)).path;
  }

  /** Fills with a 32-bit value; offset and size are multiples of 4. Rejects with BrokerError. */
  async fill(value: number, range: ByteRange & CallOptions = {}): Promise<WorkPath> {
    u32(value, 'value');
    checkRange(range, 'range');
    this.#mustBeOpen(range);
    return (await this.#link.fill(value, range)).path;
  }

  /**
   * The content as it is now, read by the daemon: for memory that this process cannot map, too.
   * Several memories (separate planes) come one after the other. Rejects with BrokerError.
   */
  async read(range: ByteRange & CallOptions = {}): Promise<ReadContent> {
    checkRange(range, 'range');
    this.#mustBeOpen(range);
    const answer = await this.#link.read(range);
    return { path: answer.path, bytes: takeContent(answer) };
  }

  /**
   * Has the lease end so many seconds from now, or later where it would have. Rejects with BrokerError:
   * `permission_denied` where neither this connection owns it nor its token had the right.
   */
  async renew(seconds: number, options: CallOptions = {}): Promise<void> {
    u32(seconds, 'seconds');
    checkOptions(options, 'options');
    this.#mustBeOpen(options);
    await this.#link.renew(seconds, options);
  }

  /** Drops the fds and mappings of this process, then tells the daemon. */
  #end(request: 'destroy' | 'release'): Promise<void> {
    this.#open = false;
    for (const mapping of this.#mappings) mapping.unmap();
    closeAll([...this.planes, ...this.#former]);
    return this.#link.destroy(request);
  }

  /**
   * Closes what this process has; a buffer bound to this connection that it owns is released. Once
   * is enough. Never rejects: a connection that is over has taken the buffer along.
   */
  async close(): Promise<void> {
    if (this.#open) await this.#end('destroy').catch(() => {});
  }

  /**
   * The same, and releases the buffer, whatever its lifetime, if this connection owns it. Rejects with
   * ConnectionError where the daemon can no longer be told; who does not await it does not hear that.
   */
  release(): Promise<void> {
    const released = this.#release();
    released.catch(() => {});
    return released;
  }

  async #release(): Promise<void> {
    this.#mustBeOpen();
    await this.#end('release');
  }
}

function closeAll(planes: readonly ReceivedPlane[]): void {
  for (const fd of new Set(planes.map((plane) => plane.fd))) close(fd);
}
