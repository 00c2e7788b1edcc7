/**
 * Clearing really clears: memory is made dirty first, to its last byte, by whatever way there is
 * (opaque memory through vkMapMemory, a dma_buf through mmap).
 */
import { closeSync } from 'node:fs';
import t from 'tap';
import { info } from '../../../src/native/dmabuf.js';
import { callInt, callLong, symbol, viewOf } from '../../../src/native/ffi.js';
import { probeVulkan, type VulkanSource } from '../../../src/native/sources/vulkan.js';
import { outHandle } from '../../../src/native/vulkan/call.js';
import type { Device } from '../../../src/native/vulkan/device.js';
import { constants } from '../../../src/native/vulkan/layout.gen.js';
import { allocateMemory, exportFd, freeMemory } from '../../../src/native/vulkan/memory.js';
import { memoryProperties } from '../../../src/native/vulkan/memory-properties.js';
import { choosePath, type Exported, zero } from '../../../src/native/vulkan/zero.js';
import { enableValidation, expectNoValidationMessages, inGuest } from './validation.js';

const validation = enableValidation();
const { sources, states } = probeVulkan();

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

/** Exported memory of a size that need not be whole pages; type 0 is all that lavapipe has. */
function exported({ device, handleType }: VulkanSource, allocationSize: bigint): Exported {
  const type = memoryProperties(device).types[0];
  if (!type) throw new Error('no memory type');
  const memory = allocateMemory(device, {
    size: allocationSize,
    typeIndex: 0,
    exported: handleType,
  });
  const fd = exportFd(device, memory, handleType);
  const found = handleType === 'dma_buf' ? info(fd) : null;
  const size = BigInt(found?.size ?? allocationSize);
  const exporter = found?.exporter ?? null;
  return { memory, fd, handleType, allocationSize, size, type, dedicated: false, exporter };
}

for (const handleType of ['dma_buf', 'opaque_fd'] as const) {
  const source = sources.find((each) => each.handleType === handleType);
  const reason = states.find((each) => each.handleType === handleType)?.reason ?? '';
  t.test(handleType, { skip: !inGuest && !source && reason }, async (t) => {
    if (!source) return t.fail(reason);
    const { device } = source;
    const before = device.liveAllocations;

    for (const path of ['map', 'fill'] as const) {
      const memory = exported(source, 65536n);
      withBytes(device, memory, (bytes) => bytes.fill(0xaa));
      t.equal(zero(device, memory, path), path);
      t.ok(
        withBytes(device, memory, (bytes) => bytes.every((byte) => byte === 0)),
        `${path} clears every byte`,
      );
      closeSync(memory.fd);
      freeMemory(device, memory.memory);
    }

    if (handleType === 'dma_buf') {
      const memory = exported(source, 4097n);
      t.equal(memory.size, 8192n, 'the file is larger than the allocation');
      withBytes(device, memory, (bytes) => bytes.fill(0xaa));
      t.throws(() => zero(device, memory, 'map'), /cannot map all/);
      zero(device, memory, 'fill');
      t.ok(withBytes(device, memory, (bytes) => bytes.every((byte) => byte === 0)));
      closeSync(memory.fd);
      freeMemory(device, memory.memory);
    }
    t.equal(device.liveAllocations, before);
  });
}

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
