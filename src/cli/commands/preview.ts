/** `dmabrokerctl preview ID -o FILE`: saves a picture of what is in an image now. */
import { type Command, Option } from 'commander';
import { MATRICES, RANGES } from '../../pixels/ycbcr.js';
import { common, type MakeCommand } from '../command.js';
import { number } from '../numbers.js';
import { printJson } from '../output.js';
import { saveBytes } from '../save.js';

interface Options {
  readonly output: string;
  readonly max?: number;
  readonly matrix?: string;
  readonly range?: string;
}

export const previewCommand: MakeCommand = (program) => {
  program
    .command('preview')
    .description('save a picture (PNG) of what is in an image now')
    .argument('<id>', "the buffer's id")
    .requiredOption('-o, --output <file>', 'the file to write')
    .option('--max <pixels>', 'of the longer side at most (default: 512)', number)
    .addOption(new Option('--matrix <matrix>', 'how YCbCr becomes RGB').choices(MATRICES))
    .addOption(new Option('--range <range>', 'of YCbCr samples').choices(RANGES))
    .action(async (id: string, options: Options, command: Command) => {
      const { rest, json } = common(command);
      const { output, ...terms } = options;
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(terms)) query.set(name, String(value));
      const png = await rest.bytes(`/v1/buffers/${encodeURIComponent(id)}/preview.png?${query}`);
      saveBytes(output, png);
      if (json) printJson({ file: output, bytes: png.length });
      else process.stdout.write(`${output}: ${png.length} bytes\n`);
    });
};
