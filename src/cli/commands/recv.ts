/**
 * `dmabrokerctl recv TOKEN`: redeems a token on the client socket, as any client would, and shows
 * the file descriptors that came; or saves the memory to a file.
 */
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { BrokerError, catalogue } from '../../broker/errors.js';
import { modifierText } from '../../broker/fourcc.js';
import type { ClientBuffer } from '../../client/buffer.js';
import { CLIENT_SOCKET, clientSocket } from '../../paths.js';
import { common, type MakeCommand } from '../command.js';
import { Refused, Unreachable } from '../failure.js';
import { orDash, printFields, printJson } from '../output.js';

interface Options {
  readonly clientSocket?: string;
  readonly output?: string;
}

export const recvCommand: MakeCommand = (program) => {
  program
    .command('recv')
    .description('redeem a token, and show or save what it stands for')
    .argument('<token>', 'the token')
    .option(
      '--client-socket <path>',
      `the daemon's client socket (env: DMABROKER_SOCKET, default: ${clientSocket(CLIENT_SOCKET)})`,
    )
    .option('-o, --output <file>', "save the memory's bytes")
    .action(async (token: string, options: Options, command: Command) => {
      const { json } = common(command);
      const buffer = await redeem(token, options);
      if (options.output !== undefined) save(buffer, options.output);
      const report = describe(buffer);
      if (json) printJson(report);
      else printFields(Object.entries(report).map(([name, value]) => [name, orDash(value)]));
      await buffer.close();
    });
};

async function redeem(token: string, options: Options): Promise<ClientBuffer> {
  const path =
    options.clientSocket ?? (process.env.DMABROKER_SOCKET || clientSocket(CLIENT_SOCKET));
  // The client library loads native code, which no other command needs.
  const { connect, ConnectionError } = await import('../../client/index.js');
  try {
    return await (await connect({ socket: path })).redeem(token);
  } catch (error) {
    if (error instanceof BrokerError) {
      const { status, title } = catalogue[error.code];
      const type = `urn:dmabroker:error:${error.code}`;
      throw new Refused({ type, title, status, detail: error.message, code: error.code });
    }
    if (error instanceof ConnectionError || (error instanceof Error && 'syscall' in error)) {
      throw new Unreachable(`no daemon on ${path}: ${error.message}`);
    }
    throw error;
  }
}

function save(buffer: ClientBuffer, file: string): void {
  const memory = buffer.map({ write: false });
  memory.read((bytes) => writeFileSync(file, bytes));
  memory.unmap();
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
