/**
 * What a buffer or image needs of its memory. Always the "2" queries: only they say whether the
 * memory must be dedicated (VkMemoryDedicatedRequirements).
 */
import type { Arena } from '../arena.js';
import type { Address } from '../ffi.js';
import type { Device } from './device.js';
import {
  VkBufferMemoryRequirementsInfo2,
  VkImageMemoryRequirementsInfo2,
  VkMemoryDedicatedRequirements,
  VkMemoryRequirements2,
} from './layout.gen.js';
import { read, write } from './struct.js';

export interface Requirements {
  /** Bytes: the allocation's smallest size. */
  readonly size: bigint;
  /** memoryTypeBits: one bit a usable memory type. */
  readonly types: number;
  readonly prefersDedicated: boolean;
  readonly requiresDedicated: boolean;
}

export function bufferRequirements(device: Device, buffer: bigint): Requirements {
  return requirements(device, 'vkGetBufferMemoryRequirements2', (arena) =>
    write(arena, VkBufferMemoryRequirementsInfo2, { buffer }),
  );
}

export function imageRequirements(device: Device, image: bigint): Requirements {
  return requirements(device, 'vkGetImageMemoryRequirements2', (arena) =>
    write(arena, VkImageMemoryRequirementsInfo2, { image }),
  );
}

function requirements(
  device: Device,
  call: string,
  infoIn: (arena: Arena) => Address,
): Requirements {
  const { arena } = device;
  return arena.scoped(() => {
    const info = infoIn(arena);
    const dedicated = write(arena, VkMemoryDedicatedRequirements);
    const out = write(arena, VkMemoryRequirements2, { pNext: dedicated });
    device.call(call, info, out);
    const { memoryRequirements } = read(arena, VkMemoryRequirements2, out);
    const { prefersDedicatedAllocation, requiresDedicatedAllocation } = read(
      arena,
      VkMemoryDedicatedRequirements,
      dedicated,
    );
    return {
      size: memoryRequirements.size,
      types: memoryRequirements.memoryTypeBits,
      prefersDedicated: prefersDedicatedAllocation,
      requiresDedicated: requiresDedicatedAllocation,
    };
  });
}
