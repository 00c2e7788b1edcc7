/**
 * The machine's Vulkan devices: the main one, which is opened at start, and the others, each opened
 * when it is first named. Each is lost and made anew on its own. A device is known by its deviceUUID;
 * where two drivers say the same one, the first driver's device is taken. What CUDA has of the same GPUs is told with
 * them.
 *
 * Owns: the devices that are open, with their sources and imports.
 */
import {
  type DeviceDescription,
  type DeviceState,
  type ListedDevice,
  type Losses,
  ownBytes,
  type PhysicalDescription,
  type SourceTable,
  type WithCuda,
} from '../../memory/device.js';
import { BrokerError } from '../../memory/errors.js';
import type { BroughtPlane } from '../../memory/plane.js';
import type {
  Allocation,
  CheckedSpec,
  FormatOffer,
  HandleType,
  MemorySource,
  Origin,
  SourceState,
} from '../../memory/source.js';
import type { Steps } from '../../memory/steps.js';
import type { MemoryReference, Work, WorkDone } from '../../memory/work.js';
import { inPieces } from '../transfer/pieces.js';
import type { BindableImages } from '../vulkan/bindable.js';
import { describePhysical } from '../vulkan/describe.js';
import { listDevices } from '../vulkan/open.js';
import type { VulkanPlace } from './cuda.js';
import type { CudaDevices } from './cuda-devices.js';
import { type DeviceEvents, RenewableDevice } from './renewable.js';
import type { VulkanOptions } from './vulkan.js';

const NO_TABLE: SourceTable = { sources: [], offers: [] };

export class VulkanDevices {
  readonly main: RenewableDevice;
  /** Of the main one, lost or not; null where there is none. */
  readonly mainUuid: string | null;
  /** The main one first. */
  readonly #listed: readonly PhysicalDescription[];
  /** Of the others, open or not: what they offer as dma_bufs, by UUID. It never changes. */
  readonly foreseen: ReadonlyMap<string, readonly FormatOffer[]>;
  /** By UUID: the main one, and those that were named. */
  readonly #opened = new Map<string, RenewableDevice>();

  /** By UUID: heaps and types never change. */
  readonly #places = new Map<string, VulkanPlace>();

  /** `selection` as of `probeVulkan`; `cuda`: the same GPUs by CUDA, which are the caller's. */
  constructor(
    selection: string | undefined,
    private readonly events: DeviceEvents,
    private readonly options: VulkanOptions = {},
    private readonly cuda: CudaDevices | null = null,
  ) {
    this.main = new RenewableDevice(selection, events, options);
    const main = this.main.describe();
    this.mainUuid = main?.deviceUuid ?? null;
    const listed = new Map<string, PhysicalDescription>();
    if (main !== null) {
      listed.set(main.deviceUuid, main);
      this.#opened.set(main.deviceUuid, this.main);
    }
    for (const device of list(this.main)) {
      if (!listed.has(device.deviceUuid)) listed.set(device.deviceUuid, device);
    }
    this.#listed = [...listed.values()];
    this.foreseen = this.main.foreseen();
  }

  /** Those that CUDA alone has are the last. */
  get states(): DeviceState[] {
    return [...this.#listed.map((device) => this.#withCuda(this.#state(device))), ...this.#alone];
  }

  /** The GPUs that CUDA alone has. */
  get #alone(): DeviceState[] {
    return this.cuda?.beside(this.#listed.map(({ deviceUuid }) => deviceUuid)) ?? [];
  }

  /** What can be had of the GPU, by whichever of its drivers: dma_bufs before what only they take. */
  #withCuda(state: DeviceState): DeviceState {
    const { uuid, problem } = state;
    const own = this.cuda?.states(uuid) ?? [];
    // It is not opened yet; or Vulkan cannot, and CUDA has it all the same.
    const table = state.table ?? (problem === null ? null : NO_TABLE);
    if (table === null || own.length === 0) return state;
    const offers = this.cuda?.sources(uuid).flatMap((source) => source.formats()) ?? [];
    const all = [...table.sources, ...own];
    const isOpaque = ({ handleType }: SourceState) => handleType === 'opaque_fd';
    const sources = [...all.filter((each) => !isOpaque(each)), ...all.filter(isOpaque)];
    const both = { sources, offers: [...table.offers, ...offers] };
    const bytes = Math.max(state.ownBytes ?? 0, this.cuda?.ownBytes(uuid) ?? 0);
    return { ...state, table: both, ownBytes: bytes, problem: null };
  }

  /** Where a GPU's own memory is for its Vulkan device; null where none is open that is this GPU. */
  placeOf(uuid: string): VulkanPlace | null {
    const place = this.#places.get(uuid) ?? this.#findPlace(uuid);
    if (place !== null) this.#places.set(uuid, place);
    return place;
  }

  /** What a GPU's Vulkan device makes of images in CUDA's memory; null where none is open that is this GPU. */
  imagesOf(uuid: string): BindableImages | null {
    return this.#opened.get(uuid)?.images ?? null;
  }

  #findPlace(uuid: string): VulkanPlace | null {
    const known = this.#opened.get(uuid)?.describe() ?? null;
    const local = known?.heaps.filter(({ deviceLocal }) => deviceLocal) ?? [];
    const [largest] = local.toSorted((a, b) => b.size - a.size);
    if (known === null || largest === undefined) return null;
    const types = known.memoryTypes.filter(
      ({ heap, flags }) => heap === largest.index && flags.includes('device_local'),
    );
    const [type] = types.toSorted((a, b) => a.flags.length - b.flags.length);
    return type === undefined ? null : { heap: largest.index, memoryType: type.index };
  }

  #state({ deviceUuid: uuid, name }: PhysicalDescription): DeviceState {
    const device = this.#opened.get(uuid);
    if (device === undefined) return { uuid, name, table: null, problem: null };
    // One that was lost is opened again by itself: its sources say what there is to say.
    const had = device.live || (device.describe()?.losses ?? 0) > 0;
    if (!had) return { uuid, name, table: null, problem: device.problem };
    const offers = device.sources.flatMap((source) => source.formats());
    const known = device.describe();
    const heaps = known?.heaps.map(({ size }) => size) ?? [];
    const own = known === null ? 0 : ownBytes(known);
    const table = { sources: device.states, offers };
    return { uuid, name, table, heaps, ownBytes: own, problem: null };
  }

  /** Opens a listed device unless that was tried before; the answer says what came of it. */
  open(uuid: string): DeviceState {
    const alone = this.#alone.find((each) => each.uuid === uuid);
    if (alone !== undefined) return alone;
    const listed = this.#listed.find((device) => device.deviceUuid === uuid);
    if (listed === undefined) throw new BrokerError('unsupported_device', `no device is ${uuid}`);
    if (!this.#opened.has(uuid)) {
      this.#opened.set(uuid, new RenewableDevice(uuid, this.events, this.options));
    }
    return this.#withCuda(this.#state(listed));
  }

  /** The main device; null where there is none. */
  describeMain(): DeviceDescription | null {
    const main = this.main.describe();
    return main && { ...main, ...this.#cudaOf(main.deviceUuid, main) };
  }

  /** What CUDA has of a GPU, with its losses among those of the device. */
  #cudaOf(uuid: string, { losses, lastLostAt }: Losses): Losses & WithCuda {
    const cuda = this.cuda?.describe(uuid) ?? null;
    if (cuda === null) return { losses, lastLostAt, cuda };
    const [last = null] = [lastLostAt, cuda.lastLostAt]
      .filter((at) => at !== null)
      .toSorted((a, b) => (a < b ? 1 : -1));
    return { losses: losses + cuda.losses, lastLostAt: last, cuda };
  }

  /** All devices, those that CUDA alone has behind the others; heap budgets are as of now. */
  describe(): ListedDevice[] {
    return [...this.#describeListed(), ...this.#describeAlone()];
  }

  #describeAlone(): ListedDevice[] {
    const why = this.#listed.length === 0 ? this.main.problem : null;
    return this.#alone.map(({ uuid, name, table }, at) => ({
      ...{ name, type: 'discrete_gpu', deviceUuid: uuid, drm: null },
      ...{ vendorId: null, deviceId: null, apiVersion: null, driver: null, driverUuid: null },
      ...this.#cudaOf(uuid, { losses: 0, lastLostAt: null }),
      opened: null,
      main: this.mainUuid === null && at === 0,
      reason: `Vulkan does not have it: ${why ?? 'its driver here has other devices alone'}`,
      sources: table?.sources ?? [],
    }));
  }

  #describeListed(): ListedDevice[] {
    return this.#listed.map((listed): ListedDevice => {
      const device = this.#opened.get(listed.deviceUuid);
      const known = device?.describe() ?? null;
      return {
        ...listed,
        ...this.#cudaOf(listed.deviceUuid, known ?? { losses: 0, lastLostAt: null }),
        opened: device?.live ? known : null,
        main: device === this.main,
        reason: device?.problem ?? null,
        sources: [...(device?.states ?? []), ...(this.cuda?.states(listed.deviceUuid) ?? [])],
      };
    });
  }

  /** Without a UUID: the main device. */
  #get(uuid: string | null | undefined): RenewableDevice {
    if (uuid === null || uuid === undefined) return this.main;
    // Memory of before a restart is of a device that nobody has named since.
    this.open(uuid);
    const device = this.#opened.get(uuid);
    if (device === undefined) throw new BrokerError('internal', `device ${uuid} is not open`);
    return device;
  }

  source(uuid: string | undefined, handleType: HandleType): MemorySource {
    const found = this.#get(uuid).sources.find((source) => source.handleType === handleType);
    if (found === undefined) throw new BrokerError('internal', `no Vulkan source of ${handleType}`);
    return found;
  }

  import(spec: CheckedSpec, planes: readonly BroughtPlane[], uuid: string | null): Allocation {
    return this.#get(uuid).import(spec, planes);
  }

  /** By key alone: an import that no device took has none. */
  freeImport(key: number): void {
    for (const device of new Set([this.main, ...this.#opened.values()])) {
      if (device.freeImport(key)) return;
    }
    throw new BrokerError('internal', `there is no import ${key}`);
  }

  /** Copies, fills and reads. What was lost with its device, meanwhile or before, is refused. */
  *work(work: Work): Steps<WorkDone> {
    const device = this.#get(deviceFor(work));
    const ends = endsOf(work);
    const checkLost = () => {
      if (!ends.some(({ origin, key }) => this.#hasLost(origin, key))) return;
      throw new BrokerError('device_lost', 'the memory was lost with its device', {
        constraint: 'state',
        requested: 'live',
      });
    };
    return yield* inPieces(work, (body) => {
      checkLost();
      try {
        return device.piece(body, this.cuda);
      } finally {
        checkLost();
      }
    });
  }

  #hasLost(origin: Origin, key: number): boolean {
    if (origin === 'cuda') return this.cuda?.hasLost(key) ?? false;
    if (origin !== 'vulkan') return false;
    return [this.main, ...this.#opened.values()].some((device) => device.hasLost(key));
  }

  close(): void {
    for (const device of new Set([this.main, ...this.#opened.values()])) device.close();
  }
}

function list(main: RenewableDevice): PhysicalDescription[] {
  try {
    return (main.list() ?? listDevices()).map(describePhysical);
  } catch {
    // Without Vulkan; the main device's states say why.
    return [];
  }
}

/**
 * Whose work it is: an opaque fd's own device, since no other reaches it; else the device of the
 * memory that is read, or of that which is written.
 */
function deviceFor(work: Work): string | null {
  // CUDA's memory is reached whatever Vulkan device does the rest.
  const ends = endsOf(work).filter(({ origin }) => origin !== 'cuda');
  const bound = [...new Set(ends.filter(isOpaque).map(({ device }) => device))];
  if (bound.length > 1) {
    const message = 'both are opaque_fd of different devices, of which none reaches the other';
    throw new BrokerError('unsupported_handle_type', message, {
      constraint: 'handle_type',
      requested: bound,
    });
  }
  return bound[0] ?? ends.find(({ device }) => device !== null)?.device ?? null;
}

function endsOf(work: Work): MemoryReference[] {
  const ends: MemoryReference[] = [];
  if (work.kind !== 'fill') ends.push(work.source);
  if (work.kind !== 'read') ends.push(work.destination);
  return ends;
}

const isOpaque = ({ handleType }: MemoryReference) => handleType === 'opaque_fd';
