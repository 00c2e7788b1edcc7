/** The writer and reader of Vulkan structs: bytes as C would lay them out. */
import t from 'tap';
import { Arena } from '../../../src/native/arena.js';
import {
  VkImageCreateInfo,
  VkMemoryAllocateInfo,
  VkPhysicalDeviceIDProperties,
  VkPhysicalDeviceMemoryProperties2,
  VkQueueFamilyProperties,
} from '../../../src/native/vulkan/layout.gen.js';
import { read, readArray, write, writeArray } from '../../../src/native/vulkan/struct.js';

t.test('what is written is read back, sType included', async (t) => {
  const arena = new Arena();
  const address = write(arena, VkMemoryAllocateInfo, {
    pNext: 0x7fff_1234_5678,
    allocationSize: 2n ** 40n,
    memoryTypeIndex: 3,
  });
  t.strictSame(read(arena, VkMemoryAllocateInfo, address), {
    sType: 5,
    pNext: 0x7fff_1234_5678,
    allocationSize: 2n ** 40n,
    memoryTypeIndex: 3,
  });
});

t.test('nested structs, arrays of structs, strings and bytes', async (t) => {
  const arena = new Arena();
  const image = write(arena, VkImageCreateInfo, { extent: { width: 7, height: 5, depth: 1 } });
  t.strictSame(read(arena, VkImageCreateInfo, image).extent, { width: 7, height: 5, depth: 1 });

  const memory = write(arena, VkPhysicalDeviceMemoryProperties2, {
    memoryProperties: {
      memoryTypeCount: 2,
      memoryTypes: [
        { propertyFlags: 1, heapIndex: 0 },
        { propertyFlags: 14, heapIndex: 1 },
      ],
    },
  });
  const { memoryProperties } = read(arena, VkPhysicalDeviceMemoryProperties2, memory);
  t.equal(memoryProperties.memoryTypes.length, 32);
  t.strictSame(memoryProperties.memoryTypes[1], { propertyFlags: 14, heapIndex: 1 });

  const id = write(arena, VkPhysicalDeviceIDProperties, {
    deviceUUID: Buffer.alloc(16, 0xab),
    deviceLUIDValid: true,
  });
  const ids = read(arena, VkPhysicalDeviceIDProperties, id);
  t.equal(ids.deviceUUID.toString('hex'), 'ab'.repeat(16));
  t.equal(ids.deviceLUIDValid, true);
});

t.test('arrays of structs stand one after the other', async (t) => {
  const arena = new Arena();
  const address = writeArray(arena, VkQueueFamilyProperties, [
    { queueCount: 1 },
    { queueCount: 16, queueFlags: 4 },
  ]);
  const [first, second] = readArray(arena, VkQueueFamilyProperties, address, 2);
  t.equal(first?.queueCount, 1);
  t.equal(second?.queueFlags, 4);
});

t.test('mistakes are thrown, not written', async (t) => {
  const arena = new Arena();
  // @ts-expect-error the compiler knows the members' names
  t.throws(() => write(arena, VkMemoryAllocateInfo, { allocation_size: 1 }), /no member/);
  // @ts-expect-error and their kinds
  t.throws(() => write(arena, VkMemoryAllocateInfo, { allocationSize: 'big' }));
  t.throws(() => write(arena, VkMemoryAllocateInfo, { allocationSize: 0.5 }), RangeError);
  t.throws(
    () => write(arena, VkPhysicalDeviceIDProperties, { deviceUUID: Buffer.alloc(17) }),
    /too long/,
  );
  t.throws(() => write(arena, VkMemoryAllocateInfo, { memoryTypeIndex: 2 ** 32 }), /does not fit/);
  t.throws(() => read(arena, VkMemoryAllocateInfo, 4096), /not in the arena/);
});
