/** `dmabrokerctl device`, `devices`, `formats`: what memory can be had, and of which Vulkan device. */
import type {
  DeviceInfo,
  DeviceReport,
  FormatInfo,
  ListedDeviceInfo,
} from '../../rest/contract.js';
import { type MakeCommand, tell } from '../command.js';
import { findDevice } from '../find-device.js';
import { listing } from '../listing.js';
import { printFields, printTable, say } from '../output.js';
import { bytes } from '../printable.js';
import type { Columns } from '../table.js';

type Node = { readonly major: number; readonly minor: number } | null | undefined;

const nodeText = (node: Node) => (node ? `${node.major}:${node.minor}` : null);
const hex = (id: number) => id.toString(16).padStart(4, '0');
const sizeOrNull = (size: number | null) => (size === null ? null : bytes(size));

const SOURCES: Columns<DeviceReport['sources'][number]> = [
  ['SOURCE', (source) => source.name],
  ['HANDLE', (source) => source.handle_type],
  ['CONTIGUOUS', (source) => source.contiguous],
  ['USABLE', (source) => source.usable],
  ['REASON', (source) => source.reason],
];

const EXTENSIONS: Columns<DeviceInfo['extensions'][number]> = [
  ['EXTENSION', ({ name }) => name],
  ['ENABLED', ({ enabled }) => enabled],
  ['REASON', ({ reason }) => reason],
];

const HEAPS: Columns<DeviceInfo['heaps'][number]> = [
  ['HEAP', (heap) => heap.index],
  ['SIZE', (heap) => bytes(heap.size)],
  ['LOCAL', (heap) => heap.device_local],
  ['BUDGET', (heap) => sizeOrNull(heap.budget)],
  ['USED', (heap) => sizeOrNull(heap.usage)],
];

const DEVICES: Columns<ListedDeviceInfo> = [
  ['UUID', (device) => device.device_uuid, 'long id'],
  ['NAME', (device) => device.name],
  ['TYPE', (device) => device.type],
  ['DRIVER', (device) => device.driver?.name ?? 'CUDA alone'],
  ['RENDER NODE', (device) => nodeText(device.drm?.render)],
  ['MAIN', (device) => device.main],
  ['OPEN', (device) => device.open],
  ['SERVES', ({ driver, reason, sources }) => (driver && reason) ?? sources.flatMap(served)],
];

const served = ({ usable, handle_type }: DeviceReport['sources'][number]) =>
  usable ? [handle_type] : [];

const FORMATS: Columns<FormatInfo> = [
  ['FORMAT', ({ format }) => format],
  ['MODIFIER', ({ modifier }) => modifier],
  ['NAME', ({ modifier_name }) => modifier_name],
  ['PLANES', ({ planes }) => planes],
  ['SOURCE', ({ source }) => source],
  ['HANDLE', ({ handle_type }) => handle_type],
  ['MADE', ({ made }) => made],
];

export const deviceCommands: MakeCommand = (program) => {
  program
    .command('device')
    .description('the Vulkan device and the memory sources')
    .action(tell((rest) => rest.get<DeviceReport>('/v1/device'), printReport));
  listing(
    program
      .command('devices')
      .description(
        'all devices; the first is the main one, the last those that Vulkan does not have',
      ),
    { columns: DEVICES, none: 'no Vulkan devices' },
    (rest) => rest.get<ListedDeviceInfo[]>('/v1/devices'),
  );
  listing(
    program
      .command('formats')
      .description('the formats and modifiers of images that can be allocated')
      .option('--device <device>', 'of this Vulkan device alone: its UUID, or a part of its name'),
    { columns: FORMATS, none: 'no images can be allocated' },
    async (rest, { device }: { device?: string }) => {
      const query = device === undefined ? '' : `?device=${await findDevice(rest, device)}`;
      return rest.get<FormatInfo[]>(`/v1/device/formats${query}`);
    },
  );
};

function printReport({ device, reason, sources, fallback }: DeviceReport): void {
  if (device === null) printFields([['device', `none: ${reason ?? '-'}`]]);
  else printDevice(device);
  say('');
  printTable(SOURCES, sources, 'no memory sources');
  say('');
  printFields([...sources.flatMap(regionFields), ['where a heap has no more', fallback]]);
}

function regionFields({ name, region }: DeviceReport['sources'][number]): [string, string][] {
  if (region === undefined) return [];
  return [[name, `${bytes(region.available)} free of ${bytes(region.size)}`]];
}

/** Beside the heaps: of the same memory. */
function cudaText(cuda: DeviceInfo['cuda']): string | null {
  if (cuda === null) return null;
  const { total, free, allocated, released } = cuda;
  // Until the daemon has a context nobody says what others have.
  if (free === null) return `${bytes(total)}, none allocated here`;
  const { held, unknown, unknown_at_most: most } = released;
  return [
    `${bytes(free)} free of ${bytes(total)}, ${bytes(allocated)} allocated here`,
    ...(held > 0 ? [`${bytes(held)} released and held`] : []),
    ...(unknown > 0 ? [`${bytes(unknown)} released, at most ${bytes(most ?? 0)} still held`] : []),
  ].join(', ');
}

function printDevice(device: DeviceInfo): void {
  printFields([
    ['device', `${device.name} (${device.type})`],
    ['pci', `${hex(device.vendor_id)}:${hex(device.device_id)}`],
    ['vulkan', device.api_version],
    ['driver', `${device.driver.name} ${device.driver.info}`],
    ['device uuid', device.device_uuid],
    ['driver uuid', device.driver_uuid],
    ['drm primary', nodeText(device.drm?.primary)],
    ['drm render', nodeText(device.drm?.render)],
    ['max allocations', device.limits.max_allocations],
    ['max allocation', bytes(device.limits.max_allocation_size)],
    ['max image', `${device.limits.max_image_dimension_2d} pixels`],
    ['cuda memory', cudaText(device.cuda)],
    ['lost', device.losses === 0 ? 'never' : `${device.losses} times, last ${device.last_lost_at}`],
  ]);
  say('');
  printTable(EXTENSIONS, device.extensions, 'no extensions');
  say('');
  printTable(HEAPS, device.heaps, 'no heaps');
}
