/** One buffer in full, and who has its memory: what `show`, `holders` and `top` tell of it. */
import type { BufferInfo, Holder, Holders, Recipient } from '../rest/contract.js';
import { contents, endOf, placeText, processText } from './describe.js';
import type { Names } from './names.js';
import { age, exactBytes } from './printable.js';
import { type Cell, type Columns, fieldLines, tableLines, wrapped } from './table.js';

const RECIPIENTS: Columns<Recipient> = [
  ['RECIPIENT', processText],
  ['UNIT', placeText],
  ['CLIENT', (recipient) => recipient.client],
  ['CONNECTED', (recipient) => recipient.connected],
  ['SINCE', (recipient) => recipient.received_at],
];

const HOLDERS: Columns<Holder> = [
  ['PID', (holder) => holder.pid],
  ['USER', ({ uid }, names) => names.user(uid)],
  ['PROCESS', (holder) => holder.executable],
  ['UNIT', placeText],
  ['FDS', (holder) => holder.fds],
  ['MAPPINGS', (holder) => holder.mappings],
  ['CLIENT', (holder) => holder.clients.join(' ') || null],
  ['AGE', (holder) => age(holder.started_at)],
];

export function bufferLines(buffer: BufferInfo, names: Names, width: number): string[] {
  return [
    ...fieldLines(fieldsOf(buffer, names), width),
    '',
    ...tableLines(RECIPIENTS, buffer.recipients, 'nobody was handed it', width, names),
  ];
}

export function holderLines(found: Holders, names: Names, width: number): string[] {
  const { holders, daemon, complete, missing } = found;
  const ends: [string, Cell][] = [
    ['the daemon itself', `${daemon.fds} fds, ${daemon.mappings} mappings`],
    ['complete', complete ? 'yes' : `no: ${missing}`],
  ];
  return [
    ...tableLines(HOLDERS, holders, 'no process that can be seen has it', width, names),
    '',
    // What is missing, and why, is told in whole.
    ...fieldLines(ends).flatMap((line) => wrapped(line, width)),
  ];
}

/** What most have not, and who has it wants to see. */
export function fellBackFields({ fell_back }: Pick<BufferInfo, 'fell_back'>): [string, Cell][] {
  return fell_back === null ? [] : [['fell back', fell_back.message]];
}

/** What displays have said, where they were asked. */
export function scanoutFields({ scanout }: Pick<BufferInfo, 'scanout'>): [string, Cell][] {
  return scanout === null ? [] : [['scanout', `${scanout.state}: ${scanout.reason}`]];
}

function fieldsOf(buffer: BufferInfo, names: Names): [string, Cell][] {
  const planes = buffer.planes.map(
    ({ index, offset, stride }) => `${index}: offset ${offset}, stride ${stride}`,
  );
  return [
    ['id', buffer.id],
    ['generation', buffer.generation],
    ['state', buffer.state],
    ['name', buffer.name],
    ['handle type', [buffer.handle_type, ...(buffer.further_handle_types ?? [])]],
    ['source', buffer.source],
    ['device', buffer.device],
    ['exporter', buffer.exporter],
    ...(buffer.funded_by === null ? [] : [['funded by', buffer.funded_by] as [string, Cell]]),
    ...fellBackFields(buffer),
    ['memory type', memoryType(buffer)],
    ['size', exactBytes(buffer.size)],
    ['contents', contents(buffer)],
    ['modifier', buffer.modifier],
    ['planes', planes.join('; ')],
    ['placement', buffer.placement],
    ['unverified', buffer.unverified_usage],
    ...scanoutFields(buffer),
    ['lifetime', lifetime(buffer)],
    ...lastingFields(buffer),
    ['owner', processText(buffer.owner, names)],
    ['unit', placeText(buffer.owner)],
    ['slice', buffer.owner.slice],
    ['created', buffer.created_at],
    ['released', buffer.released_at],
    ['recalled', recall(buffer)],
    ['tokens', buffer.tokens],
  ];
}

/** Of most buffers there is nothing to say. */
function lastingFields({ lasting, orphan }: BufferInfo): [string, Cell][] {
  const ends: [string, Cell][] = orphan === null ? [] : [['orphan, ends', endOf({ orphan })]];
  if (lasting === null) return ends;
  const { name, writer, claimers, revision, committed } = lasting;
  return [
    ['lasting name', name],
    ['writer', writer ?? 'none'],
    ['claimed by', claimers.join(' ') || 'nobody'],
    ['revision', revision === 0 ? 'none' : revision],
    ['committed', committed?.at ?? null],
    ['layout digest', committed?.digest ?? null],
    ['metadata', committed?.metadata_bytes == null ? null : `${committed.metadata_bytes} bytes`],
    ...ends,
  ];
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
