/** `dmabrokerctl orphans`: memory that outlives its connections, and what would end it. */
import type { BufferInfo } from '../../rest/contract.js';
import type { MakeCommand } from '../command.js';
import { endOf, processText } from '../describe.js';
import { listing } from '../listing.js';
import { number, user } from '../numbers.js';
import { age, bytes } from '../printable.js';
import type { Columns } from '../table.js';

const ORPHANS: Columns<BufferInfo> = [
  ['NAME', (buffer) => buffer.name],
  ['LASTING NAME', (buffer) => buffer.lasting?.name ?? null],
  ['ID', (buffer) => buffer.id, 'long id'],
  ['SIZE', (buffer) => bytes(buffer.size)],
  ['OWNER', (buffer, names) => processText(buffer.owner, names)],
  ['AGE', (buffer) => age(buffer.created_at)],
  ['REVISION', (buffer) => buffer.lasting?.revision ?? null],
  ['ENDS', endOf],
];

interface Options {
  readonly owner?: number;
  readonly limit: number;
}

export const orphansCommand: MakeCommand = (program) => {
  const command = program
    .command('orphans')
    .description('buffers that outlive their connection, and that nobody is connected for now')
    .option('--owner <user>', 'only buffers of this user, by name or number', user)
    .option('--limit <number>', 'how many to show', number, 1000);
  listing(
    command,
    { columns: ORPHANS, none: 'no orphans' },
    async (rest, { owner, limit }: Options) => {
      const query = new URLSearchParams({ orphan: 'true' });
      if (owner !== undefined) query.set('owner_uid', String(owner));
      const { items, more } = await rest.page<BufferInfo>('/v1/buffers', query, limit);
      const note = `these are ${items.length}, and there are more: see --limit`;
      return { items, note: more ? note : null };
    },
  );
};
