/** `dmabrokerctl device`: the Vulkan device and the memory sources. */
import type { Command } from 'commander';
import type { DeviceInfo, DeviceReport } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { bytes, orDash, printFields, printJson, printTable } from '../output.js';

export const deviceCommand: MakeCommand = (program) => {
  program
    .command('device')
    .description('the Vulkan device and the memory sources')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const report = await rest.get<DeviceReport>('/v1/device');
      if (json) return printJson(report);
      if (report.device === null) printFields([['device', `none: ${orDash(report.reason)}`]]);
      else await printDevice(report.device);
      process.stdout.write('\n');
      await printTable(
        ['SOURCE', 'HANDLE', 'USABLE', 'REASON'],
        report.sources.map((source) => [
          source.name,
          source.handle_type,
          source.usable ? 'yes' : 'no',
          source.reason,
        ]),
        'no memory sources',
      );
    });
};

async function printDevice(device: DeviceInfo): Promise<void> {
  const node = (found: { major: number; minor: number } | null | undefined) =>
    found ? `${found.major}:${found.minor}` : '-';
  printFields([
    ['device', `${device.name} (${device.type})`],
    ['pci', `${hex(device.vendor_id)}:${hex(device.device_id)}`],
    ['vulkan', device.api_version],
    ['driver', `${device.driver.name} ${device.driver.info}`],
    ['device uuid', device.device_uuid],
    ['driver uuid', device.driver_uuid],
    ['drm primary', node(device.drm?.primary)],
    ['drm render', node(device.drm?.render)],
    ['max allocations', String(device.limits.max_allocations)],
    ['max allocation', bytes(device.limits.max_allocation_size)],
    ['max image', `${device.limits.max_image_dimension_2d} pixels`],
    ['lost', device.losses === 0 ? 'never' : `${device.losses} times, last ${device.last_lost_at}`],
  ]);
  process.stdout.write('\n');
  await printTable(
    ['EXTENSION', 'ENABLED', 'REASON'],
    device.extensions.map(({ name, enabled, reason }) => [
      name,
      enabled ? 'yes' : 'no',
      orDash(reason),
    ]),
    'no extensions',
  );
  process.stdout.write('\n');
  await printTable(
    ['HEAP', 'SIZE', 'LOCAL', 'BUDGET', 'USED'],
    device.heaps.map((heap) => [
      String(heap.index),
      bytes(heap.size),
      heap.device_local ? 'yes' : 'no',
      heap.budget === null ? '-' : bytes(heap.budget),
      heap.usage === null ? '-' : bytes(heap.usage),
    ]),
    'no heaps',
  );
}

function hex(id: number): string {
  return id.toString(16).padStart(4, '0');
}
