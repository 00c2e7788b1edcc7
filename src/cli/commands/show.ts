/** `dmabrokerctl show ID`: everything about one buffer. */
import type { BufferInfo } from '../../rest/contract.js';
import { bufferLines } from '../buffer-details.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { lineWidth, printLines } from '../output.js';

export const showCommand: MakeCommand = (program) => {
  program
    .command('show')
    .description('one buffer, its owner and everybody who was handed it')
    .argument('<id>', "the buffer's id")
    .option('-w, --wide', 'all that there is, however wide the terminal')
    .action(
      tell(
        (rest, id: string) => rest.get<BufferInfo>(bufferPath(id)),
        (buffer, names, command) => {
          const width = command.opts().wide ? Number.POSITIVE_INFINITY : lineWidth();
          printLines(bufferLines(buffer, names, width));
        },
      ),
    );
};
