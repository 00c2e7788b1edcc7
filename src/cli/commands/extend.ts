/** `dmabrokerctl extend ID SECONDS`: renews a lease. */
import type { Command } from 'commander';
import type { BufferInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { number } from '../numbers.js';
import { printJson } from '../output.js';

export const extendCommand: MakeCommand = (program) => {
  program
    .command('extend')
    .description("renew a buffer's lease; a recall because of its end is withdrawn")
    .argument('<id>', "the buffer's id")
    .argument('<seconds>', 'how long from now on', number)
    .action(async (id: string, seconds: number, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const path = `/v1/buffers/${encodeURIComponent(id)}/extend`;
      const buffer = await rest.post<BufferInfo>(path, { seconds });
      if (json) printJson(buffer);
      else process.stdout.write(`extended ${buffer.id} until ${buffer.lifetime.ends_at}\n`);
    });
};
