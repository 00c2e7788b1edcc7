/** Vulkan devices as the allocator lists them: one that the daemon has opened, and one that it has not. */
import type { ListedDevice } from '../../../../src/native/sources/devices.js';

export const openDevice: ListedDevice = {
  name: 'llvmpipe (LLVM 19.1.7, 256 bits)',
  type: 'cpu',
  vendor_id: 0x10005,
  device_id: 0,
  api_version: '1.4.305',
  driver: { name: 'llvmpipe', info: 'Mesa 25.0.7-2 (LLVM 19.1.7)' },
  device_uuid: '6d657361323530303700000000000000',
  driver_uuid: '6c6c766d706970655555494400000000',
  drm: null,
  main: true,
  open: true,
  reason: null,
  sources: [
    {
      name: 'vulkan',
      handleType: 'dma_buf',
      usable: true,
      reason: 'llvmpipe (LLVM 19.1.7, 256 bits)',
    },
  ],
  extensions: [{ name: 'VK_EXT_memory_budget', enabled: false, reason: 'not there' }],
  heaps: [{ index: 0, size: 2 ** 32, device_local: true, budget: null, usage: 0 }],
  memory_types: [{ index: 0, heap: 0, flags: ['device_local', 'host_visible'] }],
  limits: {
    max_allocations: 2 ** 32 - 1,
    max_allocation_size: 2 ** 31,
    max_image_dimension_2d: 16_384,
  },
  losses: 0,
  last_lost_at: null,
};

export const otherDevice: ListedDevice = {
  ...openDevice,
  name: 'Second GPU',
  type: 'discrete_gpu',
  device_uuid: 'f'.repeat(32),
  drm: { primary: null, render: { major: 226, minor: 129 } },
  main: false,
  open: false,
  sources: [],
  extensions: null,
  heaps: null,
  memory_types: null,
  limits: null,
};
