/** `dmabrokerctl formats`: what images can be allocated. */
import type { Command } from 'commander';
import type { FormatInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { findDevice } from '../find-device.js';
import { orDash, printJson, printTable } from '../output.js';

const HEAD = ['FORMAT', 'MODIFIER', 'NAME', 'PLANES', 'SOURCE', 'HANDLE', 'MADE'];

export const formatsCommand: MakeCommand = (program) => {
  program
    .command('formats')
    .description('the formats and modifiers of images that can be allocated')
    .option('--device <device>', 'of this Vulkan device alone: its UUID, or a part of its name')
    .action(async ({ device }: { device?: string }, command: Command) => {
      const { rest, json } = common(command);
      const query = device === undefined ? '' : `?device=${await findDevice(rest, device)}`;
      const formats = await rest.get<FormatInfo[]>(`/v1/device/formats${query}`);
      if (json) return printJson(formats);
      await printTable(HEAD, formats.map(row), 'no images can be allocated');
    });
};

function row(format: FormatInfo): string[] {
  return [
    format.format,
    format.modifier,
    orDash(format.modifier_name),
    String(format.planes),
    format.source,
    format.handle_type,
    format.made,
  ];
}
