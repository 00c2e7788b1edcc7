/** What is done to buffers: `dmabrokerctl release`, `rename`, `reissue`, `extend`, `recall`. */
import type { BufferChange, BufferInfo } from '../../rest/contract.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { eachBuffer } from '../each-buffer.js';
import { duration } from '../numbers.js';
import { say } from '../output.js';
import type { Rest } from '../rest.js';
import { textOf } from '../table.js';

/** As long as the daemon gives holders above their share, where nothing else is configured. */
const USUAL_SECONDS = 10;

interface For {
  readonly for: number;
}

const within = (what: 'extend' | 'recall') => (rest: Rest, id: string, options: For) =>
  rest.post<BufferInfo>(bufferPath(id, `/${what}`), { seconds: options.for });

export const changeCommands: MakeCommand = (program) => {
  eachBuffer(
    program
      .command('release')
      .description('make the daemon let go of buffers; processes that hold one keep it'),
    (rest, id) => rest.delete(bufferPath(id)).then(() => ({ released: id })),
    ({ released }) => `released ${released}`,
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
    within('extend'),
    ({ id, lifetime }) => `extended ${id} until ${lifetime.ends_at}`,
  );
  eachBuffer(
    program
      .command('recall')
      .description('ask the owners of buffers to release them; who does not gets no more')
      .option('--for <duration>', 'how long they have, e.g. 1min', duration, USUAL_SECONDS),
    within('recall'),
    ({ id, recall }) => `recalled ${id} until ${recall?.deadline}`,
  );
};
