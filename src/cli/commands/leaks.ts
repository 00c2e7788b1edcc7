/** `dmabrokerctl leaks`: what looks like a leak. */
import type { Command } from 'commander';
import type { LeakReport } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { placeText, processText } from '../describe.js';
import { age, bytes, orDash, printJson, printTable } from '../output.js';

type Group = LeakReport['lingering'];

const BUFFERS = ['ID', 'NAME', 'SIZE', 'STATE', 'OWNER', 'UNIT', 'FOR'];
const PROCESSES = ['PROCESS', 'UNIT', 'MEMORIES', 'SINCE'];

export const leaksCommand: MakeCommand = (program) => {
  program
    .command('leaks')
    .description('forgotten buffers, processes that only get more, released memory still held')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const report = await rest.get<LeakReport>('/v1/leaks');
      if (json) return printJson(report);
      const { forgotten, growing, lingering } = report;
      title(`forgotten: nobody was handed them for ${forgotten.after_seconds} s`, forgotten);
      await printTable(BUFFERS, forgotten.buffers.map(row), 'none');
      const missing = growing.missing === null ? '' : ` (${growing.missing})`;
      process.stdout.write(`\ngrowing: ${growing.count} processes${missing}\n`);
      await printTable(PROCESSES, growing.processes.map(processRow), 'none');
      process.stdout.write('\n');
      title('released, and somebody has them or may have them', lingering);
      await printTable(BUFFERS, lingering.buffers.map(row), 'none');
    });
};

function title(what: string, group: Group): void {
  process.stdout.write(`${what}: ${group.count}, ${bytes(group.bytes)}\n`);
}

function row({ id, name, size, state, owner, since }: Group['buffers'][number]): string[] {
  return [id, orDash(name), bytes(size), state, processText(owner), placeText(owner), age(since)];
}

function processRow(process: LeakReport['growing']['processes'][number]): string[] {
  const { from, to, since } = process;
  return [processText(process), placeText(process), `${from} → ${to}`, since];
}
