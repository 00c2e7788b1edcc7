/**
 * Released memory that somebody may still hold: what the kernel tells about that.
 *
 * A dma_buf's fdinfo counts the references to its file, fds in flight and mappings included; with the
 * Vulkan objects destroyed and one fd kept, 1 means that nobody else can use it. (A descriptor opened with
 * O_PATH is not counted: nothing can be done with it, and it cannot be opened again, but it keeps the memory.
 * No answer of the kernel tells of it, so that this is `counted`, and no more.) That holds where the
 * exporter's memory lives exactly as long as the dma_buf. (One may be kept several times: an import of
 * what the broker had made itself; those references are our own.) A DRM driver's lives on in its own handles,
 * framebuffers and VM bindings: there a count above 1 proves that it is held, and 1 proves nothing.
 *
 * A memfd's references are not counted, but the end of the last one is told, of whatever kind it was
 * (libc/inotify.ts). Its fd is closed at once, so that it is nobody's reference.
 *
 * An opaque fd tells nothing at all; it is closed at once, since it would keep the memory.
 *
 * Owns: the fds that it was given, until `close`; the count of those for each dma_buf; the watch of memfds.
 */
import { release } from 'node:os';
import { isOutOfFds } from '../memory/errors.js';
import { isMainline } from '../memory/heaps.js';
import type { Remaining, Remains } from '../memory/remains.js';
import type { Allocation, Face } from '../memory/source.js';
import { info } from './dmabuf.js';
import { SystemError } from './libc/errno.js';
import { close, identity } from './libc/fd.js';
import { GoneWatch } from './libc/inotify.js';

/**
 * NVIDIA's: a dma_buf holds the GPU's memory until its last reference is gone. Where the broker's CUDA made it, it let go
 * of its own at the release, and there is no other way to that memory, since it was exported as nothing else; of an import
 * its maker has one.
 */
const CUDA = 'nv_dmabuf';

function atLeast(kernel: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

/** What the kernel will tell, at best, when nobody has the memory any more. */
export function tells(
  { source, handleType, exporter, faces = [] }: Allocation,
  kernel: string = release(),
): Exclude<Remaining, 'lingering' | 'unseen'> {
  // Of two that lead to the same memory, the one that tells less: a POSIX file descriptor in another process is seen
  // by nobody, and a memfd of before a restart is watched no more.
  const isUntold = ({ handleType, fds }: Face) => handleType === 'opaque_fd' || fds.length === 0;
  if (faces.some(isUntold)) return 'unknown';
  if (handleType === 'memfd') return 'gone';
  if (handleType === 'opaque_fd' || exporter === null) return 'unknown';
  // Exporters whose memory is the dma_buf's alone: udmabuf since it pins its pages (Linux 6.11, 7d79cd784470).
  const isCounted =
    isMainline(exporter) ||
    (exporter === 'udmabuf' && atLeast(kernel, 6, 11)) ||
    (exporter === CUDA && source === 'cuda');
  return isCounted ? 'counted' : 'unknown';
}

/** How often each dma_buf, by identity, is kept here. */
const kept = new Map<string, number>();

/** Somebody keeps a reference to a dma_buf for the daemon: the service manager. Or no more. */
export function referredElsewhere(identity: string, by: 1 | -1): void {
  const now = (kept.get(identity) ?? 0) + by;
  if (now > 0) kept.set(identity, now);
  else kept.delete(identity);
}

/** Of all references; where no fd is left to ask with, as if somebody had one: it is asked again. */
function countOf(fd: number): number {
  try {
    return info(fd)?.count ?? 0;
  } catch (error) {
    if (isOutOfFds(error)) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** The buffer's memory is gone when each of its dma_bufs is nobody else's. */
class CountedDmaBufs implements Remains {
  readonly #identities: string[];

  constructor(
    private fds: readonly number[],
    /** What it is where nobody else has a reference. */
    private readonly alone: Remaining,
    /** Where nobody else has one, nobody comes by one again: they tell nothing more, and would keep the memory. */
    private readonly once: boolean,
  ) {
    this.#identities = fds.map(identity);
    for (const each of this.#identities) kept.set(each, (kept.get(each) ?? 0) + 1);
  }

  look(): Remaining {
    // Fewer where the manager has not taken what it was sent.
    const alone = (fd: number) => countOf(fd) <= (kept.get(identity(fd)) ?? 0);
    if (!this.fds.every(alone)) return 'lingering';
    if (this.once) this.close();
    return this.alone;
  }

  close(): void {
    for (const each of this.#identities.splice(0)) {
      const left = (kept.get(each) ?? 0) - 1;
      if (left > 0) kept.set(each, left);
      else kept.delete(each);
    }
    for (const fd of this.fds) close(fd);
    this.fds = [];
  }
}

/** One for all, from the start: a user has few instances. Null where there is none to be had. */
const shared = makeWatch();

function makeWatch(): GoneWatch | null {
  try {
    return new GoneWatch();
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** All or none. */
function all(fds: readonly number[], watch: GoneWatch): number[] {
  const watches: number[] = [];
  try {
    for (const fd of fds) watches.push(watch.watch(fd));
    return watches;
  } catch (error) {
    for (const each of watches) watch.forget(each);
    throw error;
  }
}

class WatchedMemfds implements Remains {
  readonly #watches: readonly number[];

  /** The fds stay the caller's. Throws where the kernel watches no more. */
  constructor(
    fds: readonly number[],
    private readonly watch: GoneWatch,
  ) {
    const [fd] = fds;
    this.#watches = fds.length === 1 && fd !== undefined ? [watch.watch(fd)] : all(fds, watch);
  }

  look(): Remaining {
    return this.#watches.every((each) => this.watch.gone(each)) ? 'gone' : 'lingering';
  }

  close(): void {
    for (const each of this.#watches) this.watch.forget(each);
  }
}

/** An earlier daemon had it, and this one has no fd of it. */
const unseen: Remains = { look: () => 'unseen', close: () => {} };

const untold: Remains = { look: () => 'unknown', close: () => {} };

function watched(fds: readonly number[], watch: GoneWatch | null): Remains {
  if (watch === null) return untold;
  try {
    return new WatchedMemfds(fds, watch);
  } catch (error) {
    // Too many watches: then nothing is told.
    if (error instanceof SystemError) return untold;
    throw error;
  }
}

/** Held by whoever has the memory by either of two faces. */
class Both implements Remains {
  constructor(
    private readonly one: Remains,
    private readonly other: Remains,
  ) {}

  look(): Remaining {
    const [one, other] = [this.one.look(), this.other.look()];
    if (one === 'lingering' || other === 'lingering') return 'lingering';
    return other === 'gone' ? one : 'unknown';
  }

  close(): void {
    this.one.close();
    this.other.close();
  }
}

/** Takes ownership of the fds, one a memory; behind them those of its further faces. */
export function remains(
  allocation: Allocation,
  all: readonly number[],
  watch: GoneWatch | null = shared,
): Remains {
  const { handleType, identities, memories, faces } = allocation;
  if (all.length === 0 && identities !== undefined) return unseen;
  const fds = faces === undefined ? all : all.slice(0, memories.length);
  const further = all.slice(fds.length);
  if (further.length > 0) {
    const isWatched = faces?.some((face) => face.handleType === 'memfd') ?? false;
    const seen = isWatched ? watched(further, watch) : null;
    for (const fd of further) close(fd);
    const first = remains({ ...allocation, faces: isWatched ? [] : (faces ?? []) }, fds, watch);
    return seen === null ? first : new Both(first, seen);
  }
  if (handleType === 'dma_buf') {
    const told = tells(allocation);
    // What can be had as a POSIX file descriptor, too, is not known to be gone by the end of its dma_bufs, which count.
    const once = told === 'unknown' && tells({ ...allocation, faces: [] }) === 'counted';
    return new CountedDmaBufs(fds, told, once);
  }
  const left = handleType === 'memfd' ? watched(fds, watch) : untold;
  for (const fd of fds) close(fd);
  return left;
}
