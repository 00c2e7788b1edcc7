// Why: `npm run vm -- --for` and `--shell` are for people who type what README's table and its pages show. This file knows what
// a command and a shell become in the guest for them; guest/furnish.sh does the guest's part.
import { join } from 'node:path';
import { allFiles, chosen } from '../runner/files.js';
import type { Beside } from './beside.js';
import { repositoryRoot } from './paths.js';
import type { SessionOptions } from './session.js';

/** A shell stays until it is left. Seconds. */
const A_DAY = 86_400;

/** The test file of the guest's that a word means, as of `npm test -- <word>`. Throws where that is not one. */
export function testFile(word: string): string {
  const files = allFiles(join(repositoryRoot(), 'dist/bundle-tests'));
  const found = chosen(files, [word], true)
    .filter(({ where }) => where === 'guest')
    .map(({ name }) => name);
  const [one, ...others] = found.filter((name) => name === `${word}.guest`).concat(found);
  if (one === undefined) throw new RangeError(`--for ${word}: no test of the guest's is called so`);
  if (others.some((name) => name !== one) && one !== `${word}.guest`)
    throw new RangeError(`--for ${word}: which of ${found.join(', ')}?`);
  return one;
}

/** The command in a guest that is furnished. */
export function furnished(
  { layer, mappingDisplay }: Omit<Beside, 'remove'>,
  argv: readonly string[],
): readonly string[] {
  const [first = '', ...rest] = argv;
  const command = rest.length === 0 ? ['sh', '-c', first] : argv;
  return ['sh', 'test/vm/guest/furnish.sh', layer ?? '', mappingDisplay ?? '', ...command];
}

/**
 * A shell, which reads our standard input. Where that is a terminal the guest's shell has one of its own, to which ours passes
 * each key on as it is, Ctrl-C among them.
 */
export function shell(options: SessionOptions): readonly string[] {
  options.stdin = process.stdin;
  options.timeoutSeconds ??= A_DAY;
  if (!process.stdin.isTTY) return ['bash', '-s'];
  process.stdin.setRawMode(true);
  const { columns, rows } = process.stdout;
  const { TERM = 'linux' } = process.env;
  options.env = { ...options.env, TERM, PS1: 'guest:\\w# ' };
  const command = `stty rows ${rows || 24} columns ${columns || 80} && exec bash --norc`;
  return ['script', '--quiet', '--echo', 'always', '--return', '--command', command, '/dev/null'];
}
