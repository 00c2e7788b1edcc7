/** The completion script for zsh (zshcompsys(1), _arguments). */
import {
  type ArgumentDefinition,
  type CommandDefinition,
  type OptionDefinition,
  type ValueKind,
  withAllBelow,
} from '../definition.js';
import { knownNames } from './known.js';

export function zshScript(program: CommandDefinition): string {
  return `#compdef dmabrokerctl
# zsh completion of dmabrokerctl; made by: dmabrokerctl completion zsh
_dmabrokerctl_known() {
  local -a names
  case $1 in
${knownNames('dmabrokerctl $connection')
  .map(([what, print]) => `    ${what}) names=(\${(f)"$(${print})"}) ;;\n`)
  .join('')}  esac
  compadd -a names
}

${withAllBelow(program)
  .filter(({ path }) => path.length > 0)
  .map((command) => `${functionOf(command, '$program_options')}\n`)
  .join('')}
_dmabrokerctl() {
  local -a program_options connection
  program_options=(
${program.options.flatMap(optionSpecs).map(line).join('')}${line("'--help[display help]'")}  )
${body(program, '$program_options')}}

# Autoloaded, this file is the function; sourced, it defines it.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _dmabrokerctl "$@"
else
  compdef _dmabrokerctl dmabrokerctl
fi
`;
}

const nameOf = (path: readonly string[]) => ['_dmabrokerctl', ...path].join('_');
const line = (spec: string) => `    ${spec}\n`;

function functionOf(command: CommandDefinition, common: string): string {
  return `${nameOf(command.path)}() {\n${body(command, common)}}\n`;
}

function body(command: CommandDefinition, common: string): string {
  const specs = command.path.length === 0 ? [] : command.options.flatMap(optionSpecs);
  if (command.commands.length === 0) {
    const all = [...specs, ...command.arguments.map(argumentSpec)];
    return `  _arguments -s ${[common, ...all].join(' \\\n    ')}\n`;
  }
  const described = command.commands.map(
    ({ path, description }) => `    ${quoted(`${path.at(-1)}:${description}`)}\n`,
  );
  const branches = command.commands.map(
    ({ path }) => `        ${path.at(-1)}) ${nameOf(path)} ;;\n`,
  );
  const remember =
    command.path.length > 0
      ? ''
      : `      local option
      for option in --socket --url --token-file; do
        (( $+opt_args[$option] )) && connection+=($option \${(Q)opt_args[$option]})
      done
`;
  return `  local curcontext=$curcontext state line
  local -A opt_args
  local -a commands
  commands=(
${described.join('')}  )
  _arguments -C -s ${[common, ...specs, "'1: :->command'", "'*:: :->arguments'"].join(' \\\n    ')}
  case $state in
    command) _describe command commands ;;
    arguments)
${remember}      case $line[1] in
${branches.join('')}      esac
      ;;
  esac
`;
}

function optionSpecs({ flags, description, value, valueKind }: OptionDefinition): string[] {
  const taken = value === null ? '' : `:${escaped(value)}:${action(valueKind)}`;
  // Several options collect their values.
  const often = value === null ? '' : '*';
  return flags.map((flag) => quoted(`${often}${flag}[${escaped(description)}]${taken}`));
}

function argumentSpec({ name, required, valueKind }: ArgumentDefinition, index: number): string {
  return quoted(`${index + 1}:${required ? '' : ':'}${escaped(name)}:${action(valueKind)}`);
}

function action(value: ValueKind): string {
  switch (value.kind) {
    case 'choice':
      return `(${value.choices.join(' ')})`;
    case 'known':
      // Behind a space, so that nothing is put between the words.
      return ` _dmabrokerctl_known ${value.what}`;
    case 'file':
      return '_files';
    case 'other':
      return '';
  }
}

/** In an _arguments specification, brackets and colons end a part. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
