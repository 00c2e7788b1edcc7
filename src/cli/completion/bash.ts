/** The completion script for bash (bash(1), Programmable Completion). */
import { type CommandDefinition, type ValueKind, withAllBelow } from '../definition.js';
import { knownNames } from './known.js';

/** Patterns of `case` are `PATH|OPTION` or `PATH|POSITION`; options of the program have any path. */
export function bashScript(program: CommandDefinition): string {
  const all = withAllBelow(program);
  const options = all.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value, valueKind }) =>
      flags.map((flag) => ({
        pattern: path.length === 0 ? `*'|${flag}'` : `'${path.join(' ')}|${flag}'`,
        takesValue: value !== null,
        valueKind,
      })),
    ),
  );
  const valued = options.filter(({ takesValue }) => takesValue);
  const commands = all.filter(({ path }) => path.length > 0);
  const globals = program.options.flatMap(({ flags }) => flags);
  return `# bash completion of dmabrokerctl; made by: dmabrokerctl completion bash
_dmabrokerctl_known() {
  local what=$1
  shift
  case $what in
${knownNames('"$@"')
  .map(([what, print]) => `    ${what}) ${print} ;;\n`)
  .join('')}  esac
}

_dmabrokerctl() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path='' option='' position=0 words='' i word
  local -a program=("\${COMP_WORDS[0]}")
  COMPREPLY=()
  # bash takes the = of --option=value for a word of its own.
  [[ $cur == '=' ]] && cur=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == '=' ]] && continue
    if [[ -n $option ]]; then
      case $option in
        --socket | --url | --token-file) program+=("$option" "$word") ;;
      esac
      option=''
      continue
    fi
    case "$path|$word" in
      ${valued.map(({ pattern }) => pattern).join(' | ')}) option=$word ;;
      *'|-'*) ;;
${commands.map(({ path }) => `      '${path.slice(0, -1).join(' ')}|${path.at(-1)}') path='${path.join(' ')}' ;;\n`).join('')}      *) ((position++)) ;;
    esac
  done
  if [[ -n $option ]]; then
    case "$path|$option" in
${valued.map(({ pattern, valueKind }) => branch(pattern, valueKind)).join('')}    esac
  elif [[ $cur == -* ]]; then
    case "$path" in
${commands.map(({ path, options }) => `      '${path.join(' ')}') words='${options.flatMap(({ flags }) => flags).join(' ')}' ;;\n`).join('')}    esac
    words+=' ${[...globals, '--help'].join(' ')}'
  else
    case "$path|$position" in
${all.map(positions).join('')}    esac
  fi
  mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _dmabrokerctl dmabrokerctl
`;
}

function positions({ path, commands, arguments: expected }: CommandDefinition): string {
  const at = (index: number) => `'${path.join(' ')}|${index}'`;
  if (commands.length > 0) {
    return `      ${at(0)}) words='${commands.map((each) => each.path.at(-1)).join(' ')}' ;;\n`;
  }
  return expected.map(({ valueKind }, index) => branch(at(index), valueKind)).join('');
}

function branch(pattern: string, value: ValueKind): string {
  switch (value.kind) {
    case 'choice':
      return `      ${pattern}) words='${value.choices.join(' ')}' ;;\n`;
    case 'known':
      return `      ${pattern}) words=$(_dmabrokerctl_known ${value.what} "\${program[@]}") ;;\n`;
    case 'file':
      return `      ${pattern})
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;\n`;
    case 'other':
      return '';
  }
}
