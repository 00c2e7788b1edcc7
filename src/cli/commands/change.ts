/** What is done to one buffer: `dmabrokerctl release`, `rename`, `reissue`, `extend`, `recall`. */
import type { BufferChange, BufferInfo } from '../../rest/contract.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { number } from '../numbers.js';
import { say } from '../output.js';
import type { Rest } from '../rest.js';
import { textOf } from '../table.js';

/** As long as the daemon gives holders above their share, where nothing else is configured. */
const USUAL_SECONDS = 10;

const within = (what: 'extend' | 'recall') => (rest: Rest, id: string, seconds: number) =>
  rest.post<BufferInfo>(bufferPath(id, `/${what}`), { seconds });

export const changeCommands: MakeCommand = (program) => {
  program
    .command('release')
    .description('make the daemon let go of a buffer; processes that hold it keep it')
    .argument('<id>', "the buffer's id")
    .action(
      tell(
        (rest, id: string) => rest.delete(bufferPath(id)).then(() => ({ released: id })),
        ({ released }) => say(`released ${released}`),
      ),
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
  program
    .command('reissue')
    .description('give a lost buffer new memory; its clients are told')
    .argument('<id>', "the buffer's id")
    .action(
      tell(
        (rest, id: string) => rest.post<BufferInfo>(bufferPath(id, '/reissue')),
        ({ id, generation }) => say(`re-issued ${id}: generation ${generation}`),
      ),
    );
  program
    .command('extend')
    .description("renew a buffer's lease; a recall because of its end is withdrawn")
    .argument('<id>', "the buffer's id")
    .argument('<seconds>', 'how long from now on', number)
    .action(tell(within('extend'), (it) => say(`extended ${it.id} until ${it.lifetime.ends_at}`)));
  program
    .command('recall')
    .description("ask a buffer's owner to release it; if it does not, it gets no more")
    .argument('<id>', "the buffer's id")
    .argument('[seconds]', 'how long its owner has', number, USUAL_SECONDS)
    .action(tell(within('recall'), (it) => say(`recalled ${it.id} until ${it.recall?.deadline}`)));
};
