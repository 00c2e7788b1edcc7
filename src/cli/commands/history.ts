/** `dmabrokerctl history ID`: what has happened to a buffer. */
import type { Command } from 'commander';
import type { History } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { processText } from '../describe.js';
import { orDash, printJson, printTable } from '../output.js';

const HEAD = ['TIME', 'TYPE', 'CLIENT', 'PROCESS', 'REASON'];

export const historyCommand: MakeCommand = (program) => {
  program
    .command('history')
    .description('what has happened to a buffer, and who did it')
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const history = await rest.get<History>(`/v1/buffers/${encodeURIComponent(id)}/history`);
      if (json) return printJson(history);
      const { events, forgotten } = history;
      if (forgotten > 0) process.stdout.write(`${forgotten} events before these are forgotten\n\n`);
      await printTable(HEAD, events.map(row), 'nothing has happened');
    });
};

function row({ time, type, who, reason }: History['events'][number]): string[] {
  return [time, type, orDash(who?.client ?? null), doer(who), orDash(reason)];
}

function doer(who: History['events'][number]['who']): string {
  if (who === null) return '-';
  return who.token === null ? processText(who) : `token ${who.token}`;
}
