/** A device in the words of openapi.yaml. */
import t from 'tap';
import type { DeviceDescription, PhysicalDescription } from '../../../src/memory/device.js';
import { deviceView, listedDeviceView } from '../../../src/server/lists/inventory-views.js';

const physical: PhysicalDescription = {
  name: 'GPU',
  type: 'discrete_gpu',
  vendorId: 1,
  deviceId: 2,
  apiVersion: '1.4.305',
  driver: { name: 'driver', info: '' },
  deviceUuid: '01'.repeat(16),
  driverUuid: '02'.repeat(16),
  drm: { primary: null, render: { major: 226, minor: 128 } },
};
const opened: DeviceDescription = {
  ...physical,
  extensions: [{ name: 'VK_KHR_external_memory_fd', enabled: true, reason: 'exports' }],
  heaps: [{ index: 0, size: 4096, deviceLocal: true, budget: 2048, usage: null }],
  memoryTypes: [{ index: 0, heap: 0, flags: ['device_local'] }],
  limits: { maxAllocations: 4096, maxAllocationSize: 2 ** 32, maxImageDimension2d: 16_384 },
  cuda: {
    ...{ uuid: '01'.repeat(16), total: 8192, free: 4096, allocated: 1024 },
    lastRelease: { bytes: 2048, returned: 1024 },
    ...{ losses: 1, lastLostAt: null },
  },
  losses: 1,
  lastLostAt: '2026-01-01T00:00:00Z',
};

const known = {
  name: 'GPU',
  type: 'discrete_gpu',
  vendor_id: 1,
  device_id: 2,
  api_version: '1.4.305',
  driver: { name: 'driver', info: '' },
  device_uuid: '01'.repeat(16),
  driver_uuid: '02'.repeat(16),
  drm: { primary: null, render: { major: 226, minor: 128 } },
};
const told = {
  extensions: [{ name: 'VK_KHR_external_memory_fd', enabled: true, reason: 'exports' }],
  heaps: [{ index: 0, size: 4096, device_local: true, budget: 2048, usage: null }],
  memory_types: [{ index: 0, heap: 0, flags: ['device_local'] }],
  limits: { max_allocations: 4096, max_allocation_size: 2 ** 32, max_image_dimension_2d: 16_384 },
};

t.test('an open device', async (t) => {
  t.strictSame(deviceView(opened), {
    ...known,
    ...told,
    cuda: {
      ...{ total: 8192, free: 4096, allocated: 1024 },
      released: { held: 0, unknown: 0, unknown_at_most: 0 },
      others_at_most: 3072,
      last_release: { bytes: 2048, returned: 1024 },
    },
    losses: 1,
    last_lost_at: '2026-01-01T00:00:00Z',
  });
});

t.test(
  'what only an open device tells is null of one that is not, whatever was known',
  async (t) => {
    const common = { main: false, reason: null, sources: [], losses: 0, cuda: null };
    const listed = { ...common, lastLostAt: null };
    const rest = { ...common, last_lost_at: null };
    const nothing = { extensions: null, heaps: null, memory_types: null, limits: null };
    t.strictSame(listedDeviceView({ ...opened, ...listed, opened: null }), {
      ...known,
      ...nothing,
      ...rest,
      open: false,
    });
    t.strictSame(listedDeviceView({ ...physical, ...listed, opened }), {
      ...known,
      ...told,
      ...rest,
      open: true,
    });
  },
);
