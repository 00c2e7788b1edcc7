/**
 * The memory heaps of the devices that are open, and what CUDA has of them, for metrics. Only the allocator's thread may ask a driver,
 * and it can be in the middle of something long: who wants to know waits a moment for it and is then told
 * what was known last. No device is opened for it.
 */
import { setTimeout } from 'node:timers/promises';
import type { Clock, Monotonic } from '../../memory/clock.js';
import type { ListedDevice } from '../../memory/device.js';
import type { CudaMemoryUse, DeviceUse, HeapUse } from '../words/metrics.js';

/** The thread hears questions every 2 ms, unless a driver or the kernel keeps it. */
const WAIT_MS = 100;

/** What is older is not told any more. */
const MAX_AGE_MS = 60_000;

const NOTHING: DeviceUse = { heaps: [], cuda: [] };

export class Heaps {
  #known: { readonly use: DeviceUse; readonly at: Monotonic } | null = null;
  /** One question at a time, however many want to know. */
  #asking: Promise<void> | null = null;

  constructor(
    private readonly devices: () => Promise<readonly ListedDevice[]>,
    private readonly clock: Clock,
    private readonly waitMs = WAIT_MS,
  ) {}

  async look(): Promise<DeviceUse> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    const ended = new AbortController();
    const late = setTimeout(this.waitMs, undefined, { signal: ended.signal }).catch(() => {});
    await Promise.race([this.#asking, late]);
    ended.abort();
    const known = this.#known;
    if (known === null || this.clock.now() - known.at > MAX_AGE_MS) return NOTHING;
    return known.use;
  }

  async #ask(): Promise<void> {
    const devices = await this.devices();
    const use = { heaps: devices.flatMap(heapsOf), cuda: devices.flatMap(cudaOf) };
    this.#known = { use, at: this.clock.now() };
  }
}

const heapsOf = ({ deviceUuid: device, opened }: ListedDevice): HeapUse[] =>
  (opened?.heaps ?? []).map(({ index: heap, size, budget, usage }) => ({
    ...{ device, heap, size, budget, usage },
  }));

function cudaOf({ deviceUuid: device, cuda }: ListedDevice): CudaMemoryUse[] {
  if (cuda === null) return [];
  const { total, free, allocated } = cuda;
  return [{ device, total, free, allocated }];
}
