/** `dmabrokerctl release ID`: makes the daemon let go of a buffer. */
import type { Command } from 'commander';
import { common, type MakeCommand } from '../command.js';
import { printJson } from '../output.js';

export const releaseCommand: MakeCommand = (program) => {
  program
    .command('release')
    .description('make the daemon let go of a buffer; processes that hold it keep it')
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      await rest.delete(`/v1/buffers/${encodeURIComponent(id)}`);
      if (json) printJson({ released: id });
      else process.stdout.write(`released ${id}\n`);
    });
};
