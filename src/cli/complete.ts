/**
 * What can stand where a command line's last word is: one algorithm for every shell, over the definition of
 * the command line. What only the daemon knows it is asked for, on the socket that the words themselves name.
 */
import type {
  BufferInfo,
  ClientInfo,
  DeviceReport,
  ListedDeviceInfo,
  QuotaInfo,
} from '../rest/contract.js';
import type { CommandDefinition, Known, OptionDefinition, ValueKind } from './definition.js';
import { quotaName } from './describe.js';
import { Failure } from './failure.js';
import { Names } from './names.js';
import { Rest } from './rest.js';
import { type TargetOptions, targetOf } from './target.js';

/** A word, and what it is for. */
export type Candidate = readonly [word: string, description: string];

const HELP: Candidate = ['--help', 'display help'];

/** `files`: the shell knows those itself. */
export async function candidates(
  program: CommandDefinition,
  words: readonly string[],
): Promise<Candidate[] | 'files'> {
  const { command, option, position, target } = read(program, words.slice(0, -1));
  // bash makes the = of --option=value a word of its own; elsewhere it is within the word.
  const last = words.at(-1)?.replace(/^=$/, '') ?? '';
  const [prefix = '', flag = ''] = /^(--[^=]*)=/.exec(last) ?? [];
  const valued = option ?? optionOf(program, command, flag);
  let all: readonly Candidate[];
  if (valued === undefined && last.startsWith('-')) {
    const options = [...(command === program ? [] : command.options), ...program.options];
    all = [...options.flatMap(described), HELP];
  } else if (valued === undefined && command.commands.length > 0) {
    all = command.commands.map(({ path, description }) => [path.at(-1) ?? '', description]);
  } else {
    const { arguments: expected } = command;
    const often = expected.at(-1)?.variadic ? expected.at(-1) : undefined;
    const kind = (valued ?? expected[position] ?? often)?.valueKind;
    if (kind?.kind === 'file') return 'files';
    all = (await values(kind, target)).map((value) => [prefix + value, '']);
  }
  return all.filter(([word]) => word.startsWith(last));
}

interface Line {
  readonly command: CommandDefinition;
  /** The one whose value comes next. */
  readonly option: OptionDefinition | undefined;
  /** How many arguments there are already. */
  readonly position: number;
  readonly target: TargetOptions;
}

const TARGET = { '--socket': 'socket', '--url': 'url', '--token-file': 'tokenFile' } as const;

function read(program: CommandDefinition, words: readonly string[]): Line {
  let command = program;
  let option: OptionDefinition | undefined;
  let position = 0;
  const target: Partial<Record<keyof TargetOptions, string>> = {};
  for (const word of words.filter((each) => each !== '=')) {
    if (option !== undefined) {
      const [, name] = Object.entries(TARGET).find(([each]) => option?.flags.includes(each)) ?? [];
      if (name !== undefined) target[name] = word;
      option = undefined;
    } else if (word.startsWith('-')) {
      option = optionOf(program, command, word);
    } else {
      const below = command.commands.find(({ path }) => path.at(-1) === word);
      if (below === undefined) position++;
      else command = below;
    }
  }
  return { command, option, position, target };
}

/** An option that takes a value. */
function optionOf(program: CommandDefinition, command: CommandDefinition, flag: string) {
  return [...command.options, ...program.options].find(
    ({ flags, value }) => value !== null && flags.includes(flag),
  );
}

const described = ({ flags, description }: OptionDefinition) =>
  flags.map((flag): Candidate => [flag, description]);

async function values(kind: ValueKind | undefined, target: TargetOptions) {
  if (kind?.kind === 'choice') return kind.choices;
  if (kind?.kind !== 'known') return [];
  try {
    return [...new Set(await NAMES[kind.what](new Rest(targetOf(target, process.env))))];
  } catch (error) {
    // Nobody wants to read a complaint in the middle of a command.
    if (error instanceof Failure) return [];
    throw error;
  }
}

const NAMES: Readonly<Record<Known, (rest: Rest) => Promise<readonly string[]>>> = {
  buffer: async (rest) => (await rest.list<BufferInfo>('/v1/buffers')).map(({ id }) => id),
  client: async (rest) => (await rest.list<ClientInfo>('/v1/clients')).map(({ id }) => id),
  device: async (rest) =>
    (await rest.get<ListedDeviceInfo[]>('/v1/devices')).map(({ device_uuid }) => device_uuid),
  quota: async (rest) => {
    const quotas = await rest.get<QuotaInfo[]>('/v1/quotas');
    const names = await Names.of(rest).learn(quotas);
    return quotas.map((quota) => quotaName(quota, names));
  },
  source: async (rest) =>
    (await rest.get<DeviceReport>('/v1/device')).sources.map(({ name }) => name),
};
