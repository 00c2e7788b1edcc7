/** `dmabrokerctl list`: buffers, filtered and sorted by the daemon. */
import type { BufferInfo } from '../../rest/contract.js';
import { bufferSortValues, bufferStateValues } from '../../rest/openapi.gen.js';
import { BUFFERS } from '../buffer-columns.js';
import type { MakeCommand } from '../command.js';
import { listing } from '../listing.js';
import { number, size } from '../numbers.js';
import { format, oneOf } from '../options.js';

/** The query parameter of each option, by Commander's name for it. */
const FILTERS = {
  owner: 'owner_uid',
  client: 'client',
  unit: 'unit',
  state: 'state',
  format: 'format',
  source: 'source',
  name: 'name',
  minSize: 'min_size',
  maxSize: 'max_size',
  olderThan: 'older_than',
  newerThan: 'newer_than',
} as const;

type Options = Partial<Record<keyof typeof FILTERS | 'sort', string | number>> & {
  readonly limit: number;
  readonly all?: boolean;
};

export const listCommand: MakeCommand = (program) => {
  const command = program
    .command('list')
    .description('buffers, oldest first')
    .addOption(oneOf('--sort <field>', 'with - before it, the largest first', bufferSortValues))
    .option('--limit <number>', 'how many to show', number, 1000)
    .option('--all', 'show all of them')
    .option('--owner <uid>', 'only buffers of this user', number)
    .option('--client <client>', 'only buffers that this client owns')
    .option('--unit <name>', 'only buffers of owners in this systemd unit')
    .addOption(oneOf('--state <state>', 'only buffers in this state', bufferStateValues))
    .addOption(format('only images of this format'))
    .option('--source <source>', 'only memory of this source')
    .option('--name <text>', 'only buffers whose name has this in it')
    .option('--min-size <bytes>', 'only buffers of at least this size, e.g. 16M', size)
    .option('--max-size <bytes>', 'only buffers of at most this size', size)
    .option('--older-than <seconds>', 'only buffers that are at least this old', number)
    .option('--newer-than <seconds>', 'only buffers that are at most this old', number);
  listing(command, { columns: BUFFERS, none: 'no buffers' }, (rest, options: Options) => {
    const query = new URLSearchParams();
    for (const [option, parameter] of Object.entries({ sort: 'sort', ...FILTERS })) {
      const value = options[option as keyof typeof FILTERS | 'sort'];
      if (value !== undefined) query.set(parameter, String(value));
    }
    return rest.page<BufferInfo>('/v1/buffers', query, options.all ? undefined : options.limit);
  });
};
