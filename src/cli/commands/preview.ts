/** `dmabrokerctl preview ID -o FILE`: saves a picture of what is in an image now. */
import { Option } from 'commander';
import { MATRICES, RANGES } from '../../pixels/ycbcr.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { number } from '../numbers.js';
import { say } from '../output.js';
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
    .action(
      tell(
        async (rest, id: string, { output: file, ...terms }: Options) => {
          const query = new URLSearchParams();
          for (const [name, value] of Object.entries(terms)) query.set(name, `${value}`);
          const png = await rest.bytes(bufferPath(id, `/preview.png?${query}`));
          saveBytes(file, png);
          return { file, bytes: png.length };
        },
        ({ file, bytes }) => say(`${file}: ${bytes} bytes`),
      ),
    );
};
