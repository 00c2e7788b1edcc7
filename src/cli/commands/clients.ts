/** `dmabrokerctl clients`: who is connected to the client socket. */
import type { Command } from 'commander';
import type { ClientInfo } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { placeText, processText } from '../describe.js';
import { age, bytes, printJson, printTable } from '../output.js';

const HEAD = ['ID', 'PROCESS', 'UNIT', 'BUFFERS', 'MEMORY', 'FDS SENT', 'CONNECTED'];

export const clientsCommand: MakeCommand = (program) => {
  program
    .command('clients')
    .description('the connected clients and what they hold')
    .action(async (_options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const clients = await rest.list<ClientInfo>(
        '/v1/clients',
        new URLSearchParams(),
        Number.POSITIVE_INFINITY,
      );
      if (json) return printJson(clients);
      await printTable(HEAD, clients.map(row), 'no clients');
    });
};

function row(client: ClientInfo): string[] {
  return [
    client.id,
    processText(client),
    placeText(client),
    String(client.buffers),
    bytes(client.bytes),
    String(client.fds_sent),
    age(client.connected_at),
  ];
}
