/**
 * All that the daemon has of one Vulkan device (devices.ts has the others), over the device's losses: its memory sources and the
 * importer. When a call answers VK_ERROR_DEVICE_LOST, every object of the device is destroyed, a new
 * VkDevice is made (with a new instance, so that the machine's devices are listed again), and the
 * call's request is tried once more. What was allocated is lost; imports are made again.
 *
 * Owns: the device, its sources, the importer; while the device cannot be opened, a timer.
 */
import type { Losses as LossesTold, OpenDescription } from '../../memory/device.js';
import { BrokerError, messageOf } from '../../memory/errors.js';
import type { BroughtPlane } from '../../memory/plane.js';
import type {
  Allocation,
  CheckedSpec,
  FormatOffer,
  LostAllocation,
  MemorySource,
  SourceState,
} from '../../memory/source.js';
import type { Steps } from '../../memory/steps.js';
import { CudaLost } from '../cuda/result.js';
import type { CudaReach } from '../transfer/cuda-end.js';
import { Transfers } from '../transfer/transfers.js';
import { type BindableImages, bindableImages } from '../vulkan/bindable.js';
import { describeDevice } from '../vulkan/describe.js';
import { foreseenOffers } from '../vulkan/formats.js';
import { type PhysicalDevice, physicalDevices } from '../vulkan/physical-device.js';
import type { VulkanHandleType } from '../vulkan/usage.js';
import { Importer } from './import.js';
import { Losses } from './losses.js';
import { probeVulkan, type VulkanProbe } from './probe-vulkan.js';
import { RenewedSource } from './renewed-source.js';
import type { VulkanOptions, VulkanSource } from './vulkan.js';

export interface DeviceEvents {
  /** Told before the device is made anew. `reason`: the call that found it out. */
  lost(device: string, reason: string, allocations: readonly LostAllocation[]): void;
  /** The device is there again (null), or `problem` says why not; states and offers are new. */
  renewed(device: string, problem: string | null): void;
  /** The reason of a source is another one. */
  changed?(): void;
}

/** A device that is gone is looked for again after a second, then ever more rarely. */
export const FIRST_RETRY_MS = 1000;
export const LAST_RETRY_MS = 60_000;

export class RenewableDevice {
  /** One for each handle type, usable now or not: they stay the same over a loss. */
  readonly sources: readonly MemorySource[];
  readonly #importer: Importer;
  #probe: VulkanProbe;
  readonly #losses = new Losses({
    // Not where there was no device to be lost: that is a refusal like others. CUDA's losses are its own.
    isLoss: (error) => this.live && !(error instanceof CudaLost),
    renew: (reason) => this.#renew(reason),
  });
  #retry: NodeJS.Timeout | null = null;

  /** Opens the device that `selection` names; without one there is no source, and it stays so. */
  constructor(
    selection: string | undefined,
    private readonly events: DeviceEvents,
    private readonly options: VulkanOptions = {},
  ) {
    this.#probe = probeVulkan(selection, options);
    this.#importer = new Importer(this.#probe.sources[0]?.device ?? null);
    this.sources = this.#probe.states.map(
      ({ handleType }) => new RenewedSource('vulkan', this, handleType as VulkanHandleType),
    );
  }

  /** Each handle type with why it is or is not usable now. */
  get states(): readonly SourceState[] {
    return this.#probe.states;
  }

  /** Whether there is a device now. */
  get live(): boolean {
    return this.#probe.sources.length > 0;
  }

  /** Why there is none; null where there is one. */
  get problem(): string | null {
    if (this.live) return null;
    return [...new Set(this.states.map(({ reason }) => reason))].join('; ');
  }

  /** The machine's devices, as this one's instance lists them; null while there is none. */
  list(): PhysicalDevice[] | null {
    const [live] = this.#probe.sources;
    return live === undefined ? null : physicalDevices(live.device.instance);
  }

  /** What the others would offer as dma_bufs, by UUID: those that have a DRM node, by which clients know a device. */
  foreseen(): ReadonlyMap<string, readonly FormatOffer[]> {
    const [live] = this.#probe.sources;
    if (live === undefined) return new Map();
    const { instance, physical: own } = live.device;
    const others = physicalDevices(instance).filter(
      ({ deviceUuid, drm }) => deviceUuid !== own.deviceUuid && (drm?.render ?? drm?.primary),
    );
    // Of two drivers' with one UUID the first is taken (devices.ts).
    return new Map(
      others
        .toReversed()
        .map((physical) => [physical.deviceUuid, foreseenOffers({ instance, physical })]),
    );
  }

  /** The device as it is now, or as it was before it was lost; null where there never was one. */
  describe(): (OpenDescription & LossesTold) | null {
    const [live] = this.#probe.sources;
    const device = live === undefined ? this.#probe.device : describeDevice(live.device);
    if (device === null) return null;
    return { ...device, ...this.#losses.describe() };
  }

  /** The device's source now. Throws `device_lost` while there is none. */
  source(handleType: VulkanHandleType): VulkanSource {
    const found = this.#probe.sources.find((source) => source.handleType === handleType);
    if (found !== undefined) return found;
    const state = this.#probe.states.find((each) => each.handleType === handleType);
    throw new BrokerError('device_lost', `vulkan (${handleType}): ${state?.reason}`);
  }

  /** Formats of the device's source now. */
  formats(handleType: VulkanHandleType): readonly FormatOffer[] {
    return this.#probe.sources.find((each) => each.handleType === handleType)?.formats() ?? [];
  }

  /** Imports as `Importer.import` does, on whatever device there is. */
  import(spec: CheckedSpec, planes: readonly BroughtPlane[]): Allocation {
    return this.attempt(() => this.#importer.import(spec, planes));
  }

  /**
   * A piece of work, with whatever device there is; without one the CPU does what it can, and `cuda` what is in memory
   * of its devices.
   */
  piece<T>(body: (transfers: Transfers) => T, cuda: CudaReach | null = null): T {
    return this.attempt(() => {
      const { sources } = this.#probe;
      const opaque = sources.find(({ handleType }) => handleType === 'opaque_fd') ?? null;
      return body(new Transfers(sources[0]?.device ?? null, opaque, cuda));
    });
  }

  /** Of memory that CUDA has made; null while there is no device. */
  get images(): BindableImages | null {
    if (!this.live) return null;
    const now = () => {
      const [live] = this.#probe.sources;
      if (live === undefined) throw new BrokerError('device_lost', this.problem ?? '');
      return bindableImages(live.device);
    };
    return {
      layout: (spec) => this.attempt(() => now().layout(spec)),
      problem: (...asked) => this.attempt(() => now().problem(...asked)),
    };
  }

  /** Returns false where the import is another device's. */
  freeImport(key: number): boolean {
    return this.#importer.free(key);
  }

  /** Whether the key's memory went with a lost device, and is not forgotten. */
  hasLost(key: number): boolean {
    return this.#losses.has(key);
  }

  /** Whether the key's memory went with a lost device; from now on it is forgotten. */
  forget(key: number): boolean {
    return this.#losses.forget(key);
  }

  /** As `Losses.attempt`. */
  attempt<T>(body: () => T): T {
    return this.#losses.attempt(body);
  }

  /** As `Losses.attempting`. */
  attempting<T>(body: () => Steps<T>): Steps<T> {
    return this.#losses.attempting(body);
  }

  #renew(reason: string): void {
    const { device, sources } = this.#probe;
    const allocations = sources.flatMap(({ name, handleType, keys }) =>
      keys.map((key): LostAllocation => ({ source: name, handleType, key })),
    );
    this.#losses.happened(allocations.map(({ key }) => key));
    this.events.lost(device?.name ?? '', reason, allocations);
    this.#destroy(reason);
    this.#open(FIRST_RETRY_MS);
  }

  /** VUID-vkDestroyDevice-device-05137: everything made from the device goes before it. */
  #destroy(reason: string): void {
    const { sources, states, device } = this.#probe;
    sources[0]?.device.waitIdle();
    this.#importer.leave();
    for (const source of sources) source.close();
    this.#probe = {
      device,
      sources: [],
      states: unusable(states, `the device was lost: ${reason}`),
    };
  }

  /** The same device again, by its UUID; another one is no replacement. */
  #open(retryMs: number): void {
    const { device } = this.#probe;
    const found = probeVulkan(device?.deviceUuid, this.options);
    let problem: string | null = null;
    const [source] = found.sources;
    if (source === undefined) {
      problem = [...new Set(found.states.map((state) => state.reason))].join('; ');
    } else {
      this.#probe = found;
      try {
        this.#importer.enter(source.device);
      } catch (error) {
        problem = messageOf(error);
        this.#destroy(problem);
      }
    }
    if (problem !== null) {
      const why = `the device was lost and cannot be used again: ${problem}`;
      this.#probe = { device, sources: [], states: unusable(found.states, why) };
      const next = Math.min(retryMs * 2, LAST_RETRY_MS);
      this.#retry = setTimeout(() => this.#open(next), retryMs);
    }
    this.events.renewed(device?.name ?? '', problem);
  }

  /** Frees everything and destroys the device; exported fds stay their owners'. */
  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#importer.close();
    for (const source of this.#probe.sources) source.close();
  }
}

const unusable = (states: readonly SourceState[], reason: string): SourceState[] =>
  states.map((state) => ({ ...state, usable: false, reason }));
