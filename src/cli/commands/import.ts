/**
 * `dmabrokerctl import`: registers a dma_buf that the command was started with (`3<…`, or by a program
 * that leaves the fd open), until it is released, and makes a token for it.
 */
import { fstatSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BroughtPlane, ImportedMemory } from '../../client/index.js';
import { answered, clientSocketOption, connectTo } from '../client.js';
import { common, type MakeCommand } from '../command.js';
import { number } from '../numbers.js';
import { type MemoryOptions, memoryOf, memoryOptions } from '../options.js';
import { printFields, printJson } from '../output.js';

interface Options extends MemoryOptions {
  readonly clientSocket?: string;
  readonly modifier?: bigint;
  readonly plane?: BroughtPlane[];
  readonly name?: string;
  readonly uses?: number;
}

export const importCommand: MakeCommand = (program) => {
  const command = program
    .command('import')
    .description('register a dma_buf that was made elsewhere, and make a token for it');
  for (const option of memoryOptions()) command.addOption(option);
  command
    .addOption(
      new Option('--modifier <0x…>', "the memory's modifier (default: LINEAR)").argParser(modifier),
    )
    .addOption(
      new Option(
        '--plane <fd[:offset[:stride]]>',
        'an open file descriptor and where the plane lies; repeated for each plane',
      )
        .argParser(plane)
        .makeOptionMandatory(),
    )
    .option('--name <text>', 'a name for people')
    .option('--uses <n>', 'how often the token can be redeemed', number)
    .addOption(clientSocketOption())
    .action(async (options: Options, command: Command) => {
      const { json } = common(command);
      const memory = described(options);
      const client = await connectTo(options.clientSocket, { json });
      try {
        const buffer = await answered(client.import(memory));
        const token = await answered(buffer.share({ uses: options.uses ?? 1 }));
        const { id, checked } = buffer;
        const report = { id, size: buffer.size, checked: checked?.how ?? null, token };
        if (json) printJson(report);
        else printFields(Object.entries(report));
        await buffer.close();
      } finally {
        client.close();
      }
    });
};

function described({ plane: planes = [], ...options }: Options): ImportedMemory {
  const common = {
    planes,
    lifetime: 'until_released',
    ...(options.name !== undefined && { name: options.name }),
  } as const;
  const { modifier } = options;
  const memory = memoryOf(options, { '--modifier': modifier });
  return { ...memory, ...(modifier !== undefined && { modifier }), ...common };
}

/** `3:0:7680` */
function plane(value: string, before: BroughtPlane[] = []): BroughtPlane[] {
  const [, fd, offset = '0', stride = '0'] =
    /^(\d{1,7})(?::(\d{1,10})(?::(\d{1,10}))?)?$/.exec(value) ?? [];
  if (fd === undefined) throw new InvalidArgumentError(`${value} is not a plane, e.g. 3:0:7680`);
  try {
    fstatSync(Number(fd));
  } catch {
    throw new InvalidArgumentError(
      `file descriptor ${fd} is not open: start the command with it, e.g. ${fd}<FILE`,
    );
  }
  return [...before, { fd: Number(fd), offset: Number(offset), stride: Number(stride) }];
}

function modifier(value: string): bigint {
  if (!/^0x[0-9a-f]{1,16}$/i.test(value)) {
    throw new InvalidArgumentError(`${value} is not a modifier, e.g. 0x0100000000000001`);
  }
  return BigInt(value);
}
