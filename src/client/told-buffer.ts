/**
 * What the daemon has told of a buffer, and who listens to it; buffer.ts has what may be done with it.
 */
import type { HandleType, VulkanMemory } from '../memory/source.js';
import type { UsageName } from '../memory/usage.js';
import type { BrokerError } from './broker-error.js';
import type { BufferNews } from './buffer-link.js';
import type { Deadline, Recall } from './deadline.js';
import type { BufferDescription, ReceivedMemory, ReceivedPlane } from './description.js';
import type { OrUnknown } from './enums.js';
import type { Committed, Metadata } from './lasting.js';
import { Listeners } from './listeners.js';

export abstract class ToldBuffer implements BufferDescription {
  readonly handleType: OrUnknown<HandleType>;
  readonly format: string | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly fellBack: BufferDescription['fellBack'];
  readonly unverifiedUsage: readonly UsageName[];
  // What follows changes with `reissue`, or where the memory was imported anew.
  id: string;
  generation: number;
  source: string;
  size: number;
  modifier: bigint | null;
  memories: readonly ReceivedMemory[];
  planes: readonly ReceivedPlane[];
  device: string | null;
  checked: BufferDescription['checked'];
  vulkan: VulkanMemory | null;
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
  /**
   * Why it could not be had again on a new connection, or null. Its fds and mappings stay good; whatever the
   * daemon is asked about it is refused with this.
   */
  gone: BrokerError | null = null;
  /** What its writer has published last; null: nothing, or its memory was lost since. */
  committed: Committed | null = null;
  /** The document of that: what is where. It comes from who wrote it, and is to be checked as such. */
  metadata: Metadata | null = null;
  #leaseEnds: Deadline | null;
  /** Most buffers have none. */
  #listeners: { [N in BufferNews]?: Listeners } | null = null;

  constructor(description: BufferDescription, leaseEnds: Deadline | null) {
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
    this.fellBack = description.fellBack;
    this.unverifiedUsage = description.unverifiedUsage;
  }

  /** For those who listen to all of the client's buffers. */
  protected abstract toldAll(news: BufferNews): void;

  /** When the lease ends; null where it has none. */
  get leaseEnds(): Date | null {
    return this.#leaseEnds?.deadline ?? null;
  }

  /** The same as seconds from now, whatever is done to the machine's date. */
  get leaseSecondsLeft(): number | null {
    return this.#leaseEnds?.secondsLeft ?? null;
  }

  /** Calls back when the daemon has let go of it: see `released`. Returns what takes the listener off. */
  onReleased(listener: () => void): () => void {
    return this.#on('released', listener);
  }

  /** Calls back each time that the device is lost, and this buffer's memory with it. */
  onLost(listener: () => void): () => void {
    return this.#on('lost', listener);
  }

  /** Calls back when somebody else has had the buffer re-issued: `reissue` gets the new memory. */
  onReissued(listener: () => void): () => void {
    return this.#on('reissued', listener);
  }

  /** Calls back when the daemon asks for the buffer, or no longer does: see `recalled`. */
  onRecalled(listener: () => void): () => void {
    return this.#on('recalled', listener);
  }

  /** Calls back when its writer has published a revision: see `committed` and `metadata`. */
  onCommitted(listener: () => void): () => void {
    return this.#on('committed', listener);
  }

  /** Calls back when a new connection has it as the one before had: nothing of it has changed. */
  onAdopted(listener: () => void): () => void {
    return this.#on('adopted', listener);
  }

  /**
   * Calls back when a daemon that knew nothing of it has imported its memory: it has another `id`, a charge
   * of this client, and no tokens.
   */
  onImported(listener: () => void): () => void {
    return this.#on('imported', listener);
  }

  /** Calls back when a new connection could not have it again: see `gone`. */
  onGone(listener: () => void): () => void {
    return this.#on('gone', listener);
  }

  /** The connection's: the daemon has let go of it. */
  wasReleased(reason: ToldBuffer['released']): void {
    this.released = reason;
    this.#tell('released');
  }

  /** The connection's: its memory was lost. */
  wasLost(): void {
    this.lost = true;
    this.#forget();
    this.#tell('lost');
  }

  /** The connection's: a revision was published. */
  wasCommitted(committed: Committed, metadata: Metadata | null): void {
    const isNews = committed.revision !== this.committed?.revision;
    this.committed = committed;
    this.metadata = metadata;
    if (isNews) this.#tell('committed');
  }

  /** The connection's: when the lease ends now. */
  wasLeased(ends: Deadline): void {
    this.#leaseEnds = ends;
    this.#tell('leased');
    if (this.recalled?.reason === 'lease_expired') this.wasRecalled(null);
  }

  /** The connection's: the daemon asks for it, or no longer does. */
  wasRecalled(recalled: ToldBuffer['recalled']): void {
    this.recalled = recalled;
    this.#tell('recalled');
  }

  /** What was published is of memory that it has no more. */
  #forget(): void {
    this.committed = null;
    this.metadata = null;
  }

  /** The connection's: somebody had it re-issued. */
  wasReissued(): void {
    this.#tell('reissued');
  }

  /** The connection's: it could not be had again. */
  wasRefused(why: BrokerError): void {
    this.gone = why;
    this.#tell('gone');
  }

  /** The connection's: a new one has it. The fds that there are stay: it is the same memory. */
  wasTakenUp(told: BufferDescription, leaseEnds: Deadline | null): void {
    this.#leaseEnds = leaseEnds;
    if (told.id === this.id) {
      if (told.generation !== this.generation) this.#forget();
      this.#tell('adopted');
      // Its planes are still those that the caller has; `reissue` gets the new ones.
      if (told.generation !== this.generation) this.wasReissued();
      return;
    }
    this.id = told.id;
    this.generation = told.generation;
    this.source = told.source;
    this.size = told.size;
    this.memories = told.memories;
    this.planes = this.planes.map((plane, index) => ({
      ...plane,
      ...placeOf(told.planes[index]),
    }));
    this.device = told.device;
    this.checked = told.checked;
    this.#tell('imported');
    if (this.recalled !== null) this.wasRecalled(null);
  }

  #on(news: BufferNews, listener: () => void): () => void {
    this.#listeners ??= {};
    this.#listeners[news] ??= new Listeners();
    return this.#listeners[news].add(listener);
  }

  #tell(news: BufferNews): void {
    this.#listeners?.[news]?.tell();
    this.toldAll(news);
  }
}

/** Without the fds, which the caller has of its own. */
function placeOf(told: ReceivedPlane | undefined): Partial<ReceivedPlane> {
  if (told === undefined) return {};
  const { memory, offset, stride } = told;
  return { memory, offset, stride };
}
