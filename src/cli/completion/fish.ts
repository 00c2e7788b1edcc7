/** The completion script for fish (complete(1) of fish). */
import {
  type CommandDefinition,
  type OptionDefinition,
  type ValueKind,
  withAllBelow,
} from '../definition.js';
import { knownNames } from './known.js';

export function fishScript(program: CommandDefinition): string {
  const all = withAllBelow(program);
  const commands = all.filter(({ path }) => path.length > 0);
  const valued = all.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value !== null)
      .flatMap(({ flags }) =>
        flags.map((flag) => quoted(`${path.length === 0 ? '*' : path.join(' ')}|${flag}`)),
      ),
  );
  return `# fish completion of dmabrokerctl; made by: dmabrokerctl completion fish
# The words that lead to a command, without options and arguments.
function __dmabrokerctl_path
    set -l path ''
    set -l option
    for word in (commandline -opc)[2..-1]
        if test -n "$option"
            set option
            continue
        end
        switch "$path|$word"
            case ${valued.join(' ')}
                set option $word
${commands
  .map(
    ({ path }) =>
      `            case ${quoted(`${path.slice(0, -1).join(' ')}|${path.at(-1)}`)}\n                set path ${quoted(path.join(' '))}\n`,
  )
  .join('')}        end
    end
    echo $path
end

function __dmabrokerctl_at
    set -l path (__dmabrokerctl_path)
    test "$path" = "$argv[1]"
end

function __dmabrokerctl_known
    set -l connection
    set -l option
    for word in (commandline -opc)[2..-1]
        if test -n "$option"
            set -a connection $option $word
            set option
        else if contains -- $word --socket --url --token-file
            set option $word
        end
    end
    switch $argv[1]
${knownNames('dmabrokerctl $connection')
  .map(([what, print]) => `        case ${what}\n            ${print}\n`)
  .join('')}    end
end

complete -c dmabrokerctl -f
complete -c dmabrokerctl -l help -s h -d 'display help'
${all.flatMap(lines).join('\n')}
`;
}

function lines({ path, options, commands, arguments: expected }: CommandDefinition): string[] {
  const here = `-n ${quoted(`__dmabrokerctl_at ${quoted(path.join(' '))}`)}`;
  const start = 'complete -c dmabrokerctl';
  return [
    ...options.map((option) =>
      [start, ...(path.length > 0 ? [here] : []), flagsOf(option)].join(' '),
    ),
    ...commands.map(
      (each) => `${start} ${here} -a ${each.path.at(-1)} -d ${quoted(each.description)}`,
    ),
    ...expected
      .map(({ valueKind }) => values(valueKind))
      .filter((text) => text !== '')
      .map((text) => `${start} ${here} ${text}`),
  ];
}

function flagsOf({ flags, description, value, valueKind }: OptionDefinition): string {
  const names = flags.map((flag) =>
    flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const taken =
    value === null
      ? []
      : [valueKind.kind === 'file' ? '-r' : '-x', values(valueKind)].filter((text) => text !== '');
  return [...names, ...taken, `-d ${quoted(description)}`].join(' ');
}

function values(value: ValueKind): string {
  switch (value.kind) {
    case 'choice':
      return `-a ${quoted(value.choices.join(' '))}`;
    case 'known':
      return `-a '(__dmabrokerctl_known ${value.what})'`;
    case 'file':
      return '-F';
    case 'other':
      return '';
  }
}

/** fish(1): within single quotes, only \\ and ' are special. */
function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
