/** What a GPU's free memory shows of what was released, and what it does not. */
import t from 'tap';
import type { CudaUse } from '../../../src/memory/device.js';
import { type GpuBuffer, gpuMemory } from '../../../src/server/lists/gpu-memory.js';

const UUID = 'a'.repeat(32);
const use = (free: number | null, allocated = 0): CudaUse => ({
  ...{ uuid: UUID, total: 1000, free, allocated },
  ...{ lastRelease: null, losses: 0, lastLostAt: null },
});
const buffer = (state: GpuBuffer['state'], size: number, more: Partial<GpuBuffer> = {}) => ({
  ...{ source: 'cuda', device: UUID, size, state },
  ...more,
});
const told = (of: CudaUse, buffers: GpuBuffer[]) => {
  const { released, others_at_most } = gpuMemory(of, buffers);
  return [released.held, released.unknown, released.unknown_at_most, others_at_most];
};

t.test('what is left of what is in use may be what was released', async (t) => {
  const unknown = [buffer('unknown', 100), buffer('unknown', 200)];
  t.same(told(use(1000), unknown), [0, 300, 0, 0], 'nothing is in use: it is gone');
  t.same(told(use(850), unknown), [0, 300, 150, 150], 'half of it may be there');
  t.same(told(use(500), unknown), [0, 300, 300, 500], 'others have some, or all of it is there');
  t.same(told(use(null), unknown), [0, 300, null, null], 'nobody says');
});

t.test('what is known to be in use is something else', async (t) => {
  const all = [buffer('unknown', 100), buffer('lingering', 50), buffer('live', 300)];
  t.same(told(use(550, 300), all), [50, 100, 100, 100]);
  t.same(told(use(600, 300), all), [50, 100, 50, 50]);
  t.same(told(use(550, 0), all), [50, 100, 100, 100], 'live ones of before a restart');
  t.same(told(use(550, 400), all), [50, 100, 0, 0], 'what is being made, and spares');
  t.same(told(use(990, 300), all), [50, 100, 0, 0], 'of two looks that do not fit');
});

t.test('of other devices and sources nothing counts', async (t) => {
  const others = [
    buffer('unknown', 100, { device: 'b'.repeat(32) }),
    buffer('unknown', 100, { source: 'vulkan' }),
    buffer('lost', 100),
    buffer('away', 100),
  ];
  t.same(told(use(900), others), [0, 0, 0, 100]);
});
