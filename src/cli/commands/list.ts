/** `dmabrokerctl list`: buffers, filtered and sorted by the daemon. */
import type { BufferInfo } from '../../rest/contract.js';
import { bufferSortValues } from '../../rest/openapi.gen.js';
import {
  addBufferFilters,
  type BufferFilters,
  filterQuery,
  withDevice,
} from '../buffer-filters.js';
import { BUFFERS } from '../columns.js';
import type { MakeCommand } from '../command.js';
import { listing } from '../listing.js';
import { number } from '../numbers.js';
import { oneOf } from '../options.js';

interface Options extends BufferFilters {
  readonly sort?: string;
  readonly limit: number;
  readonly all?: boolean;
}

export const listCommand: MakeCommand = (program) => {
  const command = program
    .command('list')
    .description('buffers, oldest first')
    .addOption(oneOf('--sort <field>', 'with - before it, the largest first', bufferSortValues))
    .option('--limit <number>', 'how many to show', number, 1000)
    .option('--all', 'show all of them');
  listing(
    addBufferFilters(command),
    { columns: BUFFERS, none: 'no buffers' },
    async (rest, { sort, all, limit, ...filters }: Options) => {
      const query = filterQuery(await withDevice(rest, filters));
      if (sort !== undefined) query.set('sort', sort);
      const { items, more } = await rest.page<BufferInfo>(
        '/v1/buffers',
        query,
        all ? undefined : limit,
      );
      const note = `these are ${items.length}, and there are more: see --limit`;
      return { items, note: more ? note : null };
    },
  );
};
