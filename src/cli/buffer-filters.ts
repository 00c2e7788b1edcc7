/** Options that say which buffers are meant, for the commands that take some: REST does the filtering. */
import type { Command } from 'commander';
import { bufferKindValues, bufferStateValues } from '../rest/openapi.gen.js';
import { findDevice } from './find-device.js';
import { duration, number, size, user } from './numbers.js';
import { format, oneOf, someOf } from './options.js';
import type { Rest } from './rest.js';

/** The query parameter of each option, by Commander's name for it. */
const PARAMETERS = {
  owner: 'owner_uid',
  pid: 'owner_pid',
  holder: 'holder_pid',
  client: 'client',
  unit: 'unit',
  state: 'state',
  kind: 'kind',
  device: 'device',
  format: 'format',
  source: 'source',
  name: 'name',
  lastingName: 'lasting_name',
  orphans: 'orphan',
  minSize: 'min_size',
  maxSize: 'max_size',
  olderThan: 'older_than',
  newerThan: 'newer_than',
} as const;

export type BufferFilters = Partial<Record<keyof typeof PARAMETERS, string | number | boolean>>;

export function addBufferFilters(command: Command): Command {
  return command
    .option('--owner <user>', 'only buffers of this user, by name or number', user)
    .option('--pid <pid>', 'only buffers that this process has made', number)
    .option('--holder <pid>', 'only buffers whose memory this process has now', number)
    .option('--client <client>', 'only buffers that this client owns')
    .option('--unit <name>', 'only buffers of owners in this systemd unit')
    .addOption(
      someOf('--state <states>', 'only buffers in these states, with commas', bufferStateValues),
    )
    .addOption(oneOf('--kind <kind>', 'only images, or linear memory', bufferKindValues))
    .option(
      '--device <which>',
      'only memory of this Vulkan device, by a UUID, its beginning, or a part of its name',
    )
    .addOption(format('only images of this format'))
    .option('--source <source>', 'only memory of this source')
    .option('--name <text>', 'only buffers whose name has this in it')
    .option('--lasting-name <name>', 'only buffers that have this lasting name')
    .option('--orphans', 'only buffers that outlive their connection and nobody is connected for')
    .option('--min-size <size>', 'only buffers of at least this size, e.g. 16M', size)
    .option('--max-size <size>', 'only buffers of at most this size', size)
    .option('--older-than <duration>', 'only buffers that are at least this old, e.g. 1h', duration)
    .option('--newer-than <duration>', 'only buffers that are at most this old', duration);
}

/** The same with the device as REST has it, which at a terminal is named by a part of it. */
export async function withDevice<F extends BufferFilters>(rest: Rest, filters: F): Promise<F> {
  const { device } = filters;
  return device === undefined
    ? filters
    : { ...filters, device: await findDevice(rest, String(device)) };
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
