/**
 * The whole command line: what main.ts runs, what completions and the man page are made from.
 */
import type { Command } from 'commander';
import { makeProgram } from './command.js';
import { allocCommand } from './commands/alloc.js';
import { clientCommand, disconnectCommand } from './commands/client.js';
import { clientsCommand } from './commands/clients.js';
import { completionCommand } from './commands/completion.js';
import { configCommand } from './commands/config.js';
import { deviceCommand } from './commands/device.js';
import { devicesCommand } from './commands/devices.js';
import { eventsCommand } from './commands/events.js';
import { extendCommand } from './commands/extend.js';
import { formatsCommand } from './commands/formats.js';
import { healthCommand } from './commands/health.js';
import { historyCommand } from './commands/history.js';
import { holdersCommand } from './commands/holders.js';
import { importCommand } from './commands/import.js';
import { leaksCommand } from './commands/leaks.js';
import { listCommand } from './commands/list.js';
import { logLevelCommand } from './commands/log-level.js';
import { poolCommand } from './commands/pool.js';
import { previewCommand } from './commands/preview.js';
import { quotaCommand } from './commands/quota.js';
import { recallCommand } from './commands/recall.js';
import { recvCommand } from './commands/recv.js';
import { reissueCommand } from './commands/reissue.js';
import { releaseCommand } from './commands/release.js';
import { renameCommand } from './commands/rename.js';
import { showCommand } from './commands/show.js';
import { tokenCommand } from './commands/token.js';
import { revokeCommand, shareCommand, tokensCommand } from './commands/tokens.js';
import { topCommand } from './commands/top.js';

const commands = [
  listCommand,
  showCommand,
  holdersCommand,
  topCommand,
  leaksCommand,
  poolCommand,
  historyCommand,
  allocCommand,
  importCommand,
  previewCommand,
  recvCommand,
  releaseCommand,
  renameCommand,
  reissueCommand,
  extendCommand,
  recallCommand,
  shareCommand,
  tokensCommand,
  revokeCommand,
  deviceCommand,
  devicesCommand,
  formatsCommand,
  clientsCommand,
  clientCommand,
  disconnectCommand,
  eventsCommand,
  quotaCommand,
  healthCommand,
  configCommand,
  logLevelCommand,
  completionCommand,
  tokenCommand,
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
  for (const make of commands) make(program);
  return program;
}
