/** `dmabrokerctl list`: all buffers. */
import type { Command } from 'commander';
import type { BufferInfo } from '../../server/control.js';
import { common, type MakeCommand } from '../command.js';
import { contents, processText } from '../describe.js';
import { age, bytes, orDash, printJson, printTable } from '../output.js';

const HEAD = ['ID', 'NAME', 'SIZE', 'CONTENTS', 'HANDLE', 'STATE', 'OWNER', 'HOLDERS', 'AGE'];

export const listCommand: MakeCommand = (program) => {
  program
    .command('list')
    .description('all buffers, oldest first, then those that were released and are still held')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const buffers = await rest.get<BufferInfo[]>('/v1/buffers');
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
