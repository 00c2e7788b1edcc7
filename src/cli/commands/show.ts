/** `dmabrokerctl show ID`: everything about one buffer. */
import type { BufferInfo, Recipient } from '../../rest/contract.js';
import { bufferPath, type MakeCommand, tell } from '../command.js';
import { contents, placeText, processText } from '../describe.js';
import type { Names } from '../names.js';
import { lineWidth, printFields, printTable, say } from '../output.js';
import { exactBytes } from '../printable.js';
import type { Cell, Columns } from '../table.js';

const RECIPIENTS: Columns<Recipient> = [
  ['RECIPIENT', processText],
  ['UNIT', placeText],
  ['CLIENT', (recipient) => recipient.client],
  ['CONNECTED', (recipient) => recipient.connected],
  ['SINCE', (recipient) => recipient.received_at],
];

export const showCommand: MakeCommand = (program) => {
  program
    .command('show')
    .description('one buffer, its owner and everybody who was handed it')
    .argument('<id>', "the buffer's id")
    .option('-w, --wide', 'all that there is, however wide the terminal')
    .action(
      tell(
        (rest, id: string) => rest.get<BufferInfo>(bufferPath(id)),
        (buffer, names, command) =>
          print(buffer, names, command.opts().wide ? Number.POSITIVE_INFINITY : lineWidth()),
      ),
    );
};

function print(buffer: BufferInfo, names: Names, width: number): void {
  const planes = buffer.planes.map(
    ({ index, offset, stride }) => `${index}: offset ${offset}, stride ${stride}`,
  );
  const fields: [string, Cell][] = [
    ['id', buffer.id],
    ['generation', buffer.generation],
    ['state', buffer.state],
    ['name', buffer.name],
    ['handle type', buffer.handle_type],
    ['source', buffer.source],
    ['device', buffer.device],
    ['exporter', buffer.exporter],
    ['memory type', memoryType(buffer)],
    ['size', exactBytes(buffer.size)],
    ['contents', contents(buffer)],
    ['modifier', buffer.modifier],
    ['planes', planes.join('; ')],
    ['placement', buffer.placement],
    ['unverified', buffer.unverified_usage],
    ['lifetime', lifetime(buffer)],
    ['owner', processText(buffer.owner, names)],
    ['unit', placeText(buffer.owner)],
    ['slice', buffer.owner.slice],
    ['created', buffer.created_at],
    ['released', buffer.released_at],
    ['recalled', recall(buffer)],
    ['tokens', buffer.tokens],
  ];
  printFields(fields, width);
  say('');
  printTable(RECIPIENTS, buffer.recipients, 'nobody was handed it', names, width);
}

function lifetime({ lifetime: { type, ends_at, released_at } }: BufferInfo): string {
  if (type !== 'lease') return type;
  return released_at == null
    ? `lease until ${ends_at}`
    : `lease that ended at ${ends_at}; the daemon lets go at ${released_at}`;
}

function recall({ recall }: BufferInfo): string | null {
  return recall && `until ${recall.deadline}: ${recall.reason}`;
}

/** What only the importer of an opaque_fd asks about. */
function memoryType({ vulkan }: BufferInfo): string | null {
  return vulkan && `${vulkan.memory_type}${vulkan.dedicated ? ', dedicated' : ''}`;
}
