/** `dmabrokerctl client ID` and `disconnect ID`: one connection, shown or ended. */
import type { Command } from 'commander';
import type { ClientDetail } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { placeText, processText } from '../describe.js';
import { bytes, printFields, printJson } from '../output.js';

const pathOf = (id: string) => `/v1/clients/${encodeURIComponent(id)}`;

export const clientCommand: MakeCommand = (program) => {
  program
    .command('client')
    .description('a connected client, what it is charged and its buffers')
    .argument('<client>', "the client's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const detail = await rest.get<ClientDetail>(pathOf(id));
      if (json) return printJson(detail);
      const { client, buffers, charge } = detail;
      printFields([
        ['id', client.id],
        ['process', processText(client)],
        ['unit', placeText(client)],
        ['connected', client.connected_at],
        ['fds sent', String(client.fds_sent)],
        ['charged', `${bytes(charge.bytes)}, ${charge.buffers} buffers, ${charge.fds} fds`],
        ['pending', `${charge.pending} allocations`],
        ['buffers', buffers.length === 0 ? '-' : buffers.join(' ')],
      ]);
    });
};

export const disconnectCommand: MakeCommand = (program) => {
  program
    .command('disconnect')
    .description("end a client's connection; buffers that are bound to it are released")
    .argument('<client>', "the client's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      await rest.delete(pathOf(id));
      if (json) printJson({ disconnected: id });
      else process.stdout.write(`disconnected ${id}\n`);
    });
};
