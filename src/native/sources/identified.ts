/** An allocation of a source, with what tells its memories from all others: made by whoever allocates. */
import type { Allocation, CheckedSpec, MemorySource } from '../../memory/source.js';
import type { Steps } from '../../memory/steps.js';
import { close, identity } from '../libc/fd.js';

export function* identifiedAllocation(
  source: MemorySource,
  spec: CheckedSpec,
  id: string,
): Steps<Allocation> {
  const allocation = yield* source.allocating(spec, id);
  try {
    return identified(allocation);
  } catch (error) {
    // Its receiver would have been told of it: nobody else lets go of it.
    for (const fd of new Set(allocation.planes.map((plane) => plane.fd))) close(fd);
    source.free(allocation.key);
    throw error;
  }
}

export function identified(allocation: Allocation): Allocation {
  // Every opaque fd is the driver's one device file.
  if (allocation.handleType === 'opaque_fd') return allocation;
  const fds = new Set(allocation.planes.map(({ fd }) => fd));
  return { ...allocation, identities: [...fds].map(identity) };
}
