/** `dmabrokerctl devices`: all Vulkan devices of the machine. */
import type { Command } from 'commander';
import type { ListedDeviceInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { printJson, printTable } from '../output.js';

export const devicesCommand: MakeCommand = (program) => {
  program
    .command('devices')
    .description('all Vulkan devices; the first is the main one')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const devices = await rest.get<ListedDeviceInfo[]>('/v1/devices');
      if (json) return printJson(devices);
      const head = ['UUID', 'NAME', 'TYPE', 'DRIVER', 'RENDER NODE', 'MAIN', 'OPEN', 'SERVES'];
      await printTable(head, devices.map(row), 'no Vulkan devices');
    });
};

function row(device: ListedDeviceInfo): string[] {
  const render = device.drm?.render;
  const served = device.sources.filter(({ usable }) => usable);
  return [
    device.device_uuid,
    device.name,
    device.type,
    device.driver.name,
    render ? `${render.major}:${render.minor}` : '-',
    device.main ? 'yes' : 'no',
    device.open ? 'yes' : 'no',
    device.reason ?? (served.map(({ handle_type }) => handle_type).join(', ') || '-'),
  ];
}
