/** The whole command line: what main.ts runs, what completions and the man page are made from. */
import type { Command } from 'commander';
import { type MakeCommand, makeProgram } from './command.js';
import { allocCommand } from './commands/alloc.js';
import { changeCommands } from './commands/change.js';
import { clientCommands } from './commands/clients.js';
import { commitCommand } from './commands/commit.js';
import { completionCommands } from './commands/completion.js';
import { daemonCommands } from './commands/daemon.js';
import { deviceCommands } from './commands/devices.js';
import { eventsCommand } from './commands/events.js';
import { importCommand } from './commands/import.js';
import { listCommand } from './commands/list.js';
import { orphansCommand } from './commands/orphans.js';
import { poolCommand } from './commands/pool.js';
import { previewCommand } from './commands/preview.js';
import { quotaCommand } from './commands/quota.js';
import { claimCommand, recvCommand } from './commands/recv.js';
import { serviceCommands } from './commands/service.js';
import { showCommand } from './commands/show.js';
import { tokenCommands } from './commands/tokens.js';
import { topCommand } from './commands/top.js';
import { usageCommands } from './commands/usage.js';
import { whoHasCommands } from './commands/who-has.js';

/** In the order of --help. */
const COMMANDS: readonly MakeCommand[] = [
  listCommand,
  showCommand,
  orphansCommand,
  whoHasCommands,
  usageCommands,
  topCommand,
  poolCommand,
  allocCommand,
  importCommand,
  previewCommand,
  recvCommand,
  claimCommand,
  commitCommand,
  changeCommands,
  tokenCommands,
  deviceCommands,
  clientCommands,
  eventsCommand,
  quotaCommand,
  daemonCommands,
  serviceCommands,
  completionCommands,
];

/**
 * The program with its commands; parsing throws a CommanderError where it would exit.
 *
 * @param complain how complaints about the command line are printed
 */
export function dmabrokerctl(
  complain = (text: string): void => {
    process.stderr.write(text);
  },
): Command {
  const program = makeProgram(complain).exitOverride();
  for (const make of COMMANDS) make(program);
  return program;
}
