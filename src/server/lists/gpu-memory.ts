/**
 * What CUDA's own count of a GPU's memory (cuMemGetInfo) shows of memory that was released and that somebody may still
 * have. Memory of a POSIX file descriptor is in whatever process imported it, and no file tells of that; but it is in
 * use, and what all is in use for is bounded: what the daemon knows to be used cannot be that memory, and so what is left
 * is the most that is still held. It is one number for everybody: who has it, and whether it is that memory or another
 * program's own, it does not tell.
 */
import type { CudaUse } from '../../memory/device.js';
import type { BufferInfo, DeviceInfo } from '../../rest/contract.js';

export type GpuBuffer = Pick<BufferInfo, 'source' | 'device' | 'size' | 'state'>;
type CudaMemory = NonNullable<DeviceInfo['cuda']>;

/** A GPU's memory, with what was released of it among these buffers. */
export function gpuMemory(use: CudaUse, buffers: Iterable<GpuBuffer>): CudaMemory {
  const { uuid, total, free, allocated, lastRelease } = use;
  const bytes = { live: 0, lingering: 0, unknown: 0, lost: 0, away: 0 };
  for (const { source, device, size, state } of buffers)
    if (source === 'cuda' && device === uuid) bytes[state] += size;
  const { live, lingering: held, unknown } = bytes;
  // Of before a restart of the daemon there are live buffers that its CUDA does not have: either is too little.
  const known = Math.max(allocated, live) + held;
  const others = free === null ? null : Math.max(0, total - free - known);
  return {
    ...{ total, free, allocated },
    released: { held, unknown, unknown_at_most: others && Math.min(unknown, others) },
    others_at_most: others,
    last_release: lastRelease,
  };
}
