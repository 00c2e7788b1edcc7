/** `dmabrokerctl reissue ID`: new memory for a buffer whose device was lost. */
import type { Command } from 'commander';
import type { BufferInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { printJson } from '../output.js';

export const reissueCommand: MakeCommand = (program) => {
  program
    .command('reissue')
    .description('give a lost buffer new memory; its clients are told')
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const path = `/v1/buffers/${encodeURIComponent(id)}/reissue`;
      const buffer = await rest.post<BufferInfo>(path);
      if (json) printJson(buffer);
      else process.stdout.write(`re-issued ${buffer.id}: generation ${buffer.generation}\n`);
    });
};
