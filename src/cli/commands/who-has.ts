/** Who has the memory, or had it: `dmabrokerctl holders`, `history`, `leaks`. */
import type { History, Holders, LeakReport } from '../../rest/contract.js';
import { holderLines } from '../buffer-details.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { placeText, processText } from '../describe.js';
import type { Names } from '../names.js';
import { lineWidth, printLines, printTable, say } from '../output.js';
import { age, bytes, span } from '../printable.js';
import type { Columns } from '../table.js';

export const whoHasCommands: MakeCommand = (program) => {
  program
    .command('holders')
    .description('every process with an fd or a mapping of a buffer')
    .argument('<id>', "the buffer's id")
    .action(
      tell(
        (rest, id: string) => rest.get<Holders>(bufferPath(id, '/holders')),
        (found, names) => printLines(holderLines(found, names, lineWidth())),
      ),
    );
  program
    .command('history')
    .description('what has happened to a buffer, and who did it')
    .argument('<id>', "the buffer's id")
    .action(
      tell((rest, id: string) => rest.get<History>(bufferPath(id, '/history')), printHistory),
    );
  program
    .command('leaks')
    .description('forgotten buffers, processes that only get more, released memory still held')
    .action(tell((rest) => rest.get<LeakReport>('/v1/leaks'), printLeaks));
};

const EVENTS: Columns<History['events'][number]> = [
  ['TIME', ({ time }) => time],
  ['TYPE', ({ type }) => type],
  ['CLIENT', ({ who }) => who?.client ?? null],
  [
    'PROCESS',
    ({ who }, names) =>
      who && (who.token === null ? processText(who, names) : `token ${who.token}`),
  ],
  ['REASON', ({ reason }) => reason],
];

function printHistory({ events, forgotten }: History, names: Names): void {
  if (forgotten > 0) printLines([`${forgotten} events before these are forgotten`, '']);
  printTable(EVENTS, events, 'nothing has happened', names);
}

type Group = LeakReport['lingering'];

const BUFFERS: Columns<Group['buffers'][number]> = [
  ['NAME', ({ name }) => name],
  ['ID', ({ id }) => id, 'long id'],
  ['SIZE', ({ size }) => bytes(size)],
  ['STATE', ({ state }) => state],
  ['OWNER', ({ owner }, names) => processText(owner, names)],
  ['UNIT', ({ owner }) => placeText(owner)],
  ['FOR', ({ since }) => age(since)],
];

const GROWING: Columns<LeakReport['growing']['processes'][number]> = [
  ['PROCESS', processText],
  ['UNIT', placeText],
  ['MEMORIES', ({ from, to }) => `${from} → ${to}`],
  ['SINCE', ({ since }) => since],
];

function printLeaks({ forgotten, growing, lingering }: LeakReport, names: Names): void {
  const group = (what: string, { count, bytes: size, buffers }: Group) => {
    say(`${what}: ${count}, ${bytes(size)}`);
    printTable(BUFFERS, buffers, 'none', names);
  };
  group(`forgotten: nobody was handed them for ${span(forgotten.after_seconds)}`, forgotten);
  say('');
  const missing = growing.missing === null ? '' : ` (${growing.missing})`;
  say(`growing: ${growing.count} processes${missing}`);
  printTable(GROWING, growing.processes, 'none', names);
  say('');
  group('released, and somebody has them or may have them', lingering);
}
