/**
 * The command line as data, read from Commander's definition: what the shells complete and what the
 * man page says cannot differ from what is parsed.
 */

import type { Argument, Command, Option } from 'commander';
import { formats } from '../memory/formats.js';

/** What the daemon knows the names of. */
const KNOWN = ['buffer', 'client', 'device', 'quota', 'source'] as const;
export type Known = (typeof KNOWN)[number];

/** What stands in a value's place. */
export type ValueKind =
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'known'; readonly what: Known }
  | { readonly kind: 'file' | 'other' };

export interface OptionDefinition {
  /** `-o`, `--output`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** What its value is called; null where it takes none. */
  readonly value: string | null;
  readonly valueKind: ValueKind;
  readonly default: string | null;
}

export interface ArgumentDefinition {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** Whether it may come several times. */
  readonly variadic: boolean;
  readonly valueKind: ValueKind;
}

export interface CommandDefinition {
  /** The words that lead to it, e.g. `quota set`; empty for the program. */
  readonly path: readonly string[];
  readonly description: string;
  /** Its own, without those of the program. */
  readonly options: readonly OptionDefinition[];
  readonly arguments: readonly ArgumentDefinition[];
  readonly commands: readonly CommandDefinition[];
}

export function definitionOf(command: Command, path: readonly string[] = []): CommandDefinition {
  // Each has --help; what Commander adds as a command says the same.
  const visible = command
    .createHelp()
    .visibleCommands(command)
    .filter((each) => each.name() !== 'help');
  return {
    path,
    description: command.description(),
    options: command.options.filter(({ hidden }) => !hidden).map(optionOf),
    arguments: command.registeredArguments.map(argumentOf),
    commands: visible.map((each) => definitionOf(each, [...path, each.name()])),
  };
}

/** A command and all those below it. */
export function withAllBelow(command: CommandDefinition): CommandDefinition[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}

function optionOf(option: Option): OptionDefinition {
  const { short, long, defaultValue } = option;
  // `--type <types...>`: the name, without what tells how often it may come.
  const value = /[<[]([^>\]]*?)(\.\.\.)?[>\]]$/.exec(option.flags)?.[1] ?? null;
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    description: option.description,
    value,
    valueKind: kindOf(value, option.argChoices),
    default: defaultValue === undefined ? null : String(defaultValue),
  };
}

function argumentOf(argument: Argument): ArgumentDefinition {
  const name = argument.name();
  return {
    name,
    description: argument.description,
    required: argument.required,
    variadic: argument.variadic,
    valueKind: kindOf(name, argument.argChoices),
  };
}

/** By what a value is called: `<id>` is a buffer's, wherever it stands. */
function kindOf(name: string | null, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: 'choice', choices };
  if (name === 'fourcc') return { kind: 'choice', choices: FOURCCS };
  const known = name === 'id' ? 'buffer' : name;
  const what = KNOWN.find((each) => each === known);
  if (what !== undefined) return { kind: 'known', what };
  return { kind: name === 'file' || name === 'path' ? 'file' : 'other' };
}

/** Without the spaces in which some end. */
const FOURCCS = formats.map(({ name }) => name.trimEnd());
