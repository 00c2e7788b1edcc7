/**
 * `dmabrokerctl recv TOKEN` and `claim NAME`: get a buffer on the client socket, as any client would, and show the file
 * descriptors that came; or save the memory to a file.
 */
import { readFileSync, readlinkSync, readSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { BrokerError } from '../../client/broker-error.js';
import type { ClientBuffer } from '../../client/buffer.js';
import type { Client } from '../../client/index.js';
import { modifierText } from '../../memory/fourcc.js';
import { answered, clientSocketOption, connectTo } from '../client.js';
import { common, type MakeCommand } from '../command.js';
import { duration } from '../numbers.js';
import { printFields, printJson } from '../output.js';
import { Output } from '../save.js';
import type { Cell } from '../table.js';

interface Options {
  readonly clientSocket?: string;
  readonly output?: string;
}

export const recvCommand: MakeCommand = (program) => {
  program
    .command('recv')
    .description('redeem a token, and show or save what it stands for')
    .argument('<token>', 'the token')
    .addOption(clientSocketOption())
    .addOption(outputOption())
    .action(async (token: string, options: Options, command: Command) => {
      await receive(options, command, (client) => client.redeem(token));
    });
};

interface ClaimOptions extends Options {
  readonly wait: number;
  readonly committed?: boolean;
}

export const claimCommand: MakeCommand = (program) => {
  program
    .command('claim')
    .description('get memory by its lasting name, and show or save it')
    .argument('<name>', 'its lasting name, or NAME@UID of another user')
    .addOption(clientSocketOption())
    .addOption(outputOption())
    .addOption(waitOption('until there is such a buffer'))
    .option('--committed', 'only when something was committed')
    .action(async (name: string, options: ClaimOptions, command: Command) => {
      const terms = { committed: options.committed ?? false, wait: options.wait * 1000 };
      await receive(options, command, (client) => client.claim(name, terms));
    });
};

const outputOption = () =>
  new Option('-o, --output <file>', "save the memory's bytes; of several, one after the other");

export const waitOption = (what: string) =>
  new Option('--wait <duration>', `how long to wait ${what}, e.g. 30s`)
    .argParser(duration)
    .default(0, 'not at all');

async function receive(
  options: Options,
  command: Command,
  get: (client: Client) => Promise<ClientBuffer>,
): Promise<void> {
  const { json } = common(command);
  // Before anything that uses a token up.
  const output = options.output === undefined ? null : Output.open(options.output);
  let saved = false;
  try {
    const client = await connectTo(options.clientSocket, { json });
    try {
      const buffer = await answered(get(client));
      const memories = memoriesOf(buffer);
      if (output !== null) await save(buffer, memories, output);
      saved = true;
      const report = describe(buffer, output === null ? null : memories);
      if (json) printJson(report);
      else printFields(Object.entries(report).map(([name, value]) => [name, cell(value)]));
      await buffer.close();
    } finally {
      client.close();
    }
  } finally {
    if (saved) output?.close();
    else output?.abandon();
  }
}

const cell = (value: unknown): Cell =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Cell);

interface Memory {
  /** One of the planes in it. */
  readonly plane: number;
  readonly size: number;
  /** Where it begins in a file of all memories. */
  readonly start: number;
}

/** As they are saved, one after the other. */
function memoriesOf({ memories, planes }: ClientBuffer): Memory[] {
  let start = 0;
  return memories.map(({ size }, index) => {
    const memory = { plane: planes.findIndex((each) => each.memory === index), size, start };
    start += size;
    return memory;
  });
}

const CHUNK_BYTES = 16 * 2 ** 20;

/** All memories, one after the other. */
async function save(buffer: ClientBuffer, memories: readonly Memory[], output: Output) {
  // Only the daemon's device can read an opaque fd.
  if (buffer.handleType === 'opaque_fd') {
    await saveOpaque(buffer, output);
    return;
  }
  for (const { plane, size } of memories) {
    const fd = buffer.planes[plane]?.fd ?? -1;
    // One for all that is read: the kernel would clear each anew, which costs as much as the reading.
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size));
    await output.writeAll(size, (offset) => {
      const length = Math.min(CHUNK_BYTES, size - offset);
      if (buffer.handleType === 'memfd') return readAt(fd, offset, chunk.subarray(0, length));
      const memory = buffer.map({ plane, write: false, offset, size: length });
      try {
        return memory.read((bytes) => Buffer.from(bytes));
      } finally {
        memory.unmap();
      }
    });
  }
}

/** read(2): a mapping would fill a memfd's holes. */
function readAt(fd: number, offset: number, chunk: Buffer): Buffer {
  return chunk.subarray(0, readSync(fd, chunk, 0, chunk.length, offset));
}

/** Its end is not known before: what was asked for may be less than the memory. */
async function saveOpaque(buffer: ClientBuffer, output: Output): Promise<void> {
  const read = async (offset: number, size: number): Promise<Buffer> => {
    try {
      return (await buffer.read({ offset, size })).bytes;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      const { constraint, possible } = error.refusal;
      const max = (possible as { max?: number } | undefined)?.max;
      if (error.code !== 'invalid_argument' || max === undefined) throw error;
      if (constraint === 'offset' && offset > 0) return Buffer.alloc(0);
      if (constraint !== 'size' || max >= size || max === 0) throw error;
      return read(offset, max);
    }
  };
  for (let at = 0; at < buffer.size; ) {
    const bytes = await answered(read(at, Math.min(CHUNK_BYTES, buffer.size - at)));
    if (bytes.length === 0) break;
    output.write(bytes);
    at += bytes.length;
  }
}

/**
 * What came, for people and as JSON: each plane's fd with what the kernel calls it and, where it was saved,
 * its place in the file.
 */
function describe(buffer: ClientBuffer, saved: readonly Memory[] | null): Record<string, unknown> {
  const { id, handleType, source, size, format, modifier, width, height, planes } = buffer;
  const fields: Record<string, unknown> = {
    id,
    handle_type: handleType,
    source,
    size,
    format,
    extent: width === null ? null : `${width}x${height}`,
    modifier: modifier === null ? null : modifierText(modifier),
    ...(buffer.committed !== null && {
      revision: buffer.committed.revision,
      digest: buffer.committed.digest,
      metadata: buffer.metadata,
    }),
  };
  for (const [index, { fd, memory, offset, stride }] of planes.entries()) {
    const link = readlinkSync(`/proc/self/fd/${fd}`);
    const exporter = /^exp_name:\t(.*)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
    const from = exporter === null ? '' : ` from ${exporter[1]}`;
    fields[`plane_${index}`] = `${link}${from}, offset ${offset}, stride ${stride}`;
    const place = saved?.[memory];
    if (place !== undefined) fields[`saved_plane_${index}`] = place.start + offset;
  }
  return fields;
}
