/**
 * `dmabrokerctl commit NAME`: publishes a revision of memory with a lasting name, as its writer for the moment: for
 * scripts, and for who has written it through a mapping that it got otherwise.
 */
import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, readSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { parseMetadata } from '../../client/metadata.js';
import { messageOf } from '../../memory/errors.js';
import { MAX_METADATA_BYTES } from '../../memory/limits.js';
import { answered, clientSocketOption, connectTo } from '../client.js';
import { common, type MakeCommand } from '../command.js';
import { Usage } from '../failure.js';
import { number } from '../numbers.js';
import { printFields, printJson } from '../output.js';
import { waitOption } from './recv.js';

interface Options {
  readonly clientSocket?: string;
  readonly metadata?: string;
  readonly revision?: number;
  readonly wait: number;
}

export const commitCommand: MakeCommand = (program) => {
  program
    .command('commit')
    .description('publish a revision of memory with a lasting name')
    .argument('<name>', 'its lasting name, or NAME@UID')
    .addOption(clientSocketOption())
    .option('--metadata <file>', 'a JSON object that says what is where; - for standard input')
    .option('--revision <number>', 'above the last one; the next one if not given', revision)
    .addOption(waitOption('for its writer to go'))
    .action(async (name: string, options: Options, command: Command) => {
      const { json } = common(command);
      const metadata = options.metadata === undefined ? undefined : read(options.metadata);
      const client = await connectTo(options.clientSocket, { json });
      try {
        const terms = { writer: true, wait: options.wait * 1000 };
        const buffer = await answered(client.claim(name, terms));
        const committed = await answered(
          buffer.commit({
            ...(options.revision !== undefined && { revision: options.revision }),
            ...(metadata !== undefined && { metadata }),
          }),
        );
        const report = { id: buffer.id, revision: committed.revision, digest: committed.digest };
        await buffer.close();
        if (json) printJson(report);
        else printFields(Object.entries(report));
      } finally {
        client.close();
      }
    });
};

function revision(value: string): number {
  const parsed = number(value);
  if (parsed < 1) throw new InvalidArgumentError('A revision is 1 or more.');
  return parsed;
}

/** The text as it is: parsed and printed again, it would have other numbers. */
function read(file: string): string {
  const bytes = bytesOf(file);
  if (bytes.length > MAX_METADATA_BYTES) {
    throw new Usage(`${file} has more than ${MAX_METADATA_BYTES} bytes`);
  }
  if (!isUtf8(bytes)) throw new Usage(`${file} is no UTF-8`);
  const text = bytes.toString();
  if (parseMetadata(text) === null) throw new Usage(`${file} is no JSON object`);
  return text;
}

/** No more than tells that there is too much: some files have no end. */
function bytesOf(file: string): Buffer {
  try {
    const fd = file === '-' ? 0 : openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(MAX_METADATA_BYTES + 1);
      let end = 0;
      for (let more = -1; more !== 0 && end < bytes.length; end += more) {
        more = readSync(fd, bytes, end, bytes.length - end, null);
      }
      return bytes.subarray(0, end);
    } finally {
      if (fd !== 0) closeSync(fd);
    }
  } catch (error) {
    throw new Usage(`${file} cannot be read: ${messageOf(error)}`);
  }
}
