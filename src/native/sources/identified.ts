/** An allocation with what tells its memories from all others: found out by whoever allocates. */
import { everyFd } from '../../memory/faces.js';
import type { Allocation, MemorySource } from '../../memory/source.js';
import { close, identity } from '../libc/fd.js';

function fdsOf({ planes }: Allocation): readonly number[] {
  const fds = planes.map(({ fd }) => fd);
  return fds.length === 1 ? fds : [...new Set(fds)];
}

/** The same with `identities`; the fds stay whosever they are. */
export function withIdentities(allocation: Allocation): Allocation {
  // Every opaque fd is the driver's one device file.
  if (allocation.handleType === 'opaque_fd') return allocation;
  const identities = fdsOf(allocation).map(identity);
  const { source, handleType, key, memories, size, modifier, placement, planes, exporter } =
    allocation;
  const { device, heaps, vulkan, check, funding, faces } = allocation;
  if (faces !== undefined) {
    const files = faces.filter((face) => face.handleType !== 'opaque_fd').flatMap(({ fds }) => fds);
    const faceIdentities = files.map(identity);
    return { ...allocation, identities, ...(files.length > 0 && { faceIdentities }) };
  }
  if (device ?? heaps ?? vulkan ?? check ?? funding) return { ...allocation, identities };
  // Of the kernel's own sources: written out, since to spread it takes longer than the kernel takes to tell it apart.
  return {
    source,
    handleType,
    key,
    memories,
    size,
    modifier,
    placement,
    planes,
    exporter,
    identities,
  };
}

/** The same of what a source has just made, which is let go where its memories cannot be told. */
export function identified(source: Pick<MemorySource, 'free'>, made: Allocation): Allocation {
  try {
    return withIdentities(made);
  } catch (error) {
    // Its receiver would have been told of it: nobody else lets go of it.
    for (const fd of new Set(everyFd(made))) close(fd);
    source.free(made.key);
    throw error;
  }
}
