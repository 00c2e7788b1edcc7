/** `dmabrokerctl completion SHELL`: the script with which a shell completes this program. */
import { Argument } from 'commander';
import { common, type MakeCommand } from '../command.js';
import { candidates } from '../complete.js';
import { definitionOf } from '../definition.js';
import { printJson, printLines, say } from '../output.js';

/** What the scripts are told in place of words: the shell is to offer its files. */
const FILES = ':files';

/** Each asks `dmabrokerctl complete`, whose lines are a word, a tab and what the word is for. */
const SCRIPTS = {
  bash: `# bash completion of dmabrokerctl; made by: dmabrokerctl completion bash
_dmabrokerctl() {
  local cur=\${COMP_WORDS[COMP_CWORD]}
  [[ $cur == '=' ]] && cur=''
  mapfile -t COMPREPLY < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${COMPREPLY[0]-} == ${FILES} ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    COMPREPLY=("\${COMPREPLY[@]%%$'\\t'*}")
  fi
}

complete -F _dmabrokerctl dmabrokerctl`,
  zsh: `#compdef dmabrokerctl
# zsh completion of dmabrokerctl; made by: dmabrokerctl completion zsh
_dmabrokerctl() {
  local -a found
  found=(\${(f)"$(dmabrokerctl complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)"})
  if [[ \${found[1]} == ${FILES} ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
  else
    _describe dmabrokerctl "(\${(j: :)\${(q)\${found//:/\\\\:}//$'\\t'/:}})"
  fi
}

# Autoloaded, this file is the function; sourced, it defines it.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _dmabrokerctl "$@"
else
  compdef _dmabrokerctl dmabrokerctl
fi`,
  fish: `# fish completion of dmabrokerctl; made by: dmabrokerctl completion fish
function __dmabrokerctl
    set -l last (commandline -ct)
    set -l found (dmabrokerctl complete -- (commandline -opc)[2..-1] "$last" 2>/dev/null)
    if test "$found[1]" = ${FILES}
        set -l flag (string match -r '^--[^=]*=' -- $last)
        for path in (__fish_complete_path (string replace -- "$flag" '' $last))
            echo "$flag$path"
        end
    else
        printf '%s\\n' $found
    end
end

complete -c dmabrokerctl -f
complete -c dmabrokerctl -a '(__dmabrokerctl)'`,
} as const;

export const completionCommands: MakeCommand = (program) => {
  program
    .command('completion')
    .description(
      "print a shell's completion script, e.g. for source <(dmabrokerctl completion bash)",
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS, _options, command) => {
      const script = `${SCRIPTS[shell]}\n`;
      if (common(command).json) printJson({ shell, script });
      else process.stdout.write(script);
    });
  program.command('complete [words...]', { hidden: true }).action(async (words: string[]) => {
    const found = await candidates(definitionOf(program), words);
    if (found === 'files') say(FILES);
    else printLines(found.map((candidate) => candidate.join('\t')));
  });
};
