/** `dmabrokerctl completion SHELL`: the script with which a shell completes this program. */
import { Argument, type Command } from 'commander';
import { common, type MakeCommand } from '../command.js';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { zshScript } from '../completion/zsh.js';
import { type CommandDefinition, definitionOf } from '../definition.js';
import { printJson } from '../output.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export const completionCommand: MakeCommand = (program) => {
  program
    .command('completion')
    .description(
      "print a shell's completion script, e.g. for source <(dmabrokerctl completion bash)",
    )
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS, _options: unknown, command: Command) => {
      const make: (program: CommandDefinition) => string = SCRIPTS[shell];
      const script = make(definitionOf(program));
      if (common(command).json) printJson({ shell, script });
      else process.stdout.write(script);
    });
};
