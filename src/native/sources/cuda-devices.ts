/**
 * The machine's GPUs by CUDA. A GPU that is a Vulkan device, too, is one device for everybody: it has the same UUID by
 * both. Where Vulkan has none of them (a container without its driver), they are devices by CUDA alone.
 *
 * Owns: the devices with what they have of memory. Without NVIDIA's driver there are none, for a reason.
 */
import type { CudaUse, DeviceState } from '../../memory/device.js';
import { BrokerError, messageOf } from '../../memory/errors.js';
import type { HandleType, MemorySource, SourceState } from '../../memory/source.js';
import type { MemoryReference } from '../../memory/work.js';
import { CudaDevice } from '../cuda/device.js';
import { Cuda } from '../cuda/driver.js';
import type { CudaEnd, CudaReach } from '../transfer/cuda-end.js';
import type { BindableImages } from '../vulkan/bindable.js';
import type { VulkanPlace } from './cuda.js';
import type { DeviceEvents } from './renewable.js';
import { RenewableCuda } from './renewable-cuda.js';

/** By UUID; null where no Vulkan device is open that is this GPU. */
export interface VulkanOfGpus {
  placeOf(uuid: string): VulkanPlace | null;
  imagesOf(uuid: string): BindableImages | null;
}

export class CudaDevices implements CudaReach {
  readonly #devices: readonly RenewableCuda[];
  /** Why there is no device at all; null where there is one. */
  readonly #problem: string | null;

  /**
   * `vulkan`: what the GPUs' Vulkan devices say of such memory. No context is made. `library`: another one than the
   * system's, for tests.
   */
  constructor(events: DeviceEvents, vulkan: VulkanOfGpus, library?: string) {
    let devices: CudaDevice[] = [];
    let problem: string | null = null;
    try {
      devices = CudaDevice.list(Cuda.open(library));
      if (devices.length === 0) problem = 'CUDA has no devices';
    } catch (error) {
      problem = messageOf(error);
    }
    this.#problem = problem;
    this.#devices = devices.map(
      (device) =>
        new RenewableCuda(device, events, {
          place: () => vulkan.placeOf(device.uuid),
          images: () => vulkan.imagesOf(device.uuid),
        }),
    );
  }

  #find(uuid: string | null | undefined): RenewableCuda | null {
    return this.#devices.find(({ device }) => device.uuid === uuid) ?? null;
  }

  /** For a request that names no device: the main Vulkan device's GPU, else the first one. */
  #main(vulkan: string | null): RenewableCuda | null {
    return this.#find(vulkan) ?? this.#devices[0] ?? null;
  }

  /** What the sources of a request without a device are; `vulkan`: the main Vulkan device's UUID. */
  mainStates(vulkan: string | null): readonly SourceState[] {
    const main = this.#main(vulkan);
    if (main !== null) return main.states;
    const reason = this.#problem ?? 'CUDA has no devices';
    return [{ name: 'cuda', handleType: 'dma_buf', usable: false, reason }];
  }

  mainSources(vulkan: string | null): readonly MemorySource[] {
    return this.#main(vulkan)?.sources ?? [];
  }

  /** What that GPU has of its own, in bytes; 0 where there is none that anything can be had of. */
  mainBytes(vulkan: string | null): number {
    return this.#ownBytes(this.#main(vulkan));
  }

  /** Of one GPU. */
  ownBytes(uuid: string): number {
    return this.#ownBytes(this.#find(uuid));
  }

  #ownBytes(gpu: RenewableCuda | null): number {
    return gpu?.states.some(({ usable }) => usable) ? gpu.ownBytes : 0;
  }

  /** Of one GPU; none where it is not one of CUDA's. */
  states(uuid: string): readonly SourceState[] {
    return this.#find(uuid)?.states ?? [];
  }

  sources(uuid: string): readonly MemorySource[] {
    return this.#find(uuid)?.sources ?? [];
  }

  /** The GPUs that Vulkan does not have. */
  beside(vulkan: readonly string[]): DeviceState[] {
    const alone = this.#devices.filter(({ device }) => !vulkan.includes(device.uuid));
    return alone.map(({ device: { uuid, name }, states, sources }) => {
      const offers = sources.flatMap((source) => source.formats());
      const ownBytes = this.ownBytes(uuid);
      return { uuid, name, table: { sources: states, offers }, ownBytes, problem: null };
    });
  }

  source(uuid: string | undefined, handleType: HandleType, vulkan: string | null): MemorySource {
    const device = uuid === undefined ? this.#main(vulkan) : this.#find(uuid);
    const found = device?.sources.find((source) => source.handleType === handleType);
    if (found === undefined) throw new BrokerError('internal', `no CUDA source of ${handleType}`);
    return found;
  }

  /** What a GPU's memory is used for; null where it is not one of CUDA's. */
  describe(uuid: string): CudaUse | null {
    return this.#find(uuid)?.describe() ?? null;
  }

  open(reference: MemoryReference): CudaEnd | null {
    if (reference.origin !== 'cuda') return null;
    return this.#find(reference.device)?.open(reference) ?? null;
  }

  hasLost(key: number): boolean {
    return this.#devices.some((device) => device.hasLost(key));
  }

  close(): void {
    for (const device of this.#devices) device.close();
  }
}
