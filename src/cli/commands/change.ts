/** What is done to buffers: `dmabrokerctl release`, `rename`, `reissue`, `extend`, `recall`. */
import type { BufferChange, BufferInfo } from '../../rest/contract.js';
import {
  extend,
  recall,
  recalledText,
  release,
  releasedText,
  USUAL_SECONDS,
} from '../buffer-changes.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { eachBuffer } from '../each-buffer.js';
import { duration } from '../numbers.js';
import { say } from '../output.js';
import { textOf } from '../table.js';

interface For {
  readonly for: number;
}

export const changeCommands: MakeCommand = (program) => {
  eachBuffer(
    program
      .command('release')
      .description('make the daemon let go of buffers; processes that hold one keep it'),
    release,
    releasedText,
  );
  program
    .command('rename')
    .description('give a buffer another name, or none')
    .argument('<id>', "the buffer's id")
    .argument('[name]', 'its new name; none, if it is left out')
    .action(
      tell(
        (rest, id: string, name: string | undefined) =>
          rest.patch<BufferInfo>(bufferPath(id), { name: name ?? null } satisfies BufferChange),
        ({ id, name }) => say(`renamed ${id}: ${textOf(name)}`),
      ),
    );
  const before = new Map<string, number>();
  eachBuffer(
    program.command('reissue').description('give lost buffers new memory; their clients are told'),
    async (rest, id) => {
      before.set(id, (await rest.get<BufferInfo>(bufferPath(id))).generation);
      return rest.post<BufferInfo>(bufferPath(id, '/reissue'));
    },
    ({ id, generation, state }) =>
      before.get(id) === generation
        ? `${id} is ${state}: there was nothing to do`
        : `re-issued ${id}: generation ${generation}`,
  );
  eachBuffer(
    program
      .command('extend')
      .description('renew the leases of buffers; a recall because of their end is withdrawn')
      .requiredOption('--for <duration>', 'how long from now on, e.g. 1h', duration),
    (rest, id, { for: seconds }: For) => extend(rest, id, seconds),
    ({ id, lifetime }) => `extended ${id} until ${lifetime.ends_at}`,
  );
  eachBuffer(
    program
      .command('recall')
      .description('ask the owners of buffers to release them; who does not gets no more')
      .option('--for <duration>', 'how long they have, e.g. 1min', duration, USUAL_SECONDS),
    (rest, id, { for: seconds }: For) => recall(rest, id, seconds),
    recalledText,
  );
};
