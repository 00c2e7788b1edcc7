/**
 * `dmabrokerctl recv TOKEN`: redeems a token on the client socket, as any client would, and shows
 * the file descriptors that came; or saves the memory to a file.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import type { Command } from 'commander';
import { modifierText } from '../../broker/fourcc.js';
import type { ClientBuffer } from '../../client/buffer.js';
import { answered, clientSocketOption, connectTo } from '../client.js';
import { common, type MakeCommand } from '../command.js';
import { orDash, printFields, printJson } from '../output.js';
import { saveBytes, saveMemory } from '../save.js';

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
    .option('-o, --output <file>', "save the memory's bytes")
    .action(async (token: string, options: Options, command: Command) => {
      const { json } = common(command);
      const client = await connectTo(options.clientSocket);
      try {
        const buffer = await answered(client.redeem(token));
        if (options.output !== undefined) await save(buffer, options.output);
        const report = describe(buffer);
        if (json) printJson(report);
        else printFields(Object.entries(report).map(([name, value]) => [name, orDash(value)]));
        await buffer.close();
      } finally {
        client.close();
      }
    });
};

async function save(buffer: ClientBuffer, file: string): Promise<void> {
  // Only the daemon's device can read an opaque fd.
  if (buffer.handleType === 'opaque_fd') {
    saveBytes(file, (await answered(buffer.read())).bytes);
    return;
  }
  const memory = buffer.map({ write: false });
  try {
    await saveMemory(file, memory);
  } finally {
    memory.unmap();
  }
}

/** What came, for people and as JSON: each plane's fd with what the kernel calls it. */
function describe(buffer: ClientBuffer): Record<string, string | null> {
  const { id, handleType, source, size, format, modifier, width, height, planes } = buffer;
  const fields: Record<string, string | null> = {
    id,
    handle_type: handleType,
    source,
    size: String(size),
    format,
    extent: width === null ? null : `${width}x${height}`,
    modifier: modifier === null ? null : modifierText(modifier),
  };
  for (const [index, { fd, offset, stride }] of planes.entries()) {
    const link = readlinkSync(`/proc/self/fd/${fd}`);
    const exporter = /^exp_name:\t(.*)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
    const from = exporter === null ? '' : ` from ${exporter[1]}`;
    fields[`plane_${index}`] = `${link}${from}, offset ${offset}, stride ${stride}`;
  }
  return fields;
}
