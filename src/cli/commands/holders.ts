/** `dmabrokerctl holders ID`: which processes have a buffer's memory now. */
import type { Command } from 'commander';
import type { Holder, Holders } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { placeText } from '../describe.js';
import { age, orDash, printFields, printJson, printTable } from '../output.js';

const HEAD = ['PID', 'UID', 'PROCESS', 'UNIT', 'FDS', 'MAPPINGS', 'CLIENT', 'AGE'];

export const holdersCommand: MakeCommand = (program) => {
  program
    .command('holders')
    .description('every process with an fd or a mapping of a buffer')
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const found = await rest.get<Holders>(`/v1/buffers/${encodeURIComponent(id)}/holders`);
      if (json) return printJson(found);
      await printTable(HEAD, found.holders.map(row), 'no process that can be seen has it');
      const { fds, mappings } = found.daemon;
      process.stdout.write('\n');
      printFields([
        ['the daemon itself', `${fds} fds, ${mappings} mappings`],
        ['complete', found.complete ? 'yes' : `no: ${found.missing}`],
      ]);
    });
};

function row(holder: Holder): string[] {
  return [
    String(holder.pid),
    String(holder.uid),
    orDash(holder.executable),
    placeText(holder),
    String(holder.fds),
    String(holder.mappings),
    holder.clients.length === 0 ? '-' : holder.clients.join(' '),
    age(holder.started_at),
  ];
}
