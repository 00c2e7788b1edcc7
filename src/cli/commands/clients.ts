/** `dmabrokerctl clients`, `client`, `disconnect`: who is connected to the client socket. */
import type { ClientDetail, ClientInfo } from '../../rest/contract.js';
import { type MakeCommand, tell } from '../command.js';
import { placeText, processText } from '../describe.js';
import { listing } from '../listing.js';
import type { Names } from '../names.js';
import { printFields, say } from '../output.js';
import { age, bytes } from '../printable.js';
import type { Columns } from '../table.js';

const COLUMNS: Columns<ClientInfo> = [
  ['ID', (client) => client.id, 'id'],
  ['PROCESS', processText],
  ['UNIT', placeText],
  ['BUFFERS', (client) => client.buffers],
  ['MEMORY', (client) => bytes(client.bytes)],
  ['FDS SENT', (client) => client.fds_sent],
  ['CONNECTED', (client) => age(client.connected_at)],
];

const pathOf = (id: string) => `/v1/clients/${encodeURIComponent(id)}`;

export const clientCommands: MakeCommand = (program) => {
  listing(
    program.command('clients').description('the connected clients and what they hold'),
    { columns: COLUMNS, none: 'no clients' },
    (rest) => rest.list<ClientInfo>('/v1/clients'),
  );
  program
    .command('client')
    .description('a connected client, what it is charged and its buffers')
    .argument('<client>', "the client's id")
    .action(tell((rest, id: string) => rest.get<ClientDetail>(pathOf(id)), print));
  program
    .command('disconnect')
    .description("end a client's connection; buffers that are bound to it are released")
    .argument('<client>', "the client's id")
    .action(
      tell(
        (rest, id: string) => rest.delete(pathOf(id)).then(() => ({ disconnected: id })),
        ({ disconnected }) => say(`disconnected ${disconnected}`),
      ),
    );
};

function print({ client, buffers, charge }: ClientDetail, names: Names): void {
  printFields([
    ['id', client.id],
    ['process', processText(client, names)],
    ['unit', placeText(client)],
    ['connected', client.connected_at],
    ['fds sent', client.fds_sent],
    ['charged', `${bytes(charge.bytes)}, ${charge.buffers} buffers, ${charge.fds} fds`],
    ['pending', `${charge.pending} allocations`],
    ['buffers', buffers.join(' ') || null],
  ]);
}
