/** `dmabrokerctl rename ID [NAME]`: gives a buffer another name, or none. */
import type { Command } from 'commander';
import type { BufferChange, BufferInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { orDash, printable, printJson } from '../output.js';

export const renameCommand: MakeCommand = (program) => {
  program
    .command('rename')
    .description('give a buffer another name, or none')
    .argument('<id>', "the buffer's id")
    .argument('[name]', 'its new name; none, if it is left out')
    .action(async (id: string, name: string | undefined, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const change: BufferChange = { name: name ?? null };
      const buffer = await rest.patch<BufferInfo>(`/v1/buffers/${encodeURIComponent(id)}`, change);
      if (json) printJson(buffer);
      else process.stdout.write(`renamed ${buffer.id}: ${printable(orDash(buffer.name))}\n`);
    });
};
