/**
 * Clearing really clears: memory is made dirty first, to its last byte, by whatever way there is
 * (opaque memory through vkMapMemory, a dma_buf through mmap).
 */
import { closeSync } from 'node:fs';
import t from 'tap';
import { toEnd } from '../../../src/memory/steps.js';
import { info } from '../../../src/native/dmabuf.js';
import { callInt, callLong, symbol, viewOf } from '../../../src/native/ffi.js';
import { probeVulkan } from '../../../src/native/sources/probe-vulkan.js';
import type { VulkanSource } from '../../../src/native/sources/vulkan.js';
import { bindBuffer, createBuffer, destroyBuffer } from '../../../src/native/vulkan/buffer.js';
import { outHandle } from '../../../src/native/vulkan/call.js';
import type { Device } from '../../../src/native/vulkan/device.js';
import {
  constants,
  VkBufferCopy,
  VkBufferUsageFlagBits,
  VkMemoryPropertyFlagBits,
} from '../../../src/native/vulkan/layout.gen.js';
import { allocateMemory, exportFd, freeMemory } from '../../../src/native/vulkan/memory.js';
import { suitableTypes } from '../../../src/native/vulkan/memory-type.js';
import { bufferRequirements } from '../../../src/native/vulkan/requirements.js';
import { write } from '../../../src/native/vulkan/struct.js';
import { choosePath, type Exported, zero } from '../../../src/native/vulkan/zero.js';
import { enableValidation, expectNoValidationMessages, inGuest } from './validation.js';

const validation = enableValidation();
const { sources, states } = probeVulkan();

const { VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT: LOCAL, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT: VISIBLE } =
  VkMemoryPropertyFlagBits;
const TRANSFER =
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
  VkBufferUsageFlagBits.VK_BUFFER_USAGE_TRANSFER_DST_BIT;
const isZero = (bytes: Buffer) => bytes.equals(Buffer.alloc(bytes.length));

/** Runs `body` over all of the memory, mapped. */
function withBytes<T>(
  device: Device,
  { memory, fd, handleType, size }: Exported,
  body: (bytes: Buffer) => T,
): T {
  const length = Number(size);
  if (handleType === 'dma_buf') {
    const [PROT_READ_WRITE, MAP_SHARED] = [3, 1];
    const at = callLong(symbol('mmap'), 0, length, PROT_READ_WRITE, MAP_SHARED, fd, 0);
    try {
      return body(viewOf(at, length));
    } finally {
      callInt(symbol('munmap'), at, length);
    }
  }
  const at = outHandle(device.arena, 'vkMapMemory', (out) =>
    device.call('vkMapMemory', memory, 0, constants.VK_WHOLE_SIZE, 0, out),
  );
  try {
    return body(viewOf(Number(at), length));
  } finally {
    device.call('vkUnmapMemory', memory);
  }
}

/** Exported memory with these properties, of a size that need not be whole pages; null if there is none. */
function exported(source: VulkanSource, allocationSize: bigint, required: number): Exported | null {
  const { device, handleType } = source;
  const buffer = createBuffer(device, allocationSize, TRANSFER, handleType);
  const needs = bufferRequirements(device, buffer);
  destroyBuffer(device, buffer);
  const { types } = device.memory;
  // Not the type that is both, where there is a choice: then the CPU is the only way to it, or none.
  const [type] = suitableTypes(
    types.filter(({ flags }) => (flags & (LOCAL | VISIBLE)) === required),
    needs.types,
    { required, preferred: [] },
  );
  const either = type ?? suitableTypes(types, needs.types, { required, preferred: [] })[0];
  if (!either) return null;
  const size = allocationSize < needs.size ? needs.size : allocationSize;
  const memory = allocateMemory(device, { size, typeIndex: either.index, exported: handleType });
  const fd = exportFd(device, memory, handleType);
  const found = handleType === 'dma_buf' ? info(fd) : null;
  return {
    memory,
    fd,
    handleType,
    allocationSize: size,
    size: BigInt(found?.size ?? size),
    type: either,
    dedicated: false,
    exporter: found?.exporter ?? null,
  };
}

function release(device: Device, { fd, memory }: Exported): void {
  closeSync(fd);
  freeMemory(device, memory);
}

/** Binds a VkBuffer to all of the memory while `body` runs. */
function withBuffer(device: Device, memory: Exported, body: (buffer: bigint) => void): void {
  const buffer = createBuffer(device, memory.allocationSize, TRANSFER, memory.handleType);
  try {
    bindBuffer(device, buffer, memory.memory);
    body(buffer);
  } finally {
    destroyBuffer(device, buffer);
  }
}

/** Dirties memory that only the device reaches. */
function dirtyByDevice(device: Device, memory: Exported): void {
  withBuffer(device, memory, (buffer) => {
    const { VK_WHOLE_SIZE } = constants;
    device.commands.run((commands) => {
      device.functions.call('vkCmdFillBuffer', commands, buffer, 0, VK_WHOLE_SIZE, 0xaaaaaaaa);
    });
  });
}

/** Copies all of the memory to where the CPU sees it. */
function readByDevice(device: Device, memory: Exported, to: Exported): Buffer {
  withBuffer(device, memory, (from) =>
    withBuffer(device, to, (into) => {
      const region = write(device.arena, VkBufferCopy, { size: memory.allocationSize });
      device.commands.run((commands) => {
        device.functions.call('vkCmdCopyBuffer', commands, from, into, 1, region);
      });
    }),
  );
  return withBytes(device, to, (bytes) => Buffer.from(bytes));
}

for (const handleType of ['dma_buf', 'opaque_fd'] as const) {
  const source = sources.find((each) => each.handleType === handleType);
  const reason = states.find((each) => each.handleType === handleType)?.reason ?? '';
  const skip = !inGuest && !source && reason;

  t.test(`${handleType}: memory that the CPU reaches`, { skip }, async (t) => {
    if (!source) return t.fail(reason);
    const { device } = source;
    const before = device.liveAllocations;
    for (const path of ['map', 'fill'] as const) {
      const memory = exported(source, 65536n, VISIBLE);
      if (!memory) throw new Error('every device has a host-visible type');
      withBytes(device, memory, (bytes) => bytes.fill(0xaa));
      t.equal(toEnd(zero(device, memory, path)), path);
      t.ok(withBytes(device, memory, isZero), `${path} clears every byte`);
      release(device, memory);
    }
    t.equal(device.liveAllocations, before);
  });

  t.test(`${handleType}: memory of the device`, { skip }, async (t) => {
    if (!source) return t.fail(reason);
    const { device } = source;
    const memory = exported(source, 1n << 20n, LOCAL);
    const copy = exported(source, 1n << 20n, VISIBLE);
    if (!memory || !copy) throw new Error('every device has both');
    t.comment(`type ${memory.type.index}, flags ${memory.type.flags}`);
    dirtyByDevice(device, memory);
    t.ok(
      readByDevice(device, memory, copy).every((byte) => byte === 0xaa),
      'dirty',
    );
    t.equal(toEnd(zero(device, memory, 'fill')), 'fill');
    t.ok(isZero(readByDevice(device, memory, copy)), 'filled');
    release(device, memory);
    release(device, copy);
  });
}

const dmaBuf = sources.find((each) => each.handleType === 'dma_buf');
t.test(
  'a dma_buf larger than its allocation is cleared to its end',
  {
    skip: !inGuest && dmaBuf?.device.physical.driver.name !== 'llvmpipe' && 'needs lavapipe',
  },
  async (t) => {
    if (!dmaBuf) return t.fail('no dma_buf');
    const { device } = dmaBuf;
    const memory = exported(dmaBuf, 4097n, VISIBLE);
    if (!memory) throw new Error('every device has a host-visible type');
    t.equal(memory.allocationSize, 4097n);
    t.equal(memory.size, 8192n);
    withBytes(device, memory, (bytes) => bytes.fill(0xaa));
    t.throws(() => toEnd(zero(device, memory, 'map')), /cannot map all/);
    toEnd(zero(device, memory, 'fill'));
    t.ok(withBytes(device, memory, isZero));
    release(device, memory);
  },
);

t.test('the path follows from the driver, the exporter and the memory', async (t) => {
  const device = (name: string) => ({ physical: { driver: { name } } }) as unknown as Device;
  const memory = (more: Partial<Exported>) =>
    ({
      exporter: 'amdgpu',
      allocationSize: 4096n,
      size: 4096n,
      type: { index: 0, heap: 0, flags: 2 },
      ...more,
    }) as Exported;
  const path = (name: string, more: Partial<Exported>) =>
    choosePath(device(name), memory(more), 'auto');
  t.equal(path('llvmpipe', { exporter: 'udmabuf' }), 'fresh');
  t.equal(path('llvmpipe', { exporter: null }), 'fresh');
  t.equal(path('radv', {}), 'map');
  t.equal(path('radv', { exporter: 'udmabuf' }), 'map', 'another driver may have used it before');
  t.equal(path('radv', { type: { index: 1, heap: 0, flags: 1 } }), 'fill', 'not host-visible');
  t.equal(path('radv', { size: 8192n }), 'fill', 'a mapping would not reach the tail');
});

t.test('close', async () => {
  for (const source of sources) source.close();
});
expectNoValidationMessages(t, validation);
