/**
 * A buffer in the hands of a client: its planes' fds, mappings of them, and what the daemon may be
 * asked about it.
 *
 * Owns: the fds, until `close` or `release`.
 */
import { fstatSync } from 'node:fs';
import type { HandleType } from '../memory/source.js';
import { map } from '../native/libc/memory.js';
import type { BufferHome, BufferLink, BufferNews } from './buffer-link.js';
import { type CallOptions, checkOptions } from './call-options.js';
import { u32 } from './check.js';
import type { Deadline } from './deadline.js';
import type { BufferDescription, ReceivedPlane } from './description.js';
import type { OrUnknown } from './enums.js';
import { type CommitTerms, type Committed, checkCommit } from './lasting.js';
import { MappedMemory } from './mapped-memory.js';
import { closePlanes } from './planes.js';
import {
  checkMap,
  checkShare,
  type MapOptions,
  type ReadContent,
  type Share,
  type ShareTerms,
} from './terms.js';
import { ToldBuffer } from './told-buffer.js';
import { ConnectionError } from './wire-client.js';
import {
  type ByteRange,
  type CopyTerms,
  checkCopy,
  checkRange,
  takeContent,
  type WorkPath,
} from './work.js';

export class ClientBuffer extends ToldBuffer {
  #reissuing: Promise<void> | null = null;
  /** fds of lost memory that mappings still synchronise with. */
  readonly #former: ReceivedPlane[] = [];
  readonly #mappings = new Set<MappedMemory>();
  #open = true;
  /** How often the daemon was asked to write to it. */
  #writes = 0;
  readonly #home: BufferHome;

  constructor(description: BufferDescription, home: BufferHome, leaseEnds: Deadline | null = null) {
    super(description, leaseEnds);
    this.#home = home;
  }

  protected override toldAll(news: BufferNews): void {
    this.#home.tell(news);
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

  /** All types of fd that its planes have; the first is that of `plane.fd`, others are in `plane.further`. */
  get handleTypes(): readonly OrUnknown<HandleType>[] {
    const further = this.planes[0]?.further ?? [];
    return [this.handleType, ...further.map(({ handleType }) => handleType)];
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

  /**
   * The same, with what ends it; the connection keeps a little for it until it is revoked. On a later connection
   * `revoke` rejects with ConnectionError: REST ends the token by its `tokenId` there.
   */
  async shareRevocably(terms: ShareTerms & CallOptions = {}): Promise<Share> {
    return this.#share(terms);
  }

  #share(terms: ShareTerms & CallOptions): ReturnType<BufferLink['share']> {
    checkShare(terms, 'terms');
    this.#mustBeOpen(terms);
    return this.#home.call((link) => link.share(terms), terms);
  }

  /**
   * Gets new, zeroed memory in place of what was lost; resolves with its planes. Mappings of the old
   * memory stay what they are. Rejects with BrokerError: `permission_denied` where the buffer is
   * another's, who has not had it re-issued yet.
   */
  async reissue(): Promise<readonly ReceivedPlane[]> {
    this.#mustBeOpen();
    this.#reissuing ??= this.#home
      .call((link) => link.reissue())
      .finally(() => {
        this.#reissuing = null;
      });
    await this.#reissuing;
    return this.planes;
  }

  /** The connection's: takes over the fds of a description. */
  replace(description: BufferDescription): void {
    if (this.#mappings.size > 0) this.#former.push(...this.planes);
    else closePlanes(this.planes);
    this.generation = description.generation;
    this.size = description.size;
    this.modifier = description.modifier;
    this.memories = description.memories;
    this.planes = description.planes;
    this.vulkan = description.vulkan;
    this.lost = false;
  }

  /**
   * Has the daemon copy another buffer of this connection into this one: linear memory into linear
   * memory, or an image into one of the same format, width and height. Rejects with BrokerError, and with
   * ConnectionError where the connection ended and it cannot be done again, since the source has been
   * written to.
   */
  async copyFrom(source: ClientBuffer, what: CopyTerms & CallOptions = {}): Promise<WorkPath> {
    if (!(source instanceof ClientBuffer)) throw new TypeError('source must be a ClientBuffer');
    checkCopy(what, 'what');
    this.#mustBeOpen(what);
    source.#mustBeOpen();
    if (source.#home.connection !== this.#home.connection) {
      throw new TypeError('the buffers are of different connections');
    }
    const mayRead = source.#reading(source !== this);
    const copy = (link: BufferLink, again: boolean) => {
      mayRead(again);
      if (!again) this.#writes++;
      if (source.gone !== null) throw source.gone;
      // It may have been closed while there was no connection.
      if (!source.#home.link.isThere) throw new TypeError('the source is closed');
      return link.copy(source.#home.link.id, what);
    };
    return (await this.#home.call(copy, what)).path;
  }

  /**
   * Work that reads may be done again for as long as nothing was asked for after it that writes there: the
   * returned function notes when it is done first, and later throws where something was.
   */
  #reading(readsOnly = true): (again: boolean) => void {
    let writes = 0;
    return (again) => {
      if (!again) writes = this.#writes;
      else if (!readsOnly || writes !== this.#writes) {
        throw new ConnectionError(
          'the connection ended before the answer, and what is to be read was written to since',
        );
      }
    };
  }

  /** Fills with a 32-bit value; offset and size are multiples of 4. Rejects with BrokerError. */
  async fill(value: number, range: ByteRange & CallOptions = {}): Promise<WorkPath> {
    u32(value, 'value');
    checkRange(range, 'range');
    this.#mustBeOpen(range);
    const fill = (link: BufferLink, again: boolean) => {
      if (!again) this.#writes++;
      return link.fill(value, range);
    };
    return (await this.#home.call(fill, range)).path;
  }

  /**
   * The content as it is now, read by the daemon: for memory that this process cannot map, too.
   * Several memories (separate planes) come one after the other. Rejects as `copyFrom` does.
   */
  async read(range: ByteRange & CallOptions = {}): Promise<ReadContent> {
    checkRange(range, 'range');
    this.#mustBeOpen(range);
    const mayRead = this.#reading();
    const read = (link: BufferLink, again: boolean) => {
      mayRead(again);
      return link.read(range);
    };
    const answer = await this.#home.call(read, range);
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
    await this.#home.call((link) => link.renew(seconds, options), options);
  }

  /**
   * Gives it a lease of so many seconds in place of the lifetime that it has: for a process that is about to end
   * and to be started again, and then has it by `client.adopt`. Rejects with BrokerError: `permission_denied`
   * where this connection does not own it.
   */
  async park(seconds: number, options: CallOptions = {}): Promise<void> {
    u32(seconds, 'seconds');
    checkOptions(options, 'options');
    this.#mustBeOpen(options);
    await this.#home.call((link) => link.park(seconds, options), options);
  }

  /**
   * Tells everybody who has the buffer that there is new content, with a document of what is where. For its writer: who
   * has allocated it with a lasting name, or claimed it as such. Rejects with BrokerError, and with ConnectionError
   * where the connection ended before the answer: `committed` says then what is published.
   */
  async commit(terms: CommitTerms & CallOptions = {}): Promise<Committed> {
    checkCommit(terms, 'terms');
    this.#mustBeOpen(terms);
    const commit = (link: BufferLink, again: boolean) => {
      if (again) throw new ConnectionError('the connection ended before the commit was answered');
      return link.commit(terms);
    };
    return this.#home.call(commit, terms);
  }

  /** Drops the fds and mappings of this process, then tells the daemon. */
  #end(request: 'destroy' | 'release'): Promise<void> {
    this.#open = false;
    for (const mapping of this.#mappings) mapping.unmap();
    return this.#home.end(request, () => closePlanes([...this.planes, ...this.#former]));
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
