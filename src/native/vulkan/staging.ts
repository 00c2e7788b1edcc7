/**
 * A buffer that both the device and the CPU reach: the way between memory that only the device takes
 * and memory that only the CPU does.
 *
 * Owns: its VkBuffer and mapped VkDeviceMemory, until `close`.
 */
import { BrokerError } from '../../memory/errors.js';
import { type Address, addressOf } from '../ffi.js';
import { copyMemory } from '../guarded.js';
import { bindBuffer, createBuffer, destroyBuffer } from './buffer.js';
import { outHandle } from './call.js';
import type { Device } from './device.js';
import {
  constants,
  VkMemoryPropertyFlagBits as Flag,
  VkBufferUsageFlagBits as Usage,
} from './layout.gen.js';
import { allocateMemory, freeMemory } from './memory.js';
import { memoryProperties } from './memory-properties.js';
import { suitableTypes } from './memory-type.js';
import { bufferRequirements } from './requirements.js';

const USAGE = Usage.VK_BUFFER_USAGE_TRANSFER_SRC_BIT | Usage.VK_BUFFER_USAGE_TRANSFER_DST_BIT;

export class Staging {
  private constructor(
    private readonly device: Device,
    readonly buffer: bigint,
    private readonly memory: bigint,
    /** Where the CPU finds it. */
    private readonly address: Address,
  ) {}

  /** `size` bytes. */
  static create(device: Device, size: number): Staging {
    const buffer = createBuffer(device, BigInt(size), USAGE, null);
    let memory = 0n;
    try {
      const needs = bufferRequirements(device, buffer);
      // There always is such a type ("Device Memory"), and it needs no flushing.
      const [type] = suitableTypes(memoryProperties(device).types, needs.types, {
        required:
          Flag.VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | Flag.VK_MEMORY_PROPERTY_HOST_COHERENT_BIT,
        preferred: [Flag.VK_MEMORY_PROPERTY_HOST_CACHED_BIT],
      });
      if (!type) throw new BrokerError('internal', 'no memory that the CPU and the device reach');
      memory = allocateMemory(device, { size: needs.size, typeIndex: type.index });
      bindBuffer(device, buffer, memory);
      const call = 'vkMapMemory';
      const address = outHandle(device.arena, call, (out) =>
        device.call(call, memory, 0, constants.VK_WHOLE_SIZE, 0, out),
      );
      return new Staging(device, buffer, memory, Number(address));
    } catch (error) {
      destroyBuffer(device, buffer);
      freeMemory(device, memory);
      throw error;
    }
  }

  /** Copies from `at` on as many bytes as `into` has. */
  take(at: number, into: Buffer): void {
    copyMemory(addressOf(into), this.address + at, into.length);
  }

  put(at: number, from: Buffer): void {
    copyMemory(this.address + at, addressOf(from), from.length);
  }

  /** vkFreeMemory unmaps it. */
  close(): void {
    destroyBuffer(this.device, this.buffer);
    freeMemory(this.device, this.memory);
  }
}
