/**
 * Released memory that somebody may still hold: what the kernel tells about that.
 *
 * A dma_buf's fdinfo counts the references to its file, fds in flight and mappings included; with the
 * Vulkan objects destroyed and one fd kept, 1 means that it is nobody else's. That holds where the
 * exporter's memory lives exactly as long as the dma_buf. (One may be kept several times: an import of
 * what the broker had made itself; those references are our own.) A DRM driver's lives on in its own handles,
 * framebuffers and VM bindings: there a count above 1 proves that it is held, and 1 proves nothing.
 *
 * A memfd's references are not counted, but those who opened it are: the daemon hands out a
 * description that it opened itself (sources/memfd.ts), opens another one when the memfd is released,
 * and a write lease on that one is granted exactly when no other description is open (fcntl(2),
 * F_SETLEASE; check_conflicting_open in fs/locks.c). A mapping or a message in flight keeps its
 * description open.
 *
 * An opaque fd tells nothing at all; it is closed at once, since it would keep the memory.
 *
 * Owns: the fds that it was given, until `close`; the count of those for each dma_buf.
 */
import { release } from 'node:os';
import type { Remaining, Remains } from '../broker/lingering.js';
import type { Allocation } from '../broker/source.js';
import { info } from './dmabuf.js';
import { close, identity, reopen } from './libc/fd.js';
import { leasable } from './libc/lease.js';

/**
 * Exporters whose memory is the dma_buf's alone: the system heap and the names of CMA heaps
 * (drivers/dma-buf/heaps), and udmabuf since it pins its pages (Linux 6.11, 7d79cd784470).
 */
const HEAPS = new Set(['system', 'reserved', 'linux,cma', 'default_cma_region']);

function atLeast(kernel: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return a > major || (a === major && b >= minor);
}

/** Whether the kernel will tell when nobody has the memory any more. */
export function tells({ handleType, exporter }: Allocation, kernel: string = release()): boolean {
  if (handleType === 'memfd') return true;
  if (handleType === 'opaque_fd' || exporter === null) return false;
  return HEAPS.has(exporter) || (exporter === 'udmabuf' && atLeast(kernel, 6, 11));
}

/** Looks at each memory; the buffer's is gone when all are. */
class Counted implements Remains {
  constructor(
    private readonly fds: readonly number[],
    private readonly alone: (fd: number) => boolean,
    /** What it means when none is held. */
    private readonly proven: boolean,
  ) {}

  look(): Remaining {
    if (!this.fds.every(this.alone)) return 'lingering';
    return this.proven ? 'gone' : 'unknown';
  }

  close(): void {
    for (const fd of this.fds) close(fd);
  }
}

/** How often each dma_buf, by identity, is kept here. */
const kept = new Map<string, number>();

class CountedDmaBufs extends Counted {
  readonly #identities: readonly string[];

  constructor(fds: readonly number[], proven: boolean) {
    super(fds, (fd) => info(fd)?.count === kept.get(identity(fd)), proven);
    this.#identities = fds.map(identity);
    for (const each of this.#identities) kept.set(each, (kept.get(each) ?? 0) + 1);
  }

  override close(): void {
    for (const each of this.#identities) {
      const left = (kept.get(each) ?? 0) - 1;
      if (left > 0) kept.set(each, left);
      else kept.delete(each);
    }
    super.close();
  }
}

const untold: Remains = { look: () => 'unknown', close: () => {} };

/** Descriptions of their own for memfds; null where the process is out of fds. */
function reopened(fds: readonly number[]): number[] | null {
  const opened: number[] = [];
  try {
    for (const fd of fds) opened.push(reopen(fd));
    return opened;
  } catch {
    for (const fd of opened) close(fd);
    return null;
  }
}

/** Takes ownership of the fds, one a memory. */
export function remains(allocation: Allocation, fds: readonly number[]): Remains {
  if (allocation.handleType === 'dma_buf') {
    return new CountedDmaBufs(fds, tells(allocation));
  }
  const own = allocation.handleType === 'memfd' ? reopened(fds) : null;
  for (const fd of fds) close(fd);
  return own === null ? untold : new Counted(own, leasable, true);
}
