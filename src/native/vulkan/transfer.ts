/**
 * Copies and fills on the device, between VkBuffers over memory that others use, too. Each runs alone
 * and is waited for. The buffers are their caller's.
 */
import type { Device } from './device.js';
import {
  VkAccessFlagBits as Access,
  VkPipelineStageFlagBits as Stage,
  VkBufferCopy,
  VkMemoryBarrier,
} from './layout.gen.js';
import { acquire, release, type Shared } from './ownership.js';
import { write, writeArray } from './struct.js';
import type { VulkanHandleType } from './usage.js';

export interface TransferBuffer {
  /** VkBuffer with the transfer usages. */
  readonly buffer: bigint;
  /** How it is shared; null for a buffer that is this device's alone. */
  readonly handleType: VulkanHandleType | null;
}

/** Bytes to be copied, within both buffers (VUID-vkCmdCopyBuffer-srcOffset-00113, -size-00115, …). */
export interface BufferRun {
  readonly source: TransferBuffer;
  readonly sourceOffset: number;
  readonly destination: TransferBuffer;
  readonly destinationOffset: number;
  /** At least 1. */
  readonly size: number;
}

/** What the arena holds of VkBufferCopy beside the rest. */
const REGIONS_PER_CALL = 256;

/** vkCmdCopyBuffer. Source and destination must not overlap (VUID-vkCmdCopyBuffer-pRegions-00117). */
export function copyBuffers(device: Device, runs: readonly BufferRun[]): void {
  const ends = runs.flatMap(({ source, destination }) => [
    { ...source, access: Access.VK_ACCESS_TRANSFER_READ_BIT },
    { ...destination, access: Access.VK_ACCESS_TRANSFER_WRITE_BIT },
  ]);
  const { arena } = device;
  between(device, ends, (commands) => {
    for (const group of groups(runs)) {
      const [{ source, destination }] = group;
      arena.scoped(() => {
        const regions = group.map(({ sourceOffset, destinationOffset, size }) => ({
          srcOffset: sourceOffset,
          dstOffset: destinationOffset,
          size,
        }));
        const array = writeArray(arena, VkBufferCopy, regions);
        const between = [source.buffer, destination.buffer];
        const call = 'vkCmdCopyBuffer';
        device.functions.call(call, commands, ...between, regions.length, array);
      });
    }
  });
}

/** Runs that follow each other between the same two buffers, as many as one call takes. */
function* groups(runs: readonly BufferRun[]): Generator<[BufferRun, ...BufferRun[]]> {
  let group: [BufferRun, ...BufferRun[]] | null = null;
  for (const run of runs) {
    const same =
      group?.[0].source.buffer === run.source.buffer &&
      group[0].destination.buffer === run.destination.buffer;
    if (group !== null && same && group.length < REGIONS_PER_CALL) group.push(run);
    else {
      if (group !== null) yield group;
      group = [run];
    }
  }
  if (group !== null) yield group;
}

/** Bytes to be filled. */
export interface BufferFill {
  readonly destination: TransferBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * vkCmdFillBuffer with a 32-bit value. Offsets and sizes are multiples of 4, within the buffer
 * (VUID-vkCmdFillBuffer-dstOffset-00025, -size-00028, -size-00027).
 */
export function fillBuffers(device: Device, fills: readonly BufferFill[], value: number): void {
  const access = Access.VK_ACCESS_TRANSFER_WRITE_BIT;
  const ends = fills.map(({ destination }) => ({ ...destination, access }));
  between(device, ends, (commands) => {
    for (const { destination, offset, size } of fills) {
      const call = 'vkCmdFillBuffer';
      device.functions.call(call, commands, destination.buffer, offset, size, value);
    }
  });
}

/** Runs commands between acquiring and releasing what is shared of `ends`. */
function between(
  device: Device,
  ends: readonly (TransferBuffer & { readonly access: number })[],
  record: (commands: bigint) => void,
): void {
  // Each buffer changes hands once, whatever is done to it.
  const shared = new Map<bigint, Shared>();
  let own = 0;
  for (const { buffer, handleType, access } of ends) {
    if (handleType === null) own |= access;
    else {
      const before = shared.get(buffer)?.access ?? 0;
      shared.set(buffer, { buffer, handleType, access: before | access });
    }
  }
  device.commands.run((commands) => {
    acquire(device, commands, [...shared.values()]);
    record(commands);
    release(device, commands, [...shared.values()]);
    if ((own & Access.VK_ACCESS_TRANSFER_WRITE_BIT) !== 0) toHost(device, commands);
  });
}

/** What was written is read by the CPU: waiting for the fence alone does not make it visible. */
function toHost(device: Device, commands: bigint): void {
  const { arena, functions } = device;
  arena.scoped(() => {
    const barrier = write(arena, VkMemoryBarrier, {
      srcAccessMask: Access.VK_ACCESS_TRANSFER_WRITE_BIT,
      dstAccessMask: Access.VK_ACCESS_HOST_READ_BIT,
    });
    const [from, to] = [Stage.VK_PIPELINE_STAGE_TRANSFER_BIT, Stage.VK_PIPELINE_STAGE_HOST_BIT];
    functions.call('vkCmdPipelineBarrier', commands, from, to, 0, 1, barrier, 0, 0, 0, 0);
  });
}
