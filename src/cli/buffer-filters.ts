/** Options that say which buffers are meant, for the commands that take some: REST does the filtering. */
import type { Command } from 'commander';
import { bufferStateValues } from '../rest/openapi.gen.js';
import { duration, size, user } from './numbers.js';
import { format, oneOf } from './options.js';

/** The query parameter of each option, by Commander's name for it. */
const PARAMETERS = {
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

export type BufferFilters = Partial<Record<keyof typeof PARAMETERS, string | number>>;

export function addBufferFilters(command: Command): Command {
  return command
    .option('--owner <user>', 'only buffers of this user, by name or number', user)
    .option('--client <client>', 'only buffers that this client owns')
    .option('--unit <name>', 'only buffers of owners in this systemd unit')
    .addOption(oneOf('--state <state>', 'only buffers in this state', bufferStateValues))
    .addOption(format('only images of this format'))
    .option('--source <source>', 'only memory of this source')
    .option('--name <text>', 'only buffers whose name has this in it')
    .option('--min-size <size>', 'only buffers of at least this size, e.g. 16M', size)
    .option('--max-size <size>', 'only buffers of at most this size', size)
    .option('--older-than <duration>', 'only buffers that are at least this old, e.g. 1h', duration)
    .option('--newer-than <duration>', 'only buffers that are at most this old', duration);
}

/** What was given of those options, as a query. */
export function filterQuery(options: BufferFilters): URLSearchParams {
  const query = new URLSearchParams();
  for (const [option, parameter] of Object.entries(PARAMETERS)) {
    const value = options[option as keyof typeof PARAMETERS];
    if (value !== undefined) query.set(parameter, String(value));
  }
  return query;
}
