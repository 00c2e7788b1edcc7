/** `dmabrokerctl list`: buffers, filtered and sorted by the daemon. */
import type { Command } from 'commander';
import type { BufferInfo } from '../../server/control.js';
import { common, type MakeCommand } from '../command.js';
import { contents, processText } from '../describe.js';
import { age, bytes, orDash, printJson, printTable } from '../output.js';

const HEAD = ['ID', 'NAME', 'SIZE', 'CONTENTS', 'HANDLE', 'STATE', 'OWNER', 'HOLDERS', 'AGE'];

/** Option of the command line, query parameter, what it is. */
const FILTERS = [
  ['owner', 'owner_uid', 'uid', 'only buffers of this user'],
  ['client', 'client', 'id', 'only buffers that this client owns'],
  ['unit', 'unit', 'name', 'only buffers of owners in this systemd unit'],
  ['state', 'state', 'state', 'only buffers in this state'],
  ['format', 'format', 'fourcc', 'only images of this format'],
  ['source', 'source', 'name', 'only memory of this source'],
  ['name', 'name', 'text', 'only buffers whose name has this in it'],
  ['minSize', 'min_size', 'bytes', 'only buffers of at least this size'],
  ['maxSize', 'max_size', 'bytes', 'only buffers of at most this size'],
  ['olderThan', 'older_than', 'seconds', 'only buffers that are at least this old'],
] as const;

type Options = Partial<Record<(typeof FILTERS)[number][0] | 'sort' | 'limit', string>> & {
  all?: boolean;
};

export const listCommand: MakeCommand = (program) => {
  const command = program
    .command('list')
    .description('buffers, oldest first')
    .option('--sort <field>', 'created_at, size or id; -size for the largest first')
    .option('--limit <number>', 'how many to show', '1000')
    .option('--all', 'show all of them');
  for (const [option, , value, description] of FILTERS) {
    const flag = option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    command.option(`--${flag} <${value}>`, description);
  }
  command.action(async (options: Options, self: Command) => {
    const { rest, json } = common(self);
    const query = new URLSearchParams();
    if (options.sort !== undefined) query.set('sort', options.sort);
    for (const [option, parameter] of FILTERS) {
      const value = options[option];
      if (value !== undefined) query.set(parameter, value);
    }
    const limit = options.all ? Number.POSITIVE_INFINITY : Number(options.limit);
    const buffers = await rest.list<BufferInfo>('/v1/buffers', query, limit);
    if (json) return printJson(buffers);
    await printTable(HEAD, buffers.map(row), 'no buffers');
  });
};

function row(buffer: BufferInfo): string[] {
  return [
    buffer.id,
    orDash(buffer.name),
    bytes(buffer.size),
    contents(buffer),
    buffer.handle_type,
    buffer.state,
    processText(buffer.owner),
    String(buffer.recipients.length),
    age(buffer.created_at),
  ];
}
