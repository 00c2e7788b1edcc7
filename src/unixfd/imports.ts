/**
 * dma_bufs that an unixfdsink sends are registered with the broker, where lists show who has them and who is charged. A
 * pipeline sends the same few again and again, each time as new fds: what is known by its file is not registered twice.
 *
 * Owns: the registered buffers, until `close`.
 */
import type { Client, ClientBuffer } from '../client/index.js';
import type { PlaneLayout } from '../memory/plane.js';
import { isDmaBuf } from '../native/kind.js';
import { identity } from '../native/libc/fd.js';
import { type PlaneInMemory, planesIn } from './codec/planes.js';
import { type Extent, PeerFault } from './codec/wire.js';
import type { FrameMemory, Stream } from './frame.js';

/** As many as a V4L2 device's queue has (VIDEO_MAX_FRAME), of which pools are made; those that were not seen for longest go. */
const MOST = 32;

export interface Imported {
  readonly buffer: ClientBuffer;
  readonly memories: readonly FrameMemory[];
  users: number;
  /** It goes when nobody uses it. */
  stale: boolean;
}

export class Imports {
  /** The one that was seen last is last. */
  readonly #known = new Map<string, Imported>();

  constructor(
    private readonly client: Client,
    private readonly stream: Stream,
    private readonly name: string,
  ) {}

  /**
   * The buffer of which these fds are the memories, in use until `giveBack`. The fds stay the caller's. Rejects with
   * PeerFault, and with BrokerError where the daemon refuses it.
   */
  async take(
    fds: readonly number[],
    extents: readonly Extent[],
    told: readonly PlaneLayout[] | null,
  ): Promise<Imported> {
    const other = fds.find((fd) => !isDmaBuf(fd));
    if (other !== undefined) throw new PeerFault('what it calls a dma_buf is none');
    const places = planesIn(extents, this.stream.layout, told);
    const key = JSON.stringify([fds.map(identity), extents, places]);
    const known = this.#known.get(key);
    this.#known.delete(key);
    if (known !== undefined && isKept(known.buffer)) {
      this.#known.set(key, known);
      known.users++;
      return known;
    }
    if (known !== undefined) this.#retire(known);
    const made = await this.#import(fds, extents, places);
    this.#known.set(key, made);
    for (const [oldest, each] of this.#known) {
      if (this.#known.size <= MOST) break;
      this.#known.delete(oldest);
      this.#retire(each);
    }
    return made;
  }

  async #import(
    fds: readonly number[],
    extents: readonly Extent[],
    places: readonly PlaneInMemory[],
  ): Promise<Imported> {
    const { layout, video } = this.stream;
    const { width, height, modifier } = video;
    const planes = places.map(({ memory, offset, stride }) => ({
      ...{ fd: fds[memory] ?? -1, offset, stride },
    }));
    const image = { kind: 'image', width, height, format: layout.fourcc, modifier } as const;
    const buffer = await this.client.import({ ...image, planes, name: this.name });
    const memories = extents.map((extent, memory) => {
      const plane = buffer.planes[places.findIndex((place) => place.memory === memory)];
      return plane === undefined ? null : { ...extent, fd: plane.fd, inBuffer: plane.memory };
    });
    // Its fds are the library's, which has one for each plane.
    const whole = memories.filter((memory) => memory !== null);
    const room = whole.every(({ size, offset, inBuffer }) => {
      const memory = buffer.memories[inBuffer];
      return memory !== undefined && offset + size <= memory.size;
    });
    if (whole.length < memories.length || !room) {
      await buffer.release();
      throw new PeerFault(room ? 'a memory in which no plane lies' : 'more than its dma_buf has');
    }
    return { buffer, memories: whole, users: 1, stale: false };
  }

  giveBack(imported: Imported): void {
    imported.users--;
    if (imported.stale) this.#retire(imported);
  }

  #retire(imported: Imported): void {
    imported.stale = true;
    if (imported.users === 0) imported.buffer.release();
  }

  /** Those that somebody has go when they are given back. */
  close(): void {
    for (const each of this.#known.values()) this.#retire(each);
    this.#known.clear();
  }
}

/** Whether the daemon has it: an administrator may have released it, which is no reason not to register it again. */
const isKept = ({ released, lost, gone }: ClientBuffer): boolean =>
  released === null && !lost && gone === null;
