/** Vulkan devices as the allocator lists them: one that the daemon has opened, and one that it has not. */
import type { ListedDevice, OpenDescription } from '../../../../src/memory/device.js';

const opened: OpenDescription = {
  name: 'llvmpipe (LLVM 19.1.7, 256 bits)',
  type: 'cpu',
  vendorId: 0x10005,
  deviceId: 0,
  apiVersion: '1.4.305',
  driver: { name: 'llvmpipe', info: 'Mesa 25.0.7-2 (LLVM 19.1.7)' },
  deviceUuid: '6d657361323530303700000000000000',
  driverUuid: '6c6c766d706970655555494400000000',
  drm: null,
  extensions: [{ name: 'VK_EXT_memory_budget', enabled: false, reason: 'not there' }],
  heaps: [{ index: 0, size: 2 ** 32, deviceLocal: true, budget: null, usage: 0 }],
  memoryTypes: [{ index: 0, heap: 0, flags: ['device_local', 'host_visible'] }],
  limits: {
    maxAllocations: 2 ** 32 - 1,
    maxAllocationSize: 2 ** 31,
    maxImageDimension2d: 16_384,
  },
};

export const openDevice: ListedDevice = {
  ...opened,
  opened,
  main: true,
  reason: null,
  sources: [
    {
      name: 'vulkan',
      handleType: 'dma_buf',
      usable: true,
      reason: 'llvmpipe (LLVM 19.1.7, 256 bits)',
    },
  ],
  cuda: null,
  losses: 0,
  lastLostAt: null,
};

export const otherDevice: ListedDevice = {
  ...openDevice,
  name: 'Second GPU',
  type: 'discrete_gpu',
  deviceUuid: 'f'.repeat(32),
  drm: { primary: null, render: { major: 226, minor: 129 } },
  opened: null,
  main: false,
  sources: [],
};

/** The main device, lost twice. */
export const lostDevice = {
  ...opened,
  drm: { primary: null, render: { major: 226, minor: 128 } },
  cuda: {
    ...{ uuid: opened.deviceUuid, total: 2 ** 33, free: 2 ** 32, allocated: 2 ** 21 },
    lastRelease: null,
    ...{ losses: 0, lastLostAt: null },
  },
  losses: 2,
  lastLostAt: '2026-11-20T08:15:30.123Z',
};
