/**
 * Commands that print one table of records, and the options that all of them have: which columns, how
 * wide, or the ids alone.
 */
import type { Command } from 'commander';
import { type Common, common, givenTo } from './command.js';
import { Names } from './names.js';
import { someOf } from './options.js';
import { printJson, printLines, printTable } from './output.js';
import { printable } from './printable.js';
import type { Rest } from './rest.js';
import { type Columns, textOf, wrapped } from './table.js';

/** Records, and what else the daemon has said. */
export interface Shown<T> {
  readonly items: readonly T[];
  /** What somebody at a terminal should know of them. */
  readonly note?: string | null;
  /** The answer that they are a part of. */
  readonly whole?: unknown;
}

export interface Listing<T> {
  readonly columns: Columns<T>;
  /** What is said where there are none. */
  readonly none: string;
}

interface Options {
  readonly wide?: boolean;
  readonly columns?: readonly string[];
  readonly quiet?: boolean;
}

/** As -o has it: `USES LEFT` is uses-left. */
const nameOf = (head: string) => head.toLowerCase().replaceAll(' ', '-');

/** Makes of a command one that prints what it asks for; what it asks is given arguments and options. */
export function listing<T, Given extends unknown[]>(
  command: Command,
  { columns, none }: Listing<T>,
  ask: (rest: Rest, ...given: Given) => Promise<readonly T[] | Shown<T>>,
): Command {
  const names = columns.map(([head]) => nameOf(head));
  command
    .option('-w, --wide', 'all that there is, however wide the terminal')
    .addOption(someOf('-o, --columns <column>', 'these columns alone, in this order', names));
  const [, identify] = columns.find(([, , kind]) => kind !== undefined) ?? [];
  if (identify !== undefined) command.option('-q, --quiet', 'whole ids alone');
  return command.action(async (...all: unknown[]) => {
    const self = all.at(-1) as Command;
    const { rest, json }: Common = common(self);
    const { wide, columns: wanted, quiet } = self.opts<Options>();
    const answer = await ask(rest, ...(await givenTo(self, rest, all as [...Given, Command])));
    const { items, note, whole }: Shown<T> = 'items' in answer ? answer : { items: answer };
    if (json) return printJson(whole ?? items);
    const names = await Names.of(rest).learn(items);
    if (quiet && identify !== undefined) {
      printLines(items.map((item) => printable(textOf(identify(item, names)))));
    } else {
      const shown = wanted?.flatMap((name) => columns.filter(([head]) => nameOf(head) === name));
      printTable(shown ?? columns, items, none, names, wide ? Number.POSITIVE_INFINITY : undefined);
    }
    // Not among the records, which somebody may count.
    if (!note) return;
    const { isTTY, columns: width } = process.stderr;
    const lines = isTTY && width ? wrapped(printable(note), width) : [printable(note)];
    process.stderr.write(`${lines.join('\n')}\n`);
  });
}
