/** `dmabrokerctl show ID`: everything about one buffer. */
import type { Command } from 'commander';
import type { BufferInfo, Recipient } from '../../rest/contract.js';
import { common, type MakeCommand } from '../command.js';
import { contents, placeText, processText } from '../describe.js';
import { orDash, printFields, printJson, printTable } from '../output.js';

export const showCommand: MakeCommand = (program) => {
  program
    .command('show')
    .description('one buffer, its owner and everybody who was handed it')
    .argument('<id>', "the buffer's id")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { rest, json } = common(command);
      const buffer = await rest.get<BufferInfo>(`/v1/buffers/${encodeURIComponent(id)}`);
      if (json) return printJson(buffer);
      printFields(fields(buffer));
      process.stdout.write('\n');
      const head = ['HOLDER', 'UNIT', 'CLIENT', 'CONNECTED', 'SINCE'];
      await printTable(head, buffer.recipients.map(row), 'nobody was handed it');
    });
};

function fields(buffer: BufferInfo): [string, string][] {
  const planes = buffer.planes.map(
    ({ index, offset, stride }) => `${index}: offset ${offset}, stride ${stride}`,
  );
  return [
    ['id', buffer.id],
    ['generation', String(buffer.generation)],
    ['state', buffer.state],
    ['name', orDash(buffer.name)],
    ['handle type', buffer.handle_type],
    ['source', buffer.source],
    ['device', orDash(buffer.device)],
    ['exporter', orDash(buffer.exporter)],
    ['memory type', memoryType(buffer)],
    ['size', `${buffer.size} bytes`],
    ['contents', contents(buffer)],
    ['modifier', orDash(buffer.modifier)],
    ['planes', planes.join('; ')],
    ['placement', buffer.placement.join(', ') || '-'],
    ['unverified', buffer.unverified_usage.join(', ') || '-'],
    ['lifetime', lifetime(buffer)],
    ['owner', processText(buffer.owner)],
    ['unit', placeText(buffer.owner)],
    ['slice', orDash(buffer.owner.slice)],
    ['created', buffer.created_at],
    ['released', orDash(buffer.released_at)],
    ['recalled', recall(buffer)],
    ['tokens', String(buffer.tokens)],
  ];
}

function lifetime({ lifetime: { type, ends_at, released_at } }: BufferInfo): string {
  if (type !== 'lease') return type;
  return released_at == null
    ? `lease until ${ends_at}`
    : `lease that ended at ${ends_at}; the daemon lets go at ${released_at}`;
}

function recall({ recall }: BufferInfo): string {
  return recall === null ? orDash(null) : `until ${recall.deadline}: ${recall.reason}`;
}

/** What only the importer of an opaque_fd asks about. */
function memoryType({ vulkan }: BufferInfo): string {
  if (vulkan === null) return orDash(null);
  return `${vulkan.memory_type}${vulkan.dedicated ? ', dedicated' : ''}`;
}

function row(recipient: Recipient): string[] {
  return [
    processText(recipient),
    placeText(recipient),
    recipient.client,
    recipient.connected ? 'yes' : 'no',
    recipient.received_at,
  ];
}
