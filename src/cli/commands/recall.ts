/** `dmabrokerctl recall ID SECONDS`: asks a buffer's owner to release it. */
import type { Command } from 'commander';
import type { BufferInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { number } from '../numbers.js';
import { printJson } from '../output.js';

/** As long as the daemon gives holders above their share, where nothing else is configured. */
const USUAL_SECONDS = 10;

export const recallCommand: MakeCommand = (program) => {
  program
    .command('recall')
    .description("ask a buffer's owner to release it; if it does not, it gets no more")
    .argument('<id>', "the buffer's id")
    .argument('[seconds]', 'how long its owner has', number, USUAL_SECONDS)
    .action(async (id: string, seconds: number, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const path = `/v1/buffers/${encodeURIComponent(id)}/recall`;
      const buffer = await rest.post<BufferInfo>(path, { seconds });
      if (json) printJson(buffer);
      else process.stdout.write(`recalled ${buffer.id} until ${buffer.recall?.deadline}\n`);
    });
};
